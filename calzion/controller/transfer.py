"""How the data of one deployment's services reaches those of another: orders of two tasks with a pipe between. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from calzion.controller.surroundings import Member, Surroundings
from calzion.model import Command, RunSpec, ServiceName, Volume

_DUMP = ("pg_dump", "--format=custom", "--compress=0", "--no-owner", "--no-privileges")
_RESTORE = (
    "pg_restore",
    "--no-owner",
    "--no-privileges",
    "--exit-on-error",
    "--single-transaction",
    "--dbname=postgresql://",  # all that is left out is in the environment
)
# Through a file: what a server streams may end in a mark that only a file can be cut before.
_SNAPSHOT = "redis-cli --rdb /tmp/dump.rdb >&2 && exec cat /tmp/dump.rdb"
# A server that keeps an append-only file reads no dump, but such a file may begin with one.
_KEEP = """set -e
cat >/data/.copy
[ "$(head -c 5 /data/.copy)" = REDIS ] || { echo "this is no dump of redis" >&2; exit 1; }
sync /data/.copy
mv /data/.copy /data/appendonly.aof"""
_INSIDE = "/data"
_PACK = ("tar", "--create", "--file=-", f"--directory={_INSIDE}", "--sparse", ".")
_UNPACK = ("tar", "--extract", "--file=-", f"--directory={_INSIDE}", "--preserve-permissions")
_CHANGED_MEANWHILE = 1


class DataKind(StrEnum):
    """How data is written and read: two ends of one kind fit together."""

    POSTGRES = "postgres"
    REDIS = "redis"
    VOLUME = "volume"


@dataclass(frozen=True, kw_only=True)
class Outlet:
    """The task `spec` writes data that belongs to a service; `volume` is the name of an app's volume, else ''.

    With exit code `torn` it says that files changed while it read them.
    """

    kind: DataKind
    service: ServiceName
    volume: str = ""
    spec: RunSpec
    torn: int | None = None

    @property
    def what(self) -> str:
        return f"{self.service}/{self.volume}" if self.volume else self.service

    def holds(self, volume: str) -> bool:
        """Whether its data is in this volume, which is named as within the deployment."""
        service, _, name = volume.partition(".")
        return service == self.service and self.volume in ("", name)


@dataclass(frozen=True, kw_only=True)
class Inlet:
    """The task `spec` reads such data. `to_server`: its server must run; otherwise it must not yet."""

    kind: DataKind
    service: ServiceName
    volume: str = ""
    spec: RunSpec
    to_server: bool = False


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """`outlet` writes what `inlet` reads."""

    outlet: Outlet
    inlet: Inlet


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two deployments, `release` being the number of the release whose surroundings these are."""

    surroundings: Surroundings
    release: int
    new_id: Callable[[], str]

    def task(self, member: Member, command: Command) -> RunSpec:
        return self.surroundings.one_off(
            member, None, command, id=self.new_id(), release=self.release, env={}
        )

    def file_task(self, member: Member, volume: str, command: Command) -> RunSpec:
        """With one volume and nothing else of the service."""
        inside = (Volume(name=volume, path=_INSIDE),)
        return replace(self.task(member, command), volumes=inside, env={}, hosts=())

    def volumes_of(self, member: Member) -> list[tuple[str, str]]:
        """The volumes of an app: their names within the deployment, and within the service."""
        names = sorted(volume.name for volume in self.surroundings.volumes(member))
        return [(name, name.removeprefix(f"{member.name}.")) for name in names]

    @property
    def members(self) -> list[Member]:
        return [member for _, member in sorted(self.surroundings.members.items())]


def transfers(origin: Side, target: Side, present: Collection[str]) -> list[Transfer]:
    """All that can be copied: services match by name and kind, volumes by name. `present` are the origin's volumes."""
    found = {(each.kind, each.service, each.volume): each for each in outlets(origin, present)}
    wanted = [((each.kind, each.service, each.volume), each) for each in inlets(target)]
    return [Transfer(outlet=found[key], inlet=each) for key, each in wanted if key in found]


def outlets(origin: Side, present: Collection[str]) -> list[Outlet]:
    """All data of a deployment whose volumes are `present`, by service."""
    return [each for member in origin.members for each in _outlets_of(origin, member, present)]


def inlets(target: Side) -> list[Inlet]:
    """All that can be given data, by service."""
    return [each for member in target.members for each in _inlets_of(target, member)]


def _outlets_of(origin: Side, member: Member, present: Collection[str]) -> Iterator[Outlet]:
    if member.appliance == DataKind.POSTGRES:
        yield Outlet(kind=DataKind.POSTGRES, service=member.name, spec=origin.task(member, _DUMP))
    elif member.appliance == DataKind.REDIS:
        yield Outlet(kind=DataKind.REDIS, service=member.name, spec=origin.task(member, _SNAPSHOT))
    else:
        for name, short in origin.volumes_of(member):
            if name in present:
                yield Outlet(
                    kind=DataKind.VOLUME,
                    service=member.name,
                    volume=short,
                    spec=origin.file_task(member, name, _PACK),
                    torn=_CHANGED_MEANWHILE,
                )


def _inlets_of(target: Side, member: Member) -> Iterator[Inlet]:
    if member.appliance == DataKind.POSTGRES:
        spec = target.task(member, _RESTORE)
        yield Inlet(kind=DataKind.POSTGRES, service=member.name, spec=spec, to_server=True)
    elif member.appliance == DataKind.REDIS:
        keep = replace(target.task(member, _KEEP), volumes=target.surroundings.volumes(member))
        yield Inlet(kind=DataKind.REDIS, service=member.name, spec=keep)
    else:
        for name, short in target.volumes_of(member):
            spec = target.file_task(member, name, _UNPACK)
            yield Inlet(kind=DataKind.VOLUME, service=member.name, volume=short, spec=spec)
