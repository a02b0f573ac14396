"""The builders that the contract holds for, and orders for them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from calzion.model import Builder, BuildOrder
from tests.fakes.builder import OWN_COMPILE, Compilation, FakeBuilder
from tests.integration.build_site import Site, with_buildpack

FINE = "echo begun; echo ended"
FAILS = "echo begun; exit 1"
WAITS = "echo begun; exec sleep 1000"

COMPILATIONS = {
    with_buildpack(script)[OWN_COMPILE].encode(): compilation
    for script, compilation in {
        FINE: Compilation(lines=("begun", "ended")),
        FAILS: Compilation(lines=("begun",), fails=True),
        WAITS: Compilation(lines=("begun",), waits=True),
    }.items()
}


class BuilderStage(ABC):
    builder: Builder

    def __init__(self, directory: Path, *, container: bool = False) -> None:
        self.site = Site(directory, container=container)

    def order(self, files: Mapping[str, str], **environment: str) -> BuildOrder:
        """An order of its own, of files that lie in a directory of its own."""
        return self.site.order(files, **environment)

    def close(self) -> None:
        self.site.close()

    @abstractmethod
    def restart(self) -> None:
        """Whoever builds ends, and begins anew."""

    @abstractmethod
    def has_cache(self, name: str) -> bool: ...

    @abstractmethod
    def leftovers(self) -> list[str]:
        """What lies there that is neither a slug nor a cache."""


class MemoryStage(BuilderStage):
    """The builder in memory outlives those that use it: a restart is nothing to it."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.builder: FakeBuilder = FakeBuilder(directory / "slugs", COMPILATIONS)

    def restart(self) -> None:
        pass

    def has_cache(self, name: str) -> bool:
        return name in self.builder.caches

    def leftovers(self) -> list[str]:
        names = {path.name for path in self.builder.directory.glob("*")}
        return sorted(names - self.builder.slugs.keys())


class RealStage(BuilderStage):
    """Buildpacks in sandboxes, or in containers."""

    def __init__(self, directory: Path, *, container: bool = False) -> None:
        super().__init__(directory, container=container)
        self.restart()

    def restart(self) -> None:
        self.site.rest()
        self.builder = self._real = self.site.builder()
        self._real.prepare()

    def has_cache(self, name: str) -> bool:
        self.site.rest()
        return self._real.caches.path(name).is_dir()

    def leftovers(self) -> list[str]:
        slugs = {slug.key for slug in self._real.store.list()}
        kept = {path.name for path in self.site.layout.slugs.glob("*")}
        return self.site.leftovers() + sorted(kept - slugs)
