"""Pulling the images of a release, before anything else is decided or changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from calzion.controller.admission import check_privileges, check_tasks
from calzion.controller.locks import check_cancelled
from calzion.controller.parts import Parts
from calzion.controller.pins import pinned, preferred, to_pin
from calzion.controller.preparation import glance
from calzion.controller.store import releases
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.releases import Release, ReleaseService
from calzion.controller.surroundings import Surroundings
from calzion.errors import CalzionError
from calzion.model import Cancellation, ServiceName
from calzion.progress import Story

_ATTEMPTS = 3


def pin_images(
    parts: Parts,
    deployment: Deployment,
    release: Release,
    services: Sequence[ReleaseService],
    story: Story,
    cancellation: Cancellation,
    *,
    anew: bool,
    wanted: Mapping[ServiceName, str],
) -> Sequence[ReleaseService]:
    """The services, with slugs of the images that they run. What the current release runs for the same reference stays,
    unless they are wanted `anew`. What is `wanted` of the repository that a reference names goes before what that leads
    to now, where it can be had.

    Raises CalzionError (template, before anything is pulled; build; cancelled; unsupported).
    """
    if not parts.backend.containers or not any(each.definition.image for each in services):
        return services
    known = glance(parts, deployment, release, services, release.secrets)
    missing = to_pin(parts.builder, services, known.surroundings)
    pins = {} if anew else known.kept_pins(parts.builder, missing)
    pulled: dict[tuple[str, ...], str] = {}
    for name in sorted(missing.keys() - pins.keys()):
        _check(parts, release, services, known.surroundings)
        images = preferred(missing[name], wanted.get(name, ""))
        pins[name] = pulled[images] = pulled.get(images) or _pull_first(
            parts, release, name, images, story, cancellation
        )
    return pinned(services, pins)


def _check(
    parts: Parts, release: Release, services: Sequence[ReleaseService], surroundings: Surroundings
) -> None:
    """What can't work is said before anybody waits for a download."""
    check_tasks(release.tasks, surroundings)
    check_privileges((each.definition for each in services), allowed=parts.allow_privileged)
    for member in surroundings.members.values():
        surroundings.environment(member)


def _pull_first(
    parts: Parts,
    release: Release,
    name: ServiceName,
    images: Sequence[str],
    story: Story,
    cancellation: Cancellation,
) -> str:
    """The first that can be had."""
    *before, last = images
    for image in before:
        try:
            return _pull(parts, release, name, image, story, cancellation)
        except CalzionError as error:
            if error.code != "build":
                raise
            story.warning(f"{error.message}; {last} is pulled instead")
    return _pull(parts, release, name, last, story, cancellation)


def _pull(
    parts: Parts, release: Release, name: ServiceName, image: str, story: Story, cancellation: Cancellation
) -> str:
    for _ in range(_ATTEMPTS):
        check_cancelled(cancellation)
        try:
            key = parts.builder.pull(image, story, cancellation).key
        except CalzionError as error:
            error.message = f"{name}: {error.message}"
            raise
        if _record(parts, release, name, key):
            return key
    raise CalzionError(
        f"{name}: {image} is removed as often as it is pulled", hint="push again", code="build"
    )


def _record(parts: Parts, release: Release, name: ServiceName, key: str) -> bool:
    """Whether it is still there: what is recorded is never pruned, what was pulled before may have been."""
    with parts.database.write() as connection:
        releases.set_service_slug(connection, release.id, name, key)
        return parts.builder.find(key) is not None
