"""Redeploy: what a deployment has, once more, with its secrets and generated values as they are now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from calzion.controller.claim import Claim, Listener
from calzion.controller.code import BuiltAgain, is_known, lacks_slug, opened
from calzion.controller.deployer import Deployer
from calzion.controller.locks import CancellationToken
from calzion.controller.operations import find_deployment
from calzion.controller.ownership import create_deployment
from calzion.controller.parts import Parts
from calzion.controller.pins import unpinned
from calzion.controller.rollout import Manner
from calzion.controller.store import releases
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.releases import Release, ReleaseService, ReleaseState
from calzion.errors import CalzionError
from calzion.model import DeploymentName


def redeploy(
    parts: Parts,
    deployer: Deployer,
    name: DeploymentName,
    claim: Claim,
    listener: Listener,
    cancellation: CancellationToken,
    *,
    rebuild: bool,
) -> Release:
    """A release of the current one's definitions and slugs, or where none serves, of the latest that was tried.

    Slugs that are gone are built from the code that they were made of. With `rebuild` all are, and images are pulled
    anew. What would be the same is not restarted. The caller holds the turn.
    """
    deployment = create_deployment(parts, find_deployment(parts, name).name)
    old, services = _to_repeat(parts, deployment)
    serves = old.state is ReleaseState.CURRENT
    with opened(parts, deployment, old, _to_build(parts, old, services, rebuild)) as sources:
        if rebuild:
            occasion = parts.new_id()
            sources = {name: BuiltAgain(source, occasion) for name, source in sources.items()}
        release = deployer.open_copy(deployment, old, services, replace(claim, commit=old.commit))
        with deployer.cancellable(release.id, cancellation):
            return deployer.activation.activate(
                deployment,
                release.id,
                sources,
                listener,
                cancellation,
                may_hold=serves,
                manner=Manner(anew=rebuild),
            )


def _to_build(
    parts: Parts, old: Release, services: Sequence[ReleaseService], rebuild: bool
) -> list[ReleaseService]:
    apps = [each for each in services if each.definition.code and (rebuild or lacks_slug(parts, each))]
    # What waits for its code goes on waiting.
    return [each for each in apps if each.slug or is_known(old, each)]


def _to_repeat(parts: Parts, deployment: Deployment) -> tuple[Release, list[ReleaseService]]:
    with parts.database.read() as connection:
        found = releases.to_repeat(connection, deployment.id)
        services = releases.services(connection, found.id) if found else ()
    if found is None:
        raise CalzionError(
            f"{deployment.name} has no release yet",
            hint="push to it, or use 'calzion deploy'",
            code="not_found",
        )
    return found, [replace(unpinned(service), fingerprint="", held="") for service in services]
