"""The buildpacks of a build as the sandbox has them, and what their content hashes to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from calzion.build.directory import DirectoryTree
from calzion.build.recipe import Recipe
from calzion.build.remotes import Pinned
from calzion.host.sandbox import APP, Mount
from calzion.images.recipe import BUILDPACKS
from calzion.template.buildpack import Reference, Remote, Shipped

INSIDE = BUILDPACKS
DRIVER_INSIDE = f"{INSIDE}/slugbuilder.sh"
_PROGRAMS = tuple(Path(__file__).with_name(name) for name in ("slugbuilder.sh", "slugignore.py"))


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

    def digest(self, recipe: Recipe) -> str:
        """Names the content of these buildpacks and of what runs them; those in the source are part of that."""
        digest = hashlib.sha256()
        for program in _PROGRAMS:
            digest.update(hashlib.sha256(program.read_bytes()).digest())
        facts = [self._facts(reference, recipe.pinned) for reference in recipe.references]
        return hashlib.sha256(digest.digest() + json.dumps(facts).encode()).hexdigest()

    def mounts(self, recipe: Recipe, copies: Mapping[Pinned, Path]) -> tuple[Mount, ...]:
        """Everything that a build needs besides its source."""
        programs = [Mount(source=program, target=f"{INSIDE}/{program.name}") for program in _PROGRAMS]
        fetched = [
            Mount(source=copies[recipe.pinned[reference]], target=_inside(reference, number))
            for number, reference in enumerate(recipe.references)
            if isinstance(reference, Remote)
        ]
        return (*programs, *self.shipped(recipe), *fetched)

    def shipped(self, recipe: Recipe) -> tuple[Mount, ...]:
        names = dict.fromkeys(each.name for each in recipe.references if isinstance(each, Shipped))
        return tuple(Mount(source=self.root / name, target=f"{INSIDE}/{name}") for name in names)

    def arguments(self, recipe: Recipe) -> Iterator[str]:
        """What the driver is given: how each buildpack is called, and where it is."""
        for number, reference in enumerate(recipe.references):
            yield reference.label
            yield _inside(reference, number)

    def afterwards(self, recipe: Recipe) -> tuple[str, ...]:
        """The programs inside the sandbox by which shipped buildpacks prepare their cache for the next build."""
        program = "bin/afterwards"
        return tuple(
            f"{_inside(reference, number)}/{program}"
            for number, reference in enumerate(recipe.references)
            if isinstance(reference, Shipped) and (self.root / reference.name / program).exists()
        )

    def _facts(self, reference: Reference, pinned: Mapping[Remote, Pinned]) -> list[str]:
        if isinstance(reference, Shipped):
            return [reference.name, self.digests.get(reference.name, "")]
        if isinstance(reference, Remote):
            return [reference.address.url, pinned[reference].version]
        return [reference.path]


def _inside(reference: Reference, number: int) -> str:
    """Where a buildpack is found in the sandbox: mounted, or in the source."""
    if isinstance(reference, Shipped):
        return f"{INSIDE}/{reference.name}"
    if isinstance(reference, Remote):
        return f"{INSIDE}/remote-{number}"
    return f"{APP}/{reference.path.removeprefix('./')}"
