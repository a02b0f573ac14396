"""How a buildpack is named: one that ships with Calzion, a directory of the source, or an address. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from calzion.errors import CalzionError
from calzion.template.address import Address, parse_address

SHIPPED = ("python", "node", "static", "procfile")
"""The buildpacks that ship with Calzion, in the order in which they are tried."""

MAX_BUILDPACKS = 20

_HEROKU = {"python": "python", "nodejs": "node", "node": "node", "static": "static", "procfile": "procfile"}
"""What ships in the place of Heroku's buildpacks, which fetch programs that are made for Heroku's stacks alone."""
_HEROKU_NAME = re.compile(r"(?:urn:buildpack:)?heroku(?:-community)?/([a-z][a-z0-9-]{0,60})")
_HEROKU_URL = re.compile(r"https://github\.com/heroku/heroku-buildpack-([a-z][a-z0-9-]{0,60}?)(?:\.git)?/?")
_ARCHIVE = re.compile(r".*\.(?:tgz|tar\.gz|tar|tar\.bz2|tbz|tar\.xz|txz|zip)", re.IGNORECASE)
_REF = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._/+@-]{0,198}[A-Za-z0-9_+@-])?")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ABBREVIATED = re.compile(r"[0-9a-f]{7,39}")


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """`asked` is the name by which it was asked for, where that was another one."""

    name: str
    asked: str = ""

    @property
    def label(self) -> str:
        return self.name


@dataclass(frozen=True, kw_only=True)
class InSource:
    """A directory of the source; `path` begins with './'."""

    path: str

    @property
    def label(self) -> str:
        return self.path


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A repository at `ref` ('' is its HEAD), or an archive, at an address."""

    address: Address
    ref: str = ""
    asked: str = ""

    @property
    def archive(self) -> bool:
        return is_archive(self.address.url)

    @property
    def label(self) -> str:
        """How it is shown, without credentials."""
        return f"{self.address.url}#{self.ref}" if self.ref else self.address.url

    @property
    def commit(self) -> str:
        """The full commit id that it is pinned to, or ''."""
        return self.ref if _COMMIT.fullmatch(self.ref) else ""

    @property
    def may_be_commit(self) -> bool:
        """Whether the ref could be an abbreviated commit id."""
        return bool(_ABBREVIATED.fullmatch(self.ref))


Reference = Shipped | InSource | Remote


def is_archive(url: str) -> bool:
    return bool(_ARCHIVE.fullmatch(url.partition("?")[0]))


def buildpack_lines(content: bytes) -> tuple[str, ...]:
    """The entries of a `.buildpacks` file: one a line; blank lines and those that begin with '#' don't count."""
    lines = (line.strip() for line in content.decode("utf-8", "replace").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def parse_buildpacks(entries: Iterable[str], where: str) -> tuple[Reference, ...]:
    """Read a list of buildpacks that stands in `where`. Raises CalzionError (build) with every problem."""
    found: list[Reference] = []
    problems: list[str] = []
    entries = tuple(entries)
    for entry in entries[:MAX_BUILDPACKS]:
        try:
            found.append(parse_reference(entry))
        except ValueError as error:
            problems.append(f"{where}: {_shown(entry)}: {error}")
    if not entries:
        problems.append(f"{where}: it names no buildpack")
    if len(entries) > MAX_BUILDPACKS:
        problems.append(f"{where}: more than {MAX_BUILDPACKS} buildpacks")
    if problems:
        raise CalzionError(
            "these buildpacks can't be used",
            hint=f"name {', '.join(SHIPPED)}, a directory of the source such as ./buildpack, or an address such as"
            " https://example.com/buildpack.git#v1",
            code="build",
            detail=problems,
        )
    return tuple(found)


def parse_reference(entry: str) -> Reference:
    """Read one entry. Raises ValueError with the reason."""
    if entry in SHIPPED:
        return Shipped(name=entry)
    if entry.startswith("./"):
        return InSource(path=_directory(entry))
    heroku = _HEROKU_NAME.fullmatch(entry) or _HEROKU_URL.fullmatch(entry)
    if heroku:
        return _for_heroku(heroku[1], entry)
    if "://" in entry or ":" in entry:
        return _remote(entry)
    raise ValueError("this is no buildpack")


def _for_heroku(name: str, asked: str) -> Reference:
    if name in _HEROKU:
        return Shipped(name=_HEROKU[name], asked=asked)
    url = f"https://github.com/heroku/heroku-buildpack-{name}.git"
    return Remote(address=Address(url=url), asked="" if "://" in asked else asked)


def _remote(entry: str) -> Remote:
    url, sharp, ref = entry.partition("#")
    remote = Remote(address=parse_address(url), ref=ref)
    if remote.archive and sharp:
        raise ValueError("an archive has no '#ref'")
    if sharp and not _is_ref(ref):
        raise ValueError("what follows '#' is no branch, tag or commit")
    if not remote.archive and "?" in url:
        raise ValueError("this is neither a repository nor an archive (.tgz, .tar.gz, .zip)")
    if not remote.address.encrypted and not remote.commit:
        raise ValueError(
            "http:// does not prove what comes; use https://, or pin a full commit ('#' and 40 digits)"
        )
    return remote


def _directory(entry: str) -> str:
    parts = entry.rstrip("/").split("/")[1:]
    if not parts or ".." in parts or not entry.isprintable() or len(entry) > 1000:
        raise ValueError("this is no directory of the source")
    return "./" + "/".join(part for part in parts if part not in ("", "."))


def _is_ref(ref: str) -> bool:
    return bool(_REF.fullmatch(ref)) and ".." not in ref and "//" not in ref and "@{" not in ref


def _shown(entry: str) -> str:
    """For an entry that may not even be a URL, whatever could be a password is left out."""
    return ascii(re.sub(r"(?<=://).*@", "***@", entry)[:200])
