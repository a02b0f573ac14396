"""Which image references Calzion itself can serve, with and without a container engine. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from calzion.errors import CalzionError

APPLIANCES = ("postgres", "redis")
_MAJOR = re.compile(r"(\d+)(?:[.-].*)?")


def resolve(image: str, versions: Mapping[str, str]) -> str:
    """The appliance that serves an image reference; `versions` are of those that this machine can run.

    Raises CalzionError (unsupported) where none does.
    """
    name, tag, digest = _parse(image)
    if name not in APPLIANCES:
        raise CalzionError(
            f"the image {image} needs a container engine, and there is none",
            hint="see 'calzion doctor'",
            code="unsupported",
        )
    version = versions.get(name)
    if version is None:
        raise CalzionError(
            f"the image {image} can't be served: this machine has no {name} server",
            hint="see 'calzion doctor'",
            code="unsupported",
        )
    if digest or (tag and _major(tag) != _major(version)):
        raise CalzionError(
            f"the image {image} needs a container engine; without one there is {name} {version}",
            hint=f"write calzion/{name} to use that, or see 'calzion doctor'",
            code="unsupported",
        )
    return name


def contained(image: str) -> str | None:
    """The appliance that an engine runs for a reference without tag and digest; None for an image that is pulled."""
    name, tag, digest = _parse(image)
    return name if name in APPLIANCES and not tag and not digest else None


def _parse(image: str) -> tuple[str, str, str]:
    """The last part of the name, the tag and the digest."""
    reference, _, digest = image.partition("@")
    name, _, tag = reference.rpartition("/")[2].partition(":")
    return name, tag, digest


def _major(version: str) -> str | None:
    found = _MAJOR.fullmatch(version)
    return found.group(1) if found else None
