"""Promote: what one deployment runs goes live in another one, from the same slugs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from calzion.controller import preparation
from calzion.controller.claim import Claim, Listener
from calzion.controller.deployer import Deployer, commits_of
from calzion.controller.forecast import Forecast
from calzion.controller.locks import CancellationToken
from calzion.controller.operations import find_deployment
from calzion.controller.ownership import check_owner, create_deployment
from calzion.controller.parts import Parts
from calzion.controller.pins import unpinned
from calzion.controller.preparation import Prepared, foresee
from calzion.controller.store import deployments, releases
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.releases import Release, ReleaseService
from calzion.controller.surroundings import Surroundings
from calzion.controller.volumes import let_go
from calzion.errors import CalzionError
from calzion.model import DeploymentName, ServiceName, SourceTree

_NO_CODE: Mapping[ServiceName, SourceTree] = {}


@dataclass(frozen=True, kw_only=True)
class _Origin:
    """What is promoted, with the values that it has where it runs."""

    deployment: Deployment
    release: Release
    services: tuple[ReleaseService, ...]
    surroundings: Surroundings


def promote(
    parts: Parts,
    deployer: Deployer,
    origin: DeploymentName,
    target: DeploymentName,
    user: str,
    listener: Listener,
    cancellation: CancellationToken,
) -> Release:
    """A release of `target` with the definitions and slugs of the current one of `origin`; values, secrets and scale
    are its own. It is made where it is missing. The caller holds the turn of `target`.

    Raises CalzionError (not_found, refused, conflict, template) before anything is changed.
    """
    found = _look(parts, origin, target)
    services = _for_target(found, _foresee(parts, found, target))
    deployment = create_deployment(parts, target, found.deployment.repository)
    claim = Claim(user=user, commit=found.release.commit)
    act = f"promotes {origin} v{found.release.number}"
    release = deployer.open_copy(deployment, found.release, services, claim, act=act)
    with deployer.cancellable(release.id, cancellation):
        return deployer.activation.activate(
            deployment, release.id, _NO_CODE, listener, cancellation, may_hold=False
        )


def promotion(parts: Parts, deployer: Deployer, origin: DeploymentName, target: DeploymentName) -> Forecast:
    """What `promote` would do now. Writes nothing, and waits for nobody. No error tells secrets."""
    found = _look(parts, origin, target)
    with deployer.masked(target):
        prepared = _foresee(parts, found, target)
    return Forecast(
        deployment=target,
        plan=prepared.plan,
        old_commits=commits_of(prepared.current, prepared.old),
        new_commits=commits_of(found.release, found.services),
        volumes=let_go(parts, target, prepared),
    )


def _for_target(found: _Origin, there: Prepared) -> list[ReleaseService]:
    """The services with their slugs, but of images whose references mean others with the target's values."""
    here, wanted = found.surroundings.members, there.surroundings.members
    same = {name for name in here if here[name].image == wanted[name].image}
    return [each if each.name in same else unpinned(each) for each in found.services]


def _look(parts: Parts, origin: DeploymentName, target: DeploymentName) -> _Origin:
    if origin == target:
        raise CalzionError(f"{origin} can't be promoted to itself", hint="name two deployments", code="usage")
    deployment = find_deployment(parts, origin)
    with parts.database.write() as connection:
        current = releases.current(connection, deployment.id)
        if current is None:
            raise CalzionError(f"{origin} has no release yet", hint="push to it first", code="not_found")
        return _Origin(
            deployment=deployment,
            release=current,
            services=_services(connection, current),
            surroundings=preparation.load(parts, connection, deployment, current),
        )


def _services(connection: Connection, release: Release) -> tuple[ReleaseService, ...]:
    return tuple(replace(each, fingerprint="", held="") for each in releases.services(connection, release.id))


def _foresee(parts: Parts, found: _Origin, target: DeploymentName) -> Prepared:
    """Raises CalzionError where the target is another repository's, lacks a value, or can't have the slugs."""
    repository = found.deployment.repository
    check_owner(parts, target, repository)
    with parts.database.read() as connection:
        known = deployments.find(connection, target)
    deployment = known or deployments.provisional(target, repository)
    for each in found.services:
        if each.definition.code and each.slug and parts.builder.find(each.slug) is None:
            raise CalzionError(
                f"the slug of {found.deployment.name}:{each.name} is gone",
                hint=f"'calzion redeploy {found.deployment.name}' builds it again",
                code="conflict",
            )
    prepared = foresee(parts, deployment, found.release, found.services, _NO_CODE)
    for each in found.services:
        _check_build_values(found, prepared.surroundings, each.name, target)
    return prepared


def _check_build_values(
    found: _Origin, there: Surroundings, name: ServiceName, target: DeploymentName
) -> None:
    """A slug that was built with values of one deployment is no slug of another one."""
    member = there.members[name]
    if not member.definition.build_env:
        return
    here, wanted = found.surroundings.own(found.surroundings.members[name]), there.own(member)
    differ = [key for key in member.definition.build_env if here[key] != wanted[key]]
    if differ:
        raise CalzionError(
            f"{name} was built with {', '.join(differ)} of {found.deployment.name} (build_env),"
            f" which {target} has other values of: its slug can't be promoted",
            hint=f"push the same commit to {target}, which builds it with its own values",
            code="conflict",
        )
