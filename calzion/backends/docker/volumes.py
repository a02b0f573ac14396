"""The volumes of deployments in the engine."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import Any

from docker.errors import NotFound

from calzion.backends.docker.engine import Engine
from calzion.backends.docker.labels import VOLUME, volume_labels, volume_name
from calzion.backends.docker.order import Bind
from calzion.backends.docker.ownership import owned_directory
from calzion.model import DeploymentName, RunSpec


class Volumes:
    """Named volumes with the labels of this installation."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ensure(self, spec: RunSpec) -> list[Bind]:
        """Have the volumes of an instance exist, and say where they belong inside."""
        installation = self._engine.installation
        binds = []
        for volume in spec.volumes:
            name = volume_name(installation, spec.deployment, volume.name)
            labels = volume_labels(installation, spec.deployment, volume.name)
            self._engine.api.create_volume(name, labels=labels)  # one that exists stays as it is
            binds.append(Bind(source=name, target=volume.path, volume=True, writable=True))
        return binds

    def hand_over(self, container: str, spec: RunSpec, uid: int) -> None:
        """Give the roots of an instance's volumes to the user that it runs as, before it starts."""
        for volume in spec.volumes:
            root = owned_directory(f"../{PurePosixPath(volume.path).name}", uid, uid, 0o700)
            self._engine.api.put_archive(container, volume.path, root)

    def names(self, deployment: DeploymentName) -> frozenset[str]:
        return frozenset(volume["Labels"][VOLUME] for volume in self._of(deployment))

    def sizes(self, deployment: DeploymentName, names: Collection[str] | None = None) -> dict[str, int]:
        """Bytes by volume, of these or all. The engine counts those of all its volumes for it."""
        mine = {
            volume["Name"]: volume["Labels"][VOLUME]
            for volume in self._of(deployment)
            if names is None or volume["Labels"][VOLUME] in names
        }
        if not mine:
            return {}
        counted = {volume["Name"]: volume["UsageData"]["Size"] for volume in self._engine.api.df()["Volumes"]}
        return {mine[name]: max(counted.get(name, 0), 0) for name in sorted(mine)}

    def remove(self, deployment: DeploymentName, names: Collection[str] | None = None) -> None:
        """Remove these, or all, of a deployment. No container may use them."""
        for volume in self._of(deployment):
            if names is None or volume["Labels"][VOLUME] in names:
                try:
                    self._engine.api.remove_volume(volume["Name"])
                except NotFound:
                    continue

    def _of(self, deployment: DeploymentName) -> Iterator[dict[str, Any]]:
        found = self._engine.api.volumes(filters=self._engine.filters(deployment=deployment))
        return (volume for volume in found["Volumes"] or () if VOLUME in volume["Labels"])
