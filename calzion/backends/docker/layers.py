"""An instance's own writable copy of its slug: an overlay that the engine mounts, as a volume of its local driver."""

from __future__ import annotations

import contextlib
from pathlib import Path

from docker.errors import NotFound

from calzion.backends.docker.engine import Engine
from calzion.backends.docker.labels import INSTANCE, layer_name
from calzion.backends.docker.order import Bind
from calzion.host.directory import InstanceDirectory, remove_tree
from calzion.host.sandbox import APP
from calzion.host.wire import check_id


class Layers:
    """The slug stays as it is; what the instance writes lies below `directory`, and goes with it."""

    def __init__(self, engine: Engine, directory: Path) -> None:
        self._engine = engine
        self._directory = directory

    def make(self, instance: str, slug: Path | None, owner: int | None) -> Bind:
        """Fresh layers over the slug, or over nothing, which `owner` may change."""
        directory = self._of(instance)
        self.remove(instance)
        directory.prepare(owner)
        place = self._engine.place
        options = {
            "type": "overlay",
            "device": "overlay",
            "o": f"lowerdir={place(slug or directory.app)},upperdir={place(directory.upper)}"
            f",workdir={place(directory.work)}",
        }
        name = layer_name(self._engine.installation, instance)
        self._engine.api.create_volume(
            name, driver="local", driver_opts=options, labels=self._engine.labels(instance=instance)
        )
        return Bind(source=name, target=APP, volume=True, writable=True)

    def remove(self, instance: str) -> None:
        """Remove the layers, where there are any. No container may use them."""
        with contextlib.suppress(NotFound):
            self._engine.api.remove_volume(layer_name(self._engine.installation, instance))
        remove_tree(self._of(instance).path)

    def sweep(self, instances: frozenset[str]) -> None:
        """Remove the layers of all instances but these: a crash may have left some without a container."""
        found = self._engine.api.volumes(filters=self._engine.filters())["Volumes"] or ()
        named = {volume["Labels"][INSTANCE] for volume in found if INSTANCE in volume["Labels"]}
        kept = {path.name for path in self._directory.iterdir()} if self._directory.is_dir() else set()
        for instance in (named | kept) - instances:
            self.remove(instance)

    def _of(self, instance: str) -> InstanceDirectory:
        return InstanceDirectory(self._directory / check_id(instance))
