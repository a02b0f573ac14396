"""What an instance sees of our files: the slug, names and users. Mounted where the engine sees them, else copied."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from calzion.backends.docker.depot import Depot
from calzion.backends.docker.engine import Engine
from calzion.backends.docker.layers import Layers
from calzion.backends.docker.names import Names
from calzion.backends.docker.order import Bind, held
from calzion.backends.docker.ownership import owned_directory
from calzion.backends.docker.sight import Sight
from calzion.errors import CalzionError
from calzion.host.identity import identity
from calzion.host.pythons import python_mounts
from calzion.host.sandbox import APP, Identity
from calzion.layout import Layout
from calzion.model import DeploymentName, RunSpec

_RUNNER = "slugrunner"
_PYTHON = "python."


class InstanceFiles:
    """`images` gives the id of an image of ours by its name. Every call may raise docker.errors.APIError."""

    def __init__(self, engine: Engine, layout: Layout, images: Callable[[str], str]) -> None:
        self._engine = engine
        self._layout = layout
        self._images = images
        self._root = os.geteuid() == 0
        self._sight = Sight(engine, layout)
        self._layers = Layers(engine, layout.instances)
        self._depot = Depot(engine, lambda: images(_RUNNER))
        self._names = Names(engine, lambda: images(_RUNNER))

    def uid(self, spec: RunSpec) -> int:
        """Who its processes are, where the image is ours."""
        return spec.uid if self._root else os.getuid()

    def binds(self, spec: RunSpec) -> list[Bind]:
        """All that is made for a new container of the instance. Raises CalzionError (unsupported, start), OSError."""
        binds = self.update(spec)
        if spec.image is not None:
            return binds
        binds.append(Bind(source="", target="/tmp", volume=True, writable=True))
        if self._sees(spec):
            owner = spec.uid if self._root else None
            return [*binds, self._layers.make(spec.id, spec.slug, owner), *self._pythons(spec)]
        return [*binds, *self._layers.make_there(spec.id, spec.slug, self._depot), *self._pythons_there(spec)]

    def update(self, spec: RunSpec) -> list[Bind]:
        """Have the names and users be what the order says, also for containers that run."""
        files = identity(self._layout.run, self.uid(spec), spec.deployment, spec.hosts)
        binds = self._mounted(files) if self._sees(spec) else self._names.binds(spec.deployment, files)
        others = ("/etc/passwd", "/etc/group") if spec.image is not None else ()
        return [bind for bind in binds if bind.target not in others]

    def hand_over(self, container: str, spec: RunSpec, uid: int) -> None:
        """Give a new container's user its own /app."""
        if not self._sees(spec):
            self._engine.api.put_archive(container, APP, owned_directory(f"..{APP}", uid, uid, 0o755))

    def remove(self, instance: str) -> None:
        """Remove what was made for it. No container may use that."""
        self._layers.remove(instance)

    def remove_deployment(self, deployment: DeploymentName) -> None:
        self._names.remove(deployment)
        (self._layout.run / "hosts" / deployment).unlink(missing_ok=True)

    def sweep(self, instances: frozenset[str]) -> None:
        """Remove what was made for any instance but these."""
        self._layers.sweep(instances)

    def keep_slugs(self, wanted: Callable[[str], bool]) -> None:
        """Remove the engine's copies of all slugs but those of these keys; what still runs keeps its own."""
        self._depot.keep(lambda key: key.startswith(_PYTHON) or wanted(key))

    def _sees(self, spec: RunSpec) -> bool:
        try:
            image = self._images(_RUNNER)
        except CalzionError:
            if spec.image is None:
                raise
            image = spec.image
        return self._sight.sees(image)

    def _mounted(self, files: Identity) -> Iterator[Bind]:
        for path in (files.hosts, files.passwd, files.group):
            name = "hosts" if path is files.hosts else path.name
            yield Bind(source=self._engine.place(path), target=f"/etc/{name}")

    def _pythons(self, spec: RunSpec) -> Iterator[Bind]:
        for mount in python_mounts(spec.slug, {}, self._layout.data):
            yield Bind(source=self._engine.place(mount.source), target=mount.target)

    def _pythons_there(self, spec: RunSpec) -> Iterator[Bind]:
        for mount in python_mounts(spec.slug, {}, self._layout.data):
            key = f"{_PYTHON}{mount.source.name}"
            yield Bind(source=self._depot.have(key, mount.source), target=mount.target)
            yield held(self._depot.volume(key), "python")
