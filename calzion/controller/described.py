"""Code that is described and not there: enough of it to say what a build would be, nothing to build."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeGuard

from calzion.errors import CalzionError
from calzion.model import ServiceName, Submodule

MOST_CONTENT = 1 << 20
"""Bytes that the files of all descriptions of a plan may have together."""

MOST_READ = 1 << 20
"""Bytes of a file beyond which nobody reads it: it is described as too large."""

_ROOT_FILES = frozenset(
    ("Procfile", ".buildpacks", "runtime.txt", ".python-version", "Pipfile", "Pipfile.lock", "pyproject.toml")
)
_BELOW = re.compile("public/index\\.html|[^/]+/(pyvenv\\.cfg|(bin|Scripts)/activate)")
_DIGEST = re.compile("[0-9a-f]{40}")
_MOST_NAMES = 20_000


def is_told(path: str) -> bool:
    """Whether a slug's key depends on the file for more than its part in the digest."""
    return path in _ROOT_FILES or _BELOW.fullmatch(path) is not None


@dataclass(frozen=True, kw_only=True, eq=False)
class DescribedTree:
    """A SourceTree whose `files` are those that `is_told` names, as far as they are there and not too `large`."""

    digest: str
    commit: str = ""
    root: tuple[str, ...]
    files: Mapping[str, bytes] = field(repr=False, default_factory=dict)
    large: frozenset[str] = frozenset()

    def names(self) -> tuple[str, ...]:
        return self.root

    def read(self, path: str, limit: int = MOST_READ) -> bytes | None:
        content = self.files.get(path)
        if path in self.large or (content is not None and len(content) > limit):
            raise ValueError(f"{path} is larger than {limit} bytes")
        return content

    def submodules(self) -> tuple[Submodule, ...]:
        return ()

    def export(self, destination: Path) -> None:
        raise CalzionError(f"code that was only described can't be written to {destination}")

    def as_dict(self) -> dict[str, Any]:
        """JSON data; the content of files is in Base64 (RFC 4648)."""
        files = {path: base64.b64encode(content).decode() for path, content in self.files.items()}
        return {
            "digest": self.digest,
            "commit": self.commit,
            "names": list(self.root),
            "files": files,
            "large": sorted(self.large),
        }

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """Read what `as_dict` gave, or somebody made up. Raises CalzionError (usage)."""
        digest, commit = data.get("digest"), data.get("commit", "")
        if not _is_id(digest) or not (commit == "" or _is_id(commit)):
            raise _unusable("'digest' is the 40 hexadecimal digits of a git tree, 'commit' those of a commit")
        names, files, large = data.get("names"), data.get("files", {}), data.get("large", [])
        if not _are_texts(names) or not isinstance(files, dict) or not _are_texts(large):
            raise _unusable("'names' and 'large' are lists of names, 'files' is an object")
        if len(names) > _MOST_NAMES or not all(_is_name(name) for name in names):
            raise _unusable(f"'names' are at most {_MOST_NAMES} of those at the root; directories end in '/'")
        if not all(is_told(path) for path in (*files, *large)):
            raise _unusable("'files' and 'large' name a file on which no build depends")
        return cls(
            digest=digest,
            commit=commit,
            root=tuple(sorted(set(names))),
            files={path: _content(path, text) for path, text in files.items()},
            large=frozenset(large),
        )


def parse_codes(data: object) -> dict[ServiceName, DescribedTree]:
    """Descriptions with the services whose code they are. Raises CalzionError (usage) for what can't be used."""
    if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
        raise _unusable("'codes' is a list of objects")
    found: dict[ServiceName, DescribedTree] = {}
    content = 0
    for each in data:
        tree = DescribedTree.parse(each)
        content += sum(map(len, tree.files.values()))
        found.update(dict.fromkeys(_services(each.get("services")), tree))
    if content > MOST_CONTENT:
        raise _unusable(f"the files have more than {MOST_CONTENT} bytes")
    return found


def codes_data(codes: Iterable[tuple[Iterable[ServiceName], DescribedTree]]) -> list[dict[str, Any]]:
    """What `parse_codes` reads."""
    return [{"services": [str(name) for name in services], **tree.as_dict()} for services, tree in codes]


def _services(given: object) -> list[ServiceName]:
    if not _are_texts(given):
        raise _unusable("'services' is a list of services")
    try:
        return [ServiceName.parse(name) for name in given]
    except ValueError as error:
        raise _unusable(str(error)) from error


def _content(path: str, text: object) -> bytes:
    try:
        content = base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        content = None
    if content is None or len(content) > MOST_READ:
        raise _unusable(f"{path} is no Base64 of at most {MOST_READ} bytes")
    return content


def _is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _is_name(name: str) -> bool:
    bare = name.removesuffix("/")
    return 0 < len(name) <= 1024 and "/" not in bare and "\0" not in bare and bare not in ("", ".", "..")


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _unusable(why: str) -> CalzionError:
    return CalzionError(f"the description of the code can't be used: {why}", code="usage")
