"""What whoever deploys an image should know of it before it runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from calzion.controller.surroundings import Member
from calzion.model import Port, Slug, Volume
from calzion.template.exposure import variable_prefix


def remarks(member: Member, slug: Slug, volumes: Iterable[Volume]) -> Iterator[str]:
    """Sentences with what to write into the template instead. `volumes` are the service's."""
    if not member.image:
        return
    yield from _lost_data(member, slug, [PurePosixPath(volume.path) for volume in volumes])
    if member.definition.ports == (Port(),):
        yield from _ports(member)


def _lost_data(member: Member, slug: Slug, kept: Sequence[PurePosixPath]) -> Iterator[str]:
    lost = [
        path
        for path in map(PurePosixPath, slug.volumes)
        if not any(path.is_relative_to(each) for each in kept)
    ]
    if lost:
        names = ["data", *(f"data{number}" for number in range(2, len(lost) + 1))]
        line = ", ".join(f"{name}: {path}" for name, path in zip(names, lost, strict=True))
        yield (
            f"{member.name}: what it writes to {', '.join(map(str, lost))} is lost with each release;"
            f" to keep it write 'volumes: {{{line}}}'"
        )


def _ports(member: Member) -> Iterator[str]:
    if not member.exposed:
        yield (
            f"{member.name}: its image says of no port that it listens there, so it is expected on PORT;"
            " write 'port: NUMBER', or 'ports: []' where it listens nowhere"
        )
    elif len(member.exposed) > 1:
        variable = f"{variable_prefix(member.name)}_PORT"
        listed = ", ".join(map(str, member.exposed))
        yield (
            f"{member.name}: of its image's ports ({listed}) {variable} gives {member.ports[0].number};"
            " write 'port: NUMBER' for another one"
        )
