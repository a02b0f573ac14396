"""How the data of one deployment's services reaches those of another: orders of two tasks with a pipe between. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from calzion.controller.surroundings import Member, Surroundings
from calzion.model import Command, RunSpec, Volume

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


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """`source` writes what `target` reads. `to_server`: the target's server must run; otherwise it must not yet.

    With exit code `torn` the source says that files changed while it read them.
    """

    what: str
    source: RunSpec
    target: RunSpec
    to_server: bool = False
    torn: int | None = None


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

    def volume_names(self, member: Member) -> set[str]:
        return {volume.name for volume in self.surroundings.volumes(member)}


def transfers(origin: Side, target: Side, present: Collection[str]) -> list[Transfer]:
    """All that can be copied: services match by name and kind, volumes by name. `present` are the origin's volumes."""
    found: list[Transfer] = []
    for name, member in sorted(target.surroundings.members.items()):
        before = origin.surroundings.members.get(name)
        if before is not None and before.appliance == member.appliance:
            found += _of_service(origin, before, target, member, present)
    return found


def _of_service(
    origin: Side, before: Member, target: Side, member: Member, present: Collection[str]
) -> Iterator[Transfer]:
    if member.appliance == "postgres":
        source, restore = origin.task(before, _DUMP), target.task(member, _RESTORE)
        yield Transfer(what=member.name, source=source, target=restore, to_server=True)
    elif member.appliance == "redis":
        keep = replace(target.task(member, _KEEP), volumes=target.surroundings.volumes(member))
        yield Transfer(what=member.name, source=origin.task(before, _SNAPSHOT), target=keep)
    else:
        for volume in sorted(target.volume_names(member) & origin.volume_names(before) & {*present}):
            yield Transfer(
                what=volume.replace(".", "/", 1),
                source=origin.file_task(before, volume, _PACK),
                target=target.file_task(member, volume, _UNPACK),
                torn=_CHANGED_MEANWHILE,
            )
