"""The router daemon: holds the listening sockets and keeps HAProxy running on them.

HAProxy killed: the next one starts at once on the same sockets, with the newest table. The daemon killed:
HAProxy goes on, and the next daemon adopts it.
"""

from __future__ import annotations

import hashlib
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from types import FrameType

from calzion.config import Address
from calzion.layout import Layout
from calzion.ranges import LOOPBACK
from calzion.routing.configuration import (
    GRACE,
    Frame,
    Relay,
    render_files,
)
from calzion.routing.doorkeeper import start_doorkeeper
from calzion.routing.listeners import Listeners
from calzion.routing.process import BackOff, HaproxyProcess, ProcessIdentity, complaint, start_haproxy
from calzion.routing.program import HaproxyProgram, find_haproxy
from calzion.routing.record import RouterRecord, only_router, read_record, record_file, write_record
from calzion.routing.state import RouterState, load_state

_FILES = 65_536
_RESERVED_FILES = 1500
"""Descriptors for listeners, health checks and the like; each connection takes two more."""


@dataclass(frozen=True, kw_only=True)
class Containers:
    """`services` is the range of services' stable addresses, `discovery` where containers ask for one another."""

    services: str
    discovery: Relay | None


def run_router(
    layout: Layout,
    http: Address,
    containers: Containers | None = None,
    *,
    outside: Iterable[int] = (),
    trusted: tuple[str, ...] = (),
) -> None:
    """Run until SIGTERM or SIGINT, which end HAProxy after the open requests.

    `containers` is None where services are processes. `outside` are the ports that are held for services to the
    outside, `trusted` the networks of other routers.
    Raises CalzionError: conflict where another one runs or an address is taken, unsupported without HAProxy.
    """
    program = find_haproxy()
    layout.router.mkdir(parents=True, exist_ok=True, mode=0o700)
    with only_router(layout):
        _RouterDaemon(layout, http, program, containers, tuple(outside), trusted).run()


class _RouterDaemon:
    def __init__(
        self,
        layout: Layout,
        http: Address,
        program: HaproxyProgram,
        containers: Containers | None,
        outside: tuple[int, ...],
        trusted: tuple[str, ...],
    ) -> None:
        self._layout = layout
        self._outside = outside
        self._http = http
        self._program = program
        self._containers = containers
        self._trusted = trusted
        self._listeners: Listeners | None = None
        self._stop = _StopSignal()
        self._back_off = BackOff()
        self._started = time.monotonic()

    def run(self) -> None:
        start_doorkeeper(self._layout)
        haproxy = self._adopt() or self._start()
        while not self._stop.given(haproxy):
            haproxy.close()
            if self._stop.given(timeout=self._pause()):
                self._leave()
                return
            haproxy = self._start()
        self._leave()
        haproxy.end(GRACE + 2)

    def _adopt(self) -> HaproxyProcess | None:
        """The HAProxy of a daemon that was killed, if it answers where it should."""
        record = read_record(self._layout)
        if record is None or not record.haproxy.alive:
            return None
        try:
            haproxy = HaproxyProcess(record.haproxy)
        except ProcessLookupError:
            return None
        if record.http == str(self._http) and record.frame == self._fingerprint():
            self._record(haproxy)
            return haproxy
        haproxy.end(GRACE)
        return None

    def _start(self) -> HaproxyProcess:
        if self._listeners is None:
            self._listeners = Listeners.open(
                self._layout, self._http, self._outside, containers=self._containers is not None
            )
        self._render(self._listeners)
        haproxy = start_haproxy(self._program.path, self._layout.router, self._listeners.descriptors)
        self._started = time.monotonic()
        self._record(haproxy)
        return haproxy

    def _render(self, listeners: Listeners) -> None:
        """Write what the state says; HAProxy reads it before it gives up root, where it has it."""
        router, state = self._layout.router, load_state(self._layout.router)
        frame = Frame(
            control=listeners.control.fileno(),
            http=listeners.http.fileno(),
            internal=tuple(listener.fileno() for listener in listeners.internal),
            outside=tuple(listener.fileno() for listener in listeners.outside),
            maxconn=_connections(),
            threads=min(4, len(os.sched_getaffinity(0))),
            drop_root=os.geteuid() == 0,
            containers=listeners.containers.fileno() if listeners.containers else None,
            services=self._containers.services if self._containers else str(LOOPBACK),
            discovery=self._containers.discovery if self._containers else None,
            trusted=self._trusted,
        )
        for name, text in render_files(frame, state).items():
            (router / name).write_text(text)

    def _record(self, haproxy: HaproxyProcess) -> None:
        daemon = ProcessIdentity.of(os.getpid())
        assert daemon
        write_record(
            self._layout,
            RouterRecord(
                daemon=daemon,
                haproxy=haproxy.identity,
                http=str(self._http),
                version=self._program.version,
                frame=self._fingerprint(),
            ),
        )

    def _fingerprint(self) -> str:
        """What an HAProxy that is running has to have been started with, by this or another version of Calzion."""
        frame = Frame(
            control=0,
            http=1,
            internal=(2,),
            outside=self._outside,
            maxconn=1,
            threads=1,
            drop_root=os.geteuid() == 0,
            containers=None if self._containers is None else 3,
            services=self._containers.services if self._containers else str(LOOPBACK),
            discovery=self._containers.discovery if self._containers else None,
            trusted=self._trusted,
        )
        files = render_files(frame, RouterState())
        return hashlib.sha256("".join(files.values()).encode()).hexdigest()[:16]

    def _pause(self) -> float:
        """Seconds until the next start; says why HAProxy ended where it could not even begin."""
        pause = self._back_off.pause(time.monotonic() - self._started)
        if pause and self._listeners:
            said = complaint(self._program.path, self._layout.router, self._listeners.descriptors)
            print(
                f"router: HAProxy ended at once; next start in {pause} s. {said}", file=sys.stderr, flush=True
            )
        else:
            _say("HAProxy ended; started again")
        return pause

    def _leave(self) -> None:
        if self._listeners:
            self._listeners.close()
        self._layout.router_socket.unlink(missing_ok=True)
        record_file(self._layout).unlink(missing_ok=True)


class _StopSignal:
    """SIGTERM and SIGINT as something that can be polled."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _ignore)

    def given(self, process: HaproxyProcess | None = None, timeout: float | None = None) -> bool:
        """Wait for a signal, the process's end or `timeout` seconds; whether it was a signal."""
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        if process:
            poll.register(process, select.POLLIN)
        events = poll.poll(None if timeout is None else timeout * 1000)
        return any(descriptor == self._reader.fileno() for descriptor, _ in events)


def _ignore(number: int, frame: FrameType | None) -> None:
    """The wake-up descriptor tells."""


def _say(text: str) -> None:
    print(f"router: {text}", file=sys.stderr, flush=True)


def _connections() -> int:
    """How many connections HAProxy may hold open with the descriptors that it is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if allowed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(100, min(10_000, (allowed - _RESERVED_FILES) // 2))
