"""Which image a service runs: its reference is looked up once, and the release keeps what it led to. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from calzion.controller.store.releases import ReleaseService
from calzion.controller.surroundings import Surroundings
from calzion.model import Builder, ServiceName
from calzion.template.image import ImageReference


def to_pin(
    builder: Builder, services: Sequence[ReleaseService], surroundings: Surroundings
) -> dict[ServiceName, str]:
    """The references of those images for which nothing is kept yet."""
    images = {each.name: surroundings.members[each.name].image for each in services}
    return {
        each.name: image
        for each in services
        if (image := images[each.name]) and builder.find(each.slug) is None
    }


def preferred(image: str, wanted: str) -> tuple[str, ...]:
    """The references to try for `image`: first the `wanted` one, where that is of the same repository."""
    if not wanted or ImageReference.parse(wanted).repository != ImageReference.parse(image).repository:
        return (image,)
    return (wanted, image)


def pinned(services: Sequence[ReleaseService], pins: Mapping[ServiceName, str]) -> list[ReleaseService]:
    """The services with the slugs that were found for them."""
    return [replace(each, slug=pins.get(each.name, each.slug)) for each in services]


def unpinned(service: ReleaseService) -> ReleaseService:
    """The service for a release to come, where its image's reference may mean another one."""
    return replace(service, slug="") if service.definition.image else service
