"""Volumes that nothing uses: kept where a release that went live had them, gone where none ever had."""

from __future__ import annotations

from collections.abc import Collection

from calzion.controller.live import load_live
from calzion.controller.operations import find_deployment
from calzion.controller.parts import Parts
from calzion.controller.plan import Change
from calzion.controller.preparation import Prepared
from calzion.controller.store import releases, tasks
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.releases import Release
from calzion.controller.surroundings import Surroundings
from calzion.errors import CalzionError
from calzion.model import DeploymentName, ServiceName
from calzion.progress import Story


def remove_stray(parts: Parts, deployment: Deployment) -> None:
    """Remove the volumes of services that no release which went live has had, and forget the tasks that may have
    written to them. The caller holds the turn.
    """
    names = stray(parts, deployment)
    if not names:
        return
    with parts.database.read() as connection:
        lived = releases.services_ever_live(connection, deployment.id)
        tried = next(iter(releases.of_deployment(connection, deployment.id)), None)
    if tried:
        _forget_tasks(parts, tried, {_service(name) for name in names}, everything=not lived)
    parts.backend.remove_volumes(deployment.name, names)


def stray(parts: Parts, deployment: Deployment) -> list[str]:
    """The volumes that `remove_stray` would remove. Those that a rollout under way has made are among them."""
    names = parts.backend.volume_names(deployment.name)
    if not names:
        return []
    with parts.database.read() as connection:
        lived = releases.services_ever_live(connection, deployment.id)
    return sorted(name for name in names if _service(name) not in lived)


def _forget_tasks(parts: Parts, tried: Release, gone: Collection[str], *, everything: bool) -> None:
    """What a task did for the services that are `gone` is gone too: for those that it requires, or ran as."""
    with parts.database.write() as connection:
        for task in tried.tasks:
            if everything or not {task.service, *task.require}.isdisjoint(gone):
                tasks.forget(connection, tried.deployment_id, task.name)


def volumes_in(surroundings: Surroundings) -> frozenset[str]:
    """The volumes that services have, as SERVICE.NAME."""
    members = surroundings.members.values()
    return frozenset(volume.name for member in members for volume in surroundings.volumes(member))


def let_go(parts: Parts, name: DeploymentName, prepared: Prepared) -> dict[str, int]:
    """The volumes that would be kept without a use, with their bytes: what removed services have, or others drop.

    No other is measured: that takes long.
    """
    wanted = volumes_in(prepared.surroundings)
    dropped = volumes_in(prepared.before) - wanted if prepared.before else frozenset()
    removed = {item.service for item in prepared.plan.items if item.change is Change.REMOVED}
    present = parts.backend.volume_names(name) if dropped or removed else frozenset()
    unused = [each for each in present if each in dropped or _service(each) in removed]
    return parts.backend.volumes(name, unused) if unused else {}


def kept_volumes(parts: Parts, deployment: Deployment, present: Collection[str]) -> list[str]:
    """Those of the `present` volumes that no service of the current release uses."""
    if not present:
        return []
    with parts.database.write() as connection:
        live = load_live(parts, connection, deployment)
    used = volumes_in(live.surroundings) if live else frozenset()
    return sorted(set(present) - used)


def remove_volume(
    parts: Parts, name: DeploymentName, service: ServiceName, volume: str, story: Story
) -> None:
    """Remove one that no service uses any more. The caller holds the turn.

    Raises CalzionError (not_found; refused where a service of the current release uses it).
    """
    deployment = find_deployment(parts, name)
    kept = f"{service}.{volume}"
    present = parts.backend.volume_names(name)
    if kept not in present:
        raise CalzionError(
            f"{name} has no volume {service}/{volume}",
            hint=f"see 'calzion volumes list {name}'",
            code="not_found",
        )
    if kept not in kept_volumes(parts, deployment, present):
        raise CalzionError(
            f"{service}/{volume} is in use: the service {service} of {name} has it",
            hint="take the volume, or the service, out of the template first",
            code="refused",
        )
    parts.backend.remove_volumes(name, [kept])
    story.done(f"the volume {service}/{volume} of {name} is removed")


def _service(volume: str) -> str:
    return volume.partition(".")[0]
