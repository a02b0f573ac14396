"""What a template leaves to its deployments: names that they must know."""

from __future__ import annotations

from collections.abc import Iterator

from calzion.model import ServiceDefinition, Template
from calzion.template.interpolation import BUILT_IN, references


def names_from_outside(template: Template) -> dict[str, tuple[str, ...]]:
    """The names that nothing in the template gives a value, each with the services that need it."""
    known = {*BUILT_IN, *(name for name, _ in template.env), *(value.name for value in template.generate)}
    found: dict[str, list[str]] = {}
    for service in template.services:
        names = dict.fromkeys(name for text in _texts(service) for name in references(text, strict=False))
        for name in names:
            if name not in known:
                found.setdefault(name, []).append(service.name)
    return {name: tuple(services) for name, services in sorted(found.items())}


def _texts(service: ServiceDefinition) -> Iterator[str]:
    yield from (service.image or "", service.healthcheck.path or "")
    yield from (text for _, text in service.env)
    yield from (volume.path for volume in service.volumes)
