"""An image reference: `[registry/]path[:tag][@digest]`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Self

from calzion.template.data import shown
from calzion.template.problem import Misfit

_MAX_NAME = 255
_MAX_REFERENCE = 600
_HOST_PART = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REGISTRY = re.compile(rf"(?:{_HOST_PART}(?:\.{_HOST_PART})*|\[[0-9a-fA-F:]{{2,45}}\])(?::[0-9]{{1,5}})?")
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


@dataclass(frozen=True, kw_only=True)
class ImageReference:
    """The grammar is that of the OCI distribution project. `registry`, `tag`, `digest` may be ''."""

    registry: str = ""
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """The last part of the path: what a service is named after."""
        return self.path.rpartition("/")[2]

    @property
    def repository(self) -> str:
        """The reference without tag and digest."""
        return f"{self.registry}/{self.path}" if self.registry else self.path

    def pinned(self, digest: str) -> Self:
        """The image of this digest, whatever its tag leads to later."""
        return replace(self, tag="", digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a reference. Raises ValueError (a Misfit) with a sentence."""
        if not text or len(text) > _MAX_REFERENCE:
            raise _misfit(text, "write one such as redis, mycompany/redis:7 or registry.example.com/app")
        rest, at, digest = text.partition("@")
        name, tag = _split_tag(rest)
        registry, path = _split_registry(name)
        _check(text, registry, path, tag)
        if at and not _DIGEST.fullmatch(digest):
            raise _misfit(text, "a digest is sha256: and 64 characters of 0-9 and a-f")
        return cls(registry=registry, path=path, tag=tag or "", digest=digest)


def _split_tag(text: str) -> tuple[str, str | None]:
    """A colon after the last slash begins the tag; one before it is the registry's port."""
    name, colon, tag = text.rpartition(":")
    return (text, None) if not colon or "/" in tag else (name, tag)


def _split_registry(name: str) -> tuple[str, str]:
    """The first part is a registry where it looks like a host, as container engines decide it."""
    first, slash, rest = name.partition("/")
    is_host = slash and (any(c in first for c in ".:[") or first == "localhost" or first != first.lower())
    return (first, rest) if is_host else ("", name)


def _check(text: str, registry: str, path: str, tag: str | None) -> None:
    if registry and not _REGISTRY.fullmatch(registry):
        raise _misfit(text, f"{shown(registry)} is no HOST or HOST:PORT")
    if len(registry) + len(path) >= _MAX_NAME:
        raise _misfit(text, f"its name is longer than {_MAX_NAME} characters")
    for part in path.split("/"):
        if not _COMPONENT.fullmatch(part):
            raise _misfit(text, f"{shown(part)} must be of a-z and 0-9, with '.', '_' or '-' inside")
    if tag is not None and not _TAG.fullmatch(tag):
        raise _misfit(text, "a tag is of A-Z, a-z, 0-9, '_', '.' and '-', at most 128 characters")


def _misfit(text: str, why: str) -> Misfit:
    return Misfit(f"{shown(text)} is no image reference: {why}")
