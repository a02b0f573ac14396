"""The buildpacks that ship with Calzion, and what their content hashes to."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from calzion.build.detect import is_shipped
from calzion.build.directory import DirectoryTree
from calzion.host.sandbox import APP, Mount

INSIDE = "/buildpack"
DRIVER = Path(__file__).with_name("slugbuilder.sh")
DRIVER_INSIDE = f"{INSIDE}/slugbuilder.sh"


@dataclass(frozen=True)
class Buildpacks:
    """`root` has a directory for each shipped buildpack."""

    root: Path

    @cached_property
    def digests(self) -> dict[str, str]:
        return {
            name.rstrip("/"): DirectoryTree(self.root / name).digest
            for name in DirectoryTree(self.root).names()
            if name.endswith("/")
        }

    def digest(self, names: Iterable[str]) -> str:
        """Names the content of these buildpacks and of what runs them; others are part of the source."""
        digest = hashlib.sha256(DRIVER.read_bytes())
        for name in names:
            digest.update(b"\0" + os.fsencode(name) + b"\0" + self.digests.get(name, "").encode())
        return digest.hexdigest()

    def mounts(self, names: Iterable[str]) -> tuple[Mount, ...]:
        shipped = (Mount(source=self.root / name, target=inside(name)) for name in names if is_shipped(name))
        return (Mount(source=DRIVER, target=DRIVER_INSIDE), *shipped)

    def afterwards(self, names: Iterable[str]) -> tuple[str, ...]:
        """The programs inside the sandbox by which shipped buildpacks prepare their cache for the next build."""
        program = "bin/afterwards"
        return tuple(
            f"{inside(name)}/{program}"
            for name in names
            if is_shipped(name) and (self.root / name / program).exists()
        )


def inside(name: str) -> str:
    """Where a buildpack is found in the sandbox: mounted, or in the source."""
    return f"{INSIDE}/{name}" if is_shipped(name) else f"{APP}/{name.removeprefix('./')}"
