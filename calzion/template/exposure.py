"""Under which prefix a service sees the addresses of the others: no two may be given under the same one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from calzion.template.data import Data, shown
from calzion.template.problem import Path, Problem


def variable_prefix(service: str) -> str:
    """`my-webapp` is MY_WEBAPP in names of variables."""
    return service.upper().replace("-", "_")


def exposure_problems(
    service: str, keys: Mapping[str, Data], at: Path, services: tuple[str, ...]
) -> Iterator[Problem]:
    """What is wrong with the `expose` of the service that stands at the path `at`."""
    exposed = keys.get("expose")
    if not isinstance(exposed, dict):
        return
    for other in exposed:
        path = (*at, "expose", other)
        if other == service:
            yield Problem(sentence=f"{shown(other)} is this service itself", path=path, on_key=True)
        elif other not in services:
            sentence = f"no service is named {shown(other)}"
            yield Problem(sentence=sentence, path=path, on_key=True, word=other, allowed=services)
    yield from _collisions(service, exposed, at, services)


def _collisions(
    service: str, exposed: Mapping[str, Data], at: Path, services: tuple[str, ...]
) -> Iterator[Problem]:
    taken = {variable_prefix(other): other for other in services if other not in exposed and other != service}
    for other, prefix in exposed.items():
        if not isinstance(prefix, str):
            continue
        holder = taken.setdefault(prefix, other)
        if holder != other:
            sentence = f"the prefix {shown(prefix)} is that of {shown(holder)} already"
            yield Problem(sentence=sentence, path=(*at, "expose", other))
