"""The embedded backend: instances are sandboxed processes of this machine, kept by the host daemon."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from calzion.backends.appliance import APPLIANCES, resolve
from calzion.backends.attached import AttachedTask
from calzion.backends.endpoint import endpoint_of
from calzion.backends.hostclient import Answer, HostClient, Lost
from calzion.backends.logstream import LogTail
from calzion.backends.protection import missing
from calzion.errors import CalzionError
from calzion.host import procfs
from calzion.host.appliance import find_appliance
from calzion.host.directory import InstanceDirectory
from calzion.host.facilities import Facilities
from calzion.host.logfile import Follower, tail
from calzion.host.sockets import Listener, listeners, socket_inodes
from calzion.host.volumes import remove_volume, remove_volumes, volume_names, volume_sizes
from calzion.host.wire import check_id, instance_from_json, spec_to_json
from calzion.layout import Layout
from calzion.model import (
    Cancellation,
    DeploymentName,
    Endpoint,
    Exit,
    Instance,
    InstanceState,
    LogStream,
    RunSpec,
    TerminalSize,
)

_OUTPUT_PAUSE = 0.05  # seconds between looks at what a task wrote
_START_PAUSE = 0.01  # seconds between looks whether an instance is up
_WATCH_PAUSE = 0.2  # seconds until a lost watch is tried again


class ProcessBackend:
    """See calzion.backends.protocol.Backend. The host daemon of `layout` runs, or will within `patience` seconds."""

    containers = False

    def __init__(self, layout: Layout, *, root: bool, patience: float = 10.0) -> None:
        self._layout = layout
        self._root = root
        self._host = HostClient(layout.host_socket, patience)
        self._closed = threading.Event()
        self._watches: set[Answer] = set()

    def doctor(self) -> list[str]:
        return missing(Facilities.probe(self._layout), _versions())

    def resolve(self, image: str) -> str | None:
        return resolve(image, _versions())

    def ensure(self, specs: Sequence[RunSpec]) -> None:
        if specs:
            self._host.call("ensure", specs=[spec_to_json(spec) for spec in specs])

    def stop(self, ids: Sequence[str]) -> None:
        if ids:
            self._host.call("stop", ids=list(ids))

    def forget(self, ids: Sequence[str]) -> None:
        if ids:
            self._host.call("forget", ids=list(ids))

    def instances(self) -> tuple[Instance, ...]:
        return tuple(instance_from_json(one["instance"]) for one in self._host.call("instances"))

    def watch(self, changed: Callable[[], None]) -> None:
        threading.Thread(target=self._watch, args=(changed,), name="host-watch", daemon=True).start()

    def endpoint(self, id: str, port: int) -> Endpoint | None:
        there = [one for one in listeners() if one.port == port]
        # Whoever waits for a port asks often: the daemon is asked only where there is something.
        found = self._find(id) if there else None
        if found is None or found["init"] is None:
            return None
        uid = found["uid"] if self._root else None
        return endpoint_of(there, port, found["instance"]["address"], uid)

    def listening(self, id: str) -> tuple[int, ...]:
        return tuple(sorted({one.port for one in self._listeners(id)}))

    def unaccepted(self, id: str, port: int) -> int:
        return sum(one.waiting for one in self._listeners(id) if one.port == port)

    def rests(self, id: str) -> bool:
        found = self._find(id)
        if found is None or found["init"] is None:
            return False
        return all(procfs.rests(pid) for pid in procfs.descendants(found["init"]))

    def run(self, spec: RunSpec, output: Callable[[str], None], cancellation: Cancellation) -> Exit:
        follower = Follower(self._directory(spec.id), from_start=True)
        try:
            exit_ = self._run(spec, follower, output, cancellation)
            for line in follower.rest():
                output(line)
            return exit_
        finally:
            self.forget([spec.id])

    def attach(self, spec: RunSpec, terminal: TerminalSize | None) -> AttachedTask:
        return AttachedTask(self._host, spec, terminal)

    def check(self, id: str, spec: RunSpec) -> Exit:
        while (found := self._find(id)) and found["instance"]["state"] == InstanceState.STARTING:
            time.sleep(_START_PAUSE)
        return Exit(**self._host.call("check", id=id, spec=spec_to_json(spec)))

    def tail(self, id: str, lines: int) -> list[str]:
        return tail(self._directory(id), lines)

    def logs(self, ids: Sequence[str], lines: int, follow: bool) -> LogStream:
        return LogTail([self._directory(id_) for id_ in ids], lines, follow)

    def volumes(self, deployment: DeploymentName, names: Collection[str] | None = None) -> dict[str, int]:
        return volume_sizes(self._layout.volumes, deployment, names)

    def volume_names(self, deployment: DeploymentName) -> frozenset[str]:
        return volume_names(self._layout.volumes, deployment)

    def remove_volumes(self, deployment: DeploymentName, names: Sequence[str]) -> None:
        for name in self.volume_names(deployment) & set(names):
            remove_volume(self._layout.volumes, deployment, name)

    def network(self, deployment: DeploymentName) -> str:  # noqa: ARG002  # all share the machine's
        return ""

    def remove_deployment(self, deployment: DeploymentName) -> None:
        remove_volumes(self._layout.volumes, deployment)
        (self._layout.run / "hosts" / deployment).unlink(missing_ok=True)

    def shut_down(self) -> None:
        """Stop every instance, and the host daemon with them."""
        self._host.call("shutdown")

    def close(self) -> None:
        """End the watches. Instances go on."""
        self._closed.set()
        for answer in tuple(self._watches):
            answer.close()

    def _listeners(self, id_: str) -> list[Listener]:
        found = self._find(id_)
        if found is None or found["init"] is None:
            return []
        inodes = socket_inodes(procfs.descendants(found["init"]))
        return [one for one in listeners() if one.inode in inodes]

    def _find(self, id_: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._host.call("instance", id=id_)
        running = (InstanceState.STARTING, InstanceState.RUNNING, InstanceState.STOPPING)
        return found if found and found["instance"]["state"] in running else None

    def _directory(self, id_: str) -> InstanceDirectory:
        return InstanceDirectory(self._layout.instances / check_id(id_))

    def _run(
        self,
        spec: RunSpec,
        follower: Follower,
        output: Callable[[str], None],
        cancellation: Cancellation,
    ) -> Exit:
        again = False
        while True:
            try:
                with self._host.open("run", spec=spec_to_json(spec), again=again) as answer:
                    while not answer.ready(_OUTPUT_PAUSE):
                        for line in follower.lines():
                            output(line)
                        if cancellation.cancelled():
                            self.stop([spec.id])
                    return Exit(**answer.result())
            except Lost:
                again = True

    def _watch(self, changed: Callable[[], None]) -> None:
        """The daemon's first word on a connection says that something changed, which after a loss is true."""
        while not self._closed.is_set():
            try:
                with self._host.open("watch") as answer:
                    self._watches.add(answer)
                    try:
                        while not self._closed.is_set():
                            answer.line()
                            changed()
                    finally:
                        self._watches.discard(answer)
            except (Lost, CalzionError):
                self._closed.wait(_WATCH_PAUSE)


def _versions() -> dict[str, str]:
    found = {name: find_appliance(name) for name in APPLIANCES}
    return {name: appliance.version for name, appliance in found.items() if appliance}
