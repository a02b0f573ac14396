"""An instance's own writable copy of its slug: an overlay that the engine mounts, as a volume of its local driver."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docker.errors import APIError, NotFound

from calzion.backends.docker.depot import Depot
from calzion.backends.docker.engine import Engine, explain
from calzion.backends.docker.labels import INSTANCE, layer_name
from calzion.backends.docker.order import Bind, held
from calzion.host.directory import InstanceDirectory, remove_tree
from calzion.host.sandbox import APP
from calzion.host.wire import check_id

_log = logging.getLogger(__name__)

_HELD = "active mounts"


class Layers:
    """The slug stays as it is; what the instance writes lies below `directory`, and goes with it."""

    def __init__(self, engine: Engine, directory: Path) -> None:
        self._engine = engine
        self._directory = directory

    def make(self, instance: str, slug: Path | None, owner: int | None) -> Bind:
        """Fresh layers over the slug, or over nothing, which `owner` may change."""
        directory = self._of(instance)
        name = self._fresh_name(instance)
        directory.prepare(owner)
        place = self._engine.place
        lower, upper, work = place(slug or directory.app), place(directory.upper), place(directory.work)
        return self._overlay(name, instance, lower, upper, work)

    def make_there(self, instance: str, slug: Path | None, depot: Depot) -> Iterator[Bind]:
        """The same where the engine does not see our files: of volumes alone. Their root is the engine's user's."""
        name = self._fresh_name(instance)
        upper, work = self._volume(f"{name}.upper", instance), self._volume(f"{name}.work", instance)
        if slug:
            lower, below = depot.have(slug.parent.name, slug), depot.volume(slug.parent.name)
        else:
            lower, below = self._volume(f"{name}.empty", instance), f"{name}.empty"
        yield self._overlay(name, instance, lower, upper, work)
        for volume, what in ((f"{name}.upper", "upper"), (f"{name}.work", "work"), (below, "slug")):
            yield held(volume, what)

    def remove(self, instance: str) -> bool:
        """Remove the layers, where there are any. No container may use them.

        False where the engine holds on to some: after a live restore it may count a mount too many, until its next
        start.
        """
        volumes = [volume["Name"] for volume in self._volumes(instance=instance)]
        gone = [self._let_go(name) for name in volumes]
        remove_tree(self._of(instance).path)
        return all(gone)

    def sweep(self, instances: frozenset[str]) -> None:
        """Remove the layers of all instances but these: a crash may have left some without a container."""
        named = {volume["Labels"].get(INSTANCE) for volume in self._volumes()} - {None}
        kept = {path.name for path in self._directory.iterdir()} if self._directory.is_dir() else set()
        for instance in (named | kept) - instances:
            self.remove(instance)

    def _fresh_name(self, instance: str) -> str:
        name = layer_name(self._engine.installation, instance)
        return name if self.remove(instance) else f"{name}.{secrets.token_hex(4)}"

    def _overlay(self, name: str, instance: str, lower: str, upper: str, work: str) -> Bind:
        options = {
            "type": "overlay",
            "device": "overlay",
            "o": f"lowerdir={lower},upperdir={upper},workdir={work}",
        }
        self._engine.api.create_volume(
            name, driver="local", driver_opts=options, labels=self._engine.labels(instance=instance)
        )
        return Bind(source=name, target=APP, volume=True, writable=True)

    def _volume(self, name: str, instance: str) -> str:
        """Where the engine has a new volume."""
        labels = self._engine.labels(instance=instance)
        return str(self._engine.api.create_volume(name, labels=labels)["Mountpoint"])

    def _let_go(self, volume: str) -> bool:
        try:
            self._engine.api.remove_volume(volume)
        except NotFound:
            return True
        except APIError as error:
            if _HELD not in explain(error):
                raise
            _log.info("%s is removed at a later start: %s", volume, explain(error))
            return False
        return True

    def _volumes(self, **labels: str) -> Iterator[dict[str, Any]]:
        found = self._engine.api.volumes(filters=self._engine.filters(**labels))
        yield from found["Volumes"] or ()

    def _of(self, instance: str) -> InstanceDirectory:
        return InstanceDirectory(self._directory / check_id(instance))
