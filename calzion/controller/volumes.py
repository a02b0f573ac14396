"""Volumes that nothing uses: kept where a release that went live had them, gone where none ever had."""

from __future__ import annotations

from collections.abc import Collection

from calzion.controller.operations import find_deployment
from calzion.controller.parts import Parts
from calzion.controller.store import releases, tasks
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.releases import Release
from calzion.errors import CalzionError
from calzion.model import DeploymentName, ServiceName
from calzion.progress import Story


def remove_stray(parts: Parts, deployment: Deployment) -> None:
    """Remove the volumes of services that no release which went live has had, and forget the tasks that may have
    written to them. The caller holds the turn.
    """
    with parts.database.read() as connection:
        lived = releases.services_ever_live(connection, deployment.id)
        tried = next(iter(releases.of_deployment(connection, deployment.id)), None)
    names = parts.backend.volume_names(deployment.name)
    stray = [name for name in names if _service(name) not in lived]
    if stray and tried:
        _forget_tasks(parts, tried, {_service(name) for name in stray}, everything=not lived)
    parts.backend.remove_volumes(deployment.name, stray)


def _forget_tasks(parts: Parts, tried: Release, gone: Collection[str], *, everything: bool) -> None:
    """What a task did for the services that are `gone` is gone too: for those that it requires, or ran as."""
    with parts.database.write() as connection:
        for task in tried.tasks:
            if everything or not {task.service, *task.require}.isdisjoint(gone):
                tasks.forget(connection, tried.deployment_id, task.name)


def remove_volume(
    parts: Parts, name: DeploymentName, service: ServiceName, volume: str, story: Story
) -> None:
    """Remove one that was kept of a service which is gone. The caller holds the turn.

    Raises CalzionError (not_found; refused where the current release has the service).
    """
    deployment = find_deployment(parts, name)
    kept = f"{service}.{volume}"
    if kept not in parts.backend.volume_names(name):
        raise CalzionError(
            f"{name} has no volume {service}/{volume}",
            hint=f"see 'calzion volumes list {name}'",
            code="not_found",
        )
    with parts.database.read() as connection:
        current = releases.current(connection, deployment.id)
        used = current is not None and service in releases.service_names(connection, current.id)
    if used:
        raise CalzionError(
            f"{service}/{volume} is in use: {name} has the service {service}",
            hint="take the service out of the template first",
            code="refused",
        )
    parts.backend.remove_volumes(name, [kept])
    story.done(f"the volume {service}/{volume} of {name} is removed")


def _service(volume: str) -> str:
    return volume.partition(".")[0]
