"""Uploaded code: kept below one directory, under names of its own, for as long as a release needs it."""

from __future__ import annotations

import fcntl
import os
import shutil
import tarfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from calzion.controller.archive import ArchiveLimits, Readable, extract
from calzion.errors import CalzionError

_LOCK = ".lock"
_BUFFER = 1 << 18


class Uploads:
    """Several processes may receive; one prunes, and only while no upload is on its way into the store."""

    def __init__(self, directory: Path, limits: ArchiveLimits | None = None) -> None:
        self._directory = directory
        self._limits = limits or ArchiveLimits()
        self._guard = threading.Lock()
        self._held: list[str] = []

    @contextmanager
    def receive(self, stream: Readable) -> Iterator[str]:
        """Unpack a tar archive, and yield the upload's name; it is safe once the store or `held` knows it.

        Raises CalzionError (usage) for what can't be used, and keeps nothing then.
        """
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked(fcntl.LOCK_SH):
            yield self._unpack(stream)

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Keep an upload that no release has yet."""
        with self._guard:
            self._held.append(name)
        try:
            yield
        finally:
            with self._guard:
                self._held.remove(name)

    def pack(self, name: str, take: Callable[[bytes], None]) -> None:
        """Have `take` called with a tar archive of an upload. Raises CalzionError (build) where it is gone."""
        path = self._directory / name
        if not path.is_dir():
            raise CalzionError("the upload was removed", code="build")
        sink: Any = _Sink(take)
        with tarfile.open(fileobj=sink, mode="w|", bufsize=_BUFFER, format=tarfile.GNU_FORMAT) as archive:
            archive.add(path, arcname=".", filter=_anonymous)

    def prune(self, needed: Callable[[], set[str]]) -> None:
        """Remove what is not needed, also what a crash left half. Where uploads are on their way, nothing is."""
        if not self._directory.is_dir():
            return
        try:
            with self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB), self._guard:
                kept = {*needed(), *self._held, _LOCK}
                for path in self._directory.iterdir():
                    if path.name not in kept:
                        shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError:
            return

    def _unpack(self, stream: Readable) -> str:
        name = uuid.uuid4().hex[:16]
        scratch = self._directory / f".{name}"
        scratch.mkdir(mode=0o700)
        try:
            extract(stream, scratch, self._limits)
            scratch.replace(self._directory / name)
        except (tarfile.TarError, OSError, EOFError, ValueError) as error:
            raise CalzionError(
                f"the upload is no tar archive that can be used: {error}",
                hint="for example: tar -c . | curl --unix-socket DATA/api.sock -T - …/code",
                code="usage",
            ) from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return name

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        descriptor = os.open(self._directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)


class _Sink:
    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take

    def write(self, data: bytes) -> int:
        self._take(data)
        return len(data)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
