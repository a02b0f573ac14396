"""Where this machine has Debian's packages from, in the form that images can use. Reads files alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from calzion.images.recipe import SUITE

_SUITES = (SUITE, f"{SUITE}-updates", f"{SUITE}-security", f"{SUITE}/updates")
_OPTIONS = re.compile(r"\[([^]]*)\]")


def host_sources(root: Path = Path("/")) -> str:
    """This machine's mirrors of SUITE as lines of a sources.list; '' where it runs another system or has none.

    Third parties' archives are left out, and so are addresses with credentials or with https, for which an image
    has no certificates yet.
    """
    if not re.search(rf"^VERSION_CODENAME={SUITE}$", _text(root / "etc/os-release"), re.MULTILINE):
        return ""
    return "".join(f"{line}\n" for line in dict.fromkeys(_lines(root / "etc/apt")))


def _lines(apt: Path) -> Iterator[str]:
    for place in (apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))):
        yield from (_stanzas if place.suffix == ".sources" else _one_liners)(_text(place))


def _one_liners(text: str) -> Iterator[str]:
    for line in text.splitlines():
        options = " ".join(_OPTIONS.findall(line))
        words = _OPTIONS.sub("", line.partition("#")[0]).split()
        if words[:1] == ["deb"] and len(words) > 3 and _is_debians(options):
            yield from _line(words[1], words[2], words[3:])


def _stanzas(text: str) -> Iterator[str]:
    for stanza in text.split("\n\n"):
        fields: dict[str, list[str]] = {}
        for line in stanza.splitlines():
            name, colon, value = line.partition(":")
            if colon and not line.startswith(("#", " ")):
                fields[name.strip().lower()] = value.split()
        if "deb" in fields.get("types", ()) and _is_debians(_signature(fields)):
            for uri in fields.get("uris", ()):
                for suite in fields.get("suites", ()):
                    yield from _line(uri, suite, fields.get("components", []))


def _signature(fields: dict[str, list[str]]) -> str:
    return f"signed-by={' '.join(fields['signed-by'])}" if "signed-by" in fields else ""


def _is_debians(options: str) -> bool:
    """Whether it is signed with one of the keys that every Debian has."""
    return "signed-by=" not in options or "/debian-archive" in options


def _line(uri: str, suite: str, components: list[str]) -> Iterator[str]:
    address = urlsplit(uri)
    if suite in _SUITES and "main" in components and address.scheme == "http" and not address.username:
        yield f"deb {uri} {suite} main"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
