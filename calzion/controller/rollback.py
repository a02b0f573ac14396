"""Rollback: what a deployment had at an earlier release, once more, exactly as it was then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from calzion.controller.claim import Claim, Listener
from calzion.controller.deployer import Deployer
from calzion.controller.locks import CancellationToken
from calzion.controller.operations import find_deployment
from calzion.controller.ownership import create_deployment
from calzion.controller.parts import Parts
from calzion.controller.preparation import Prepared, foresee
from calzion.controller.rollout import Manner
from calzion.controller.store import kept, releases, secrets
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.releases import Release, ReleaseService, ReleaseState
from calzion.errors import CalzionError
from calzion.model import DeploymentName, ServiceName, SourceTree

_NO_CODE: Mapping[ServiceName, SourceTree] = {}


def rollback(
    parts: Parts,
    deployer: Deployer,
    name: DeploymentName,
    number: int | None,
    user: str,
    listener: Listener,
    cancellation: CancellationToken,
) -> Release:
    """A new release with the definitions, slugs and secrets of number `number`, or of the last one before this.

    What a rollback restored counts as the one that it was: the next rollback goes on to the one before that.
    Nothing is built, and no release command or task runs. The caller holds the turn. Raises CalzionError (not_found,
    conflict, unsupported, template) before anything is changed where it can't be had.
    """
    deployment = create_deployment(parts, find_deployment(parts, name).name)
    with parts.database.read() as connection:
        current = _current(connection, deployment)
        target = _target(connection, deployment, current, number, parts.keep_releases)
        services = releases.services(connection, target.id)
        _check_kept(parts, connection, target, services)
        newest = secrets.newest(connection, deployment.id)
    prepared = foresee(parts, deployment, target, services, _NO_CODE, target.secrets)
    _check_volumes(parts, deployment, target, services, prepared)
    claim = Claim(user=user, commit=target.commit)
    act = f"rolls back to v{target.number}"
    release = deployer.open_copy(deployment, target, _anew(services), claim, act, restores=target.origin)
    notes = _notes(deployment, target, older_secrets=target.secrets != newest)
    if number is None:
        notes = (*_why(current, target), *notes)
    manner = Manner(secrets=target.secrets, commands=False, notes=notes)
    with deployer.cancellable(release.id, cancellation):
        return deployer.activation.activate(
            deployment, release.id, _NO_CODE, listener, cancellation, may_hold=True, manner=manner
        )


def _current(connection: Connection, deployment: Deployment) -> Release:
    current = releases.current(connection, deployment.id)
    if current is None:
        raise CalzionError(
            f"{deployment.name} has no release to roll back from", hint="push to it first", code="not_found"
        )
    return current


def _target(
    connection: Connection, deployment: Deployment, current: Release, number: int | None, keep: int
) -> Release:
    restorable = kept.restorable(connection, deployment.id, keep)
    wanted = number or max((each for each in restorable if each < current.origin), default=0)
    found = releases.find(connection, deployment.id, wanted)
    if found is None:
        raise _missing(deployment, current, number, restorable)
    if found.id == current.id:
        raise CalzionError(
            f"nothing to do: v{wanted} of {deployment.name} is the current release", code="conflict"
        )
    if found.state is not ReleaseState.SUPERSEDED:
        raise CalzionError(
            f"v{wanted} of {deployment.name} never went live: it is {found.state}",
            hint=_choices(restorable),
            code="conflict",
        )
    if wanted not in restorable:
        raise _not_kept(deployment, wanted, restorable)
    return found


def _missing(
    deployment: Deployment, current: Release, number: int | None, restorable: Sequence[int]
) -> CalzionError:
    if number is None:
        restored = (
            "" if current.restores is None else f" than v{current.origin}, which v{current.number} is again,"
        )
        return CalzionError(
            f"{deployment.name} has no earlier release{restored} to go back to",
            hint=_choices(restorable) if restorable else f"see 'calzion releases {deployment.name}'",
            code="not_found",
        )
    return CalzionError(f"{deployment.name} has no v{number}", hint=_choices(restorable), code="not_found")


def _not_kept(deployment: Deployment, number: int, restorable: Sequence[int]) -> CalzionError:
    return CalzionError(
        f"v{number} of {deployment.name} is not kept any more",
        hint=f"{_choices(restorable)}; how many are kept is the setting keep-releases",
        code="not_found",
    )


def _choices(restorable: Sequence[int]) -> str:
    listed = ", ".join(f"v{number}" for number in restorable)
    return f"these can be gone back to: {listed}" if listed else "there is none to go back to"


def _anew(services: Sequence[ReleaseService]) -> list[ReleaseService]:
    return [replace(each, fingerprint="", held="") for each in services]


def _check_volumes(
    parts: Parts,
    deployment: Deployment,
    target: Release,
    services: Sequence[ReleaseService],
    prepared: Prepared,
) -> None:
    """What had its data in a volume must not come up with an empty one."""
    there = parts.backend.volume_names(deployment.name)
    for member in (prepared.surroundings.members[each.name] for each in services if not each.held):
        gone = [volume.name for volume in prepared.surroundings.volumes(member) if volume.name not in there]
        if gone:
            raise CalzionError(
                f"v{target.number} of {deployment.name} needs the volume {gone[0].replace('.', '/', 1)},"
                " which is gone with its data",
                hint="push that commit again to begin with an empty one",
                code="conflict",
            )


def _check_kept(
    parts: Parts, connection: Connection, target: Release, services: Sequence[ReleaseService]
) -> None:
    """What is kept is not pruned while the turn is held; somebody may have removed it by hand."""
    gone = [
        f"the slug of {each.name}" for each in services if each.slug and not parts.builder.find(each.slug)
    ]
    if not secrets.are_kept(connection, target.secrets):
        gone.append("a secret that it was rolled out with")
    if gone:
        raise CalzionError(
            f"v{target.number} can't be had any more: {gone[0]} is gone",
            hint="push its commit again",
            code="not_found",
        )


def _why(current: Release, target: Release) -> tuple[str, ...]:
    """Where the release that was chosen is not the one that served last."""
    if current.restores is None:
        return ()
    return (
        f"v{current.number} was v{current.origin} again: v{target.number} is what went live before that."
        " Any other one: 'calzion releases' shows them.",
    )


def _notes(deployment: Deployment, target: Release, older_secrets: bool) -> tuple[str, ...]:
    name, number = deployment.name, target.number
    notes = [
        f"Code, configuration and secrets are those of v{number}. Not undone: what changed in databases and volumes,",
        "tasks that ran, scale, domains. No release command was run.",
    ]
    if older_secrets:
        notes.append(
            f"Secrets were set or removed since v{number}: the next push or redeploy takes them as they are."
        )
    if deployment.repository:
        notes.append(f"The branch {name} stays where it is.")
    notes.append(
        f"To go on: push a new commit, or 'calzion redeploy {name}' for this code with the secrets of now."
    )
    return tuple(notes)
