"""What the router daemon leaves for others to find: who it is, what it runs, and whether it runs at all."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from calzion.errors import CalzionError
from calzion.layout import Layout
from calzion.routing.process import ProcessIdentity
from calzion.routing.state import write_durably


@dataclass(frozen=True, kw_only=True)
class RouterRecord:
    """`http` is where the router answers, as HOST:PORT. `frame` tells one configuration of HAProxy from another."""

    daemon: ProcessIdentity
    haproxy: ProcessIdentity
    http: str
    version: str
    frame: str = ""


def record_file(layout: Layout) -> Path:
    return layout.run / "router.json"


def write_record(layout: Layout, record: RouterRecord) -> None:
    write_durably(record_file(layout), json.dumps(asdict(record)))


def read_record(layout: Layout) -> RouterRecord | None:
    """The newest record, also of processes that have ended."""
    try:
        data = json.loads(record_file(layout).read_text(encoding="utf-8"))
        daemon, haproxy = ProcessIdentity(**data.pop("daemon")), ProcessIdentity(**data.pop("haproxy"))
        return RouterRecord(daemon=daemon, haproxy=haproxy, **data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


@contextmanager
def only_router(layout: Layout) -> Iterator[None]:
    """Be the one router daemon of this data directory. Raises CalzionError (conflict) where another runs."""
    layout.run.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(_lock_file(layout), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _lock(descriptor):
            raise CalzionError(f"a router runs already for {layout.data}", code="conflict")
        yield
    finally:
        os.close(descriptor)


def running_router(layout: Layout) -> RouterRecord | None:
    """The router daemon that runs for this data directory and has started HAProxy, or None."""
    record = read_record(layout)
    return record if record and record.daemon.alive and record.haproxy.alive else None


def stop_router(layout: Layout, timeout: float = 15.0) -> None:
    """End the router daemon and its HAProxy, also one that a killed daemon left; SIGKILL after `timeout`."""
    record = read_record(layout)
    if record is None:
        return
    _end(record.daemon, timeout)
    newest = read_record(layout) or record
    _end(newest.haproxy, timeout)


def _end(process: ProcessIdentity, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    number = signal.SIGTERM
    while process.alive:
        _kill(process, number)
        number = signal.SIGKILL
        while process.alive and time.monotonic() < deadline:
            time.sleep(0.02)
        deadline += 5


def _kill(process: ProcessIdentity, number: int) -> None:
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return


def _lock_file(layout: Layout) -> Path:
    return layout.run / "router.lock"


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    return True
