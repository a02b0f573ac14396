"""Starting one sandbox: what has to exist, the process, and the record of it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from calzion.errors import CalzionError
from calzion.host import procfs
from calzion.host.appliance import Appliance, find_appliance
from calzion.host.cgroup import Cgroup
from calzion.host.directory import InstanceDirectory, remove_tree
from calzion.host.facilities import Facilities
from calzion.host.identity import identity
from calzion.host.launch import Launch, volume_mounts
from calzion.host.logwatch import LogWatch
from calzion.host.loop import Loop
from calzion.host.process import spawn
from calzion.host.pythons import python_mounts
from calzion.host.record import Record
from calzion.host.runtimes import node_mounts
from calzion.host.sandbox import Mount
from calzion.host.streams import Streams
from calzion.host.volumes import prepare_volumes
from calzion.layout import Layout
from calzion.model import RunSpec


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What all instances of a daemon share, `environ` being the daemon's own environment.

    `changed` is told of every change of an instance's state.
    """

    loop: Loop
    layout: Layout
    facilities: Facilities
    runtimes: tuple[Mount, ...]
    environ: Mapping[str, str]
    logs: LogWatch
    changed: Callable[[], None]

    @classmethod
    def look(
        cls, loop: Loop, layout: Layout, changed: Callable[[], None], environ: Mapping[str, str]
    ) -> Surroundings:
        return cls(
            loop=loop,
            layout=layout,
            facilities=Facilities.probe(layout),
            runtimes=node_mounts(),
            environ=environ,
            logs=LogWatch(loop),
            changed=changed,
        )

    def user(self, spec: RunSpec) -> int:
        """Whom the instance runs as: without root, everyone is the one who runs Calzion."""
        return spec.uid if self.facilities.root else os.getuid()

    def mounts(self, spec: RunSpec) -> tuple[Mount, ...]:
        """The runtimes of an app: those that all have, and the interpreter of its own slug."""
        return (*self.runtimes, *python_mounts(spec.slug, self.environ, self.layout.data))

    def clean(self, path: Path | None) -> None:
        """Remove a directory that nothing uses any more, aside."""
        if path is not None:
            self.loop.aside(lambda: _remove(path))

    def cgroup(self, id_: str) -> Cgroup | None:
        tree = self.facilities.cgroups
        try:
            return tree.group(id_) if tree else None
        except OSError:
            return None


def start(
    around: Surroundings,
    spec: RunSpec,
    directory: InstanceDirectory,
    *,
    restarts: int,
    task: bool,
    streams: Streams | None = None,
) -> Record:
    """Start an instance, which writes to its log or has `streams`. Returns its record, which is on disk.

    Raises CalzionError (start), and OSError where the machine lacks room or processes.
    """
    uid = around.user(spec)
    owner = uid if around.facilities.root else None
    around.clean(directory.retire())
    directory.prepare(owner)
    Record.reserve(directory.record)
    prepare_volumes(around.layout.volumes, spec, owner)
    cgroup = around.cgroup(spec.id)
    if cgroup:
        limits = spec.limits
        cgroup.limit(memory=limits.memory, processes=limits.processes, cpus=limits.cpus)
    appliance = appliance_of(spec)
    own = appliance.mounts if appliance else around.mounts(spec)

    def order(status: int) -> Launch:
        return Launch(
            spec=spec,
            directory=directory,
            facilities=around.facilities,
            identity=identity(around.layout.run, uid, spec.deployment, spec.hosts),
            uid=uid,
            mounts=(*own, *volume_mounts(spec, around.layout.volumes)),
            cgroup=cgroup,
            appliance=appliance,
            terminal=streams is not None and streams.terminal,
            status_fd=status,
        )

    pid = spawn(order, directory, streams)
    record = _record(spec, pid, uid, restarts, task, None if spec.command else appliance)
    record.write(directory.record)
    return record


def appliance_of(spec: RunSpec) -> Appliance | None:
    """The appliance that the order names. Raises CalzionError (start) where this machine can't run it."""
    if spec.appliance is None:
        return None
    appliance = find_appliance(spec.appliance)
    if appliance is None:
        raise CalzionError(
            f"{spec.deployment}:{spec.service} can't be started: this machine has no {spec.appliance} server",
            hint="see 'calzion doctor'",
            code="start",
        )
    return appliance


def _record(
    spec: RunSpec, pid: int, uid: int, restarts: int, task: bool, appliance: Appliance | None
) -> Record:
    return Record(
        id=spec.id,
        deployment=spec.deployment,
        service=spec.service,
        process_type=spec.process_type,
        release=spec.release,
        boot=procfs.boot_id(),
        pid=pid,
        start=procfs.start_time(pid) or 0,
        started=time.time(),
        uid=uid,
        address=spec.address,
        ports=dict(spec.ports),
        appliance=appliance.name if appliance else None,
        restart=spec.restart,
        task=task,
        restarts=restarts,
        stop_signal=appliance.stop_signal if appliance else spec.stop.signal,
        stop_timeout=spec.stop.timeout,
    )


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        remove_tree(path)
