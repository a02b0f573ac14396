"""Restart and destroy: changes of what runs that make no release. The caller holds the deployment's turn."""

from __future__ import annotations

from calzion.controller import launch
from calzion.controller.launch import Launch
from calzion.controller.live import Live, find_live, live_specs
from calzion.controller.parts import Parts
from calzion.controller.retention import prune
from calzion.controller.store import audit, deployments, instances
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.instances import InstanceRole
from calzion.controller.traffic import Traffic
from calzion.errors import CalzionError
from calzion.model import Cancellation, DeploymentName, ServiceName
from calzion.progress import Story


def find_deployment(parts: Parts, name: str) -> Deployment:
    """Raises CalzionError (not_found)."""
    with parts.database.read() as connection:
        return deployments.get(connection, name)


def restart(
    parts: Parts,
    traffic: Traffic,
    name: DeploymentName,
    service: ServiceName | None,
    story: Story,
    cancellation: Cancellation,
) -> None:
    """Replace instances by new ones of the same release, one service after the other."""
    live = find_live(parts, find_deployment(parts, name))
    if service:
        live.member(service)
    chosen = sorted({record.service for record in live.records if service in (None, record.service)})
    if not chosen:
        raise CalzionError(f"nothing of {name} runs that could be restarted", code="not_found")
    for each in chosen:
        story.step(f"Restarting {each}")
        replace_instances(parts, traffic, live, each, story, cancellation)
    story.done(f"{name} is restarted")


def destroy(
    parts: Parts,
    traffic: Traffic,
    name: DeploymentName,
    confirmation: str,
    story: Story,
    *,
    way: str = "calzion destroy {name} --yes",
    with_branch: bool = True,
) -> None:
    """Remove a deployment with its volumes. `way` is how whoever asks would confirm it.

    Without `with_branch` git itself removes the branch. Raises CalzionError (refused) without the name as
    confirmation.
    """
    deployment = find_deployment(parts, name)
    if confirmation != name:
        raise _unconfirmed(parts, deployment, way.format(name=name))
    story.step(f"Destroying {name}")
    with parts.database.write() as connection:
        deployments.mark_destroying(connection, deployment.id)
        audit.record(connection, "destroy", now=parts.now(), on=name)
    finish_destroying(parts, traffic, deployment, with_branch=with_branch)
    prune(parts)
    story.done(f"{name} is destroyed")


def finish_destroying(
    parts: Parts, traffic: Traffic, deployment: Deployment, *, with_branch: bool = True
) -> None:
    """Every step may have been done before: a crash in between is made up for at the next start."""
    with parts.database.write() as connection:
        records = instances.of_deployment(connection, deployment.id)
        instances.set_state(connection, [record.id for record in records], InstanceRole.DRAINING)
    traffic.apply()
    one_offs = [each.id for each in parts.backend.instances() if each.deployment == deployment.name]
    ids = list({*(record.id for record in records), *one_offs})
    parts.backend.stop(ids)
    parts.backend.forget(ids)
    parts.backend.remove_deployment(deployment.name)
    parts.stories.forget(deployment.id)
    if deployment.repository and with_branch:
        parts.forget_branch(deployment.repository, deployment.name)
    with parts.database.write() as connection:
        deployments.remove(connection, deployment.id)
    traffic.retire({record.pool for record in records if record.pool})


def replace_instances(
    parts: Parts, traffic: Traffic, live: Live, service: str, story: Story, cancellation: Cancellation
) -> None:
    """New instances of the same release, within the limits of now: beside the old where they may run beside them."""
    if live.member(service).exclusive:
        _restart_in_place(parts, live, service)
    else:
        _replace(parts, traffic, live, service, story, cancellation)


def _restart_in_place(parts: Parts, live: Live, service: str) -> None:
    records = live.of_service(service)
    ids = [record.id for record in records]
    with parts.database.write() as connection:
        for record in records:
            limits = live.surroundings.limits(ServiceName(service), record.process_type)
            instances.set_limits(connection, record.id, limits)
    parts.backend.stop(ids)
    parts.backend.ensure([spec for spec in live_specs(parts, live.deployment.id) if spec.id in ids])


def _replace(
    parts: Parts, traffic: Traffic, live: Live, service: str, story: Story, cancellation: Cancellation
) -> None:
    old = live.of_service(service)
    new = Launch(parts, live.deployment, live.release, live.surroundings, story, cancellation)
    pool = f"{live.deployment.name}.{service}.{parts.new_id()}"
    counts = launch.formation(parts, live.deployment)
    try:
        member, slug = live.member(service), live.slugs[service]
        new.start(launch.orders(parts.backend, member, slug, live.surroundings, counts, pool))
    except BaseException:
        new.take_back()
        raise
    with parts.database.write() as connection:
        instances.set_state(connection, [record.id for record in old], InstanceRole.DRAINING)
        instances.set_state(connection, [record.id for record in new.records], InstanceRole.LIVE)
    traffic.apply()
    traffic.drain(old)


def _unconfirmed(parts: Parts, deployment: Deployment, way: str) -> CalzionError:
    volumes = parts.backend.volumes(deployment.name)
    lost = [f"{name} ({size / 1e6:.1f} MB)" for name, size in sorted(volumes.items())]
    listed = f" and its volumes {', '.join(lost)}" if lost else ""
    return CalzionError(
        f"this would destroy {deployment.name}{listed}",
        hint=f"to go on: {way}",
        code="refused",
    )
