"""Objects, by `git cat-file`: its answer begins with the size, so none is read beyond a limit."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from calzion.errors import CalzionError
from calzion.gitreceive.git import Git

_CHUNK = 1 << 18


class Objects:
    """The objects of `repository` and `quarantine`. Safe to use from several threads."""

    def __init__(self, git: Git, repository: Path, quarantine: Path | None) -> None:
        self._git = git
        self._environment = git.object_environment(repository, quarantine)
        self._lock = threading.Lock()
        self._reader: subprocess.Popen[bytes] | None = None

    def read(self, object_id: str, limit: int, kind: str = "blob") -> bytes:
        """Raises ValueError beyond `limit` bytes, CalzionError where there is no such object of that kind."""
        with self._lock:
            reader = self._reader = self._reader or self._start(subprocess.PIPE, stream=False)
            questions, answers = _pipes(reader)
            try:
                questions.write(f"{object_id}\n".encode())
                questions.flush()
                size = _header(answers, kind)
                if size > limit:
                    raise ValueError(f"{size} bytes are more than {limit}")
                return _content(answers, size)
            except BaseException:
                self._stop()
                raise

    def stream(self, object_ids: Sequence[str]) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Size and parts of each object in turn; its parts are consumed before the next is asked for."""
        with tempfile.TemporaryFile() as questions:
            questions.write("".join(f"{object_id}\n" for object_id in object_ids).encode())
            questions.seek(0)
            reader = self._start(questions, stream=True)
            assert reader.stdout is not None
            try:
                for _ in object_ids:
                    size = _header(reader.stdout, "blob")
                    yield size, _parts(reader.stdout, size)
                    _expect_newline(reader.stdout)
            finally:
                _end(reader)

    def close(self) -> None:
        with self._lock:
            self._stop()

    def _start(self, questions: IO[bytes] | int, *, stream: bool) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._git.cat_file(stream=stream),
            stdin=questions,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment,
            start_new_session=True,
        )

    def _stop(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            _end(reader)


def _pipes(reader: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert reader.stdin is not None and reader.stdout is not None
    return reader.stdin, reader.stdout


def _header(answers: IO[bytes], wanted: str) -> int:
    """The size from `ID TYPE SIZE`; a missing object's line ends in `missing`."""
    words = answers.readline().decode(errors="replace").split()
    if len(words) != 3 or not words[2].isdigit():
        raise CalzionError(
            f"the repository lacks {words[0] if words else 'an object'}", hint="push from a complete clone"
        )
    name, found, size = words
    if found != wanted:
        hint = f"push the commit itself: {name[:12]}^{{commit}}" if found == "tag" else ""
        raise CalzionError(f"{name[:12]} is no {wanted} but a {found}", hint=hint)
    return int(size)


def _content(answers: IO[bytes], size: int) -> bytes:
    content = b"".join(_parts(answers, size))
    _expect_newline(answers)
    return content


def _parts(answers: IO[bytes], size: int) -> Generator[bytes]:
    while size > 0:
        part = answers.read(min(size, _CHUNK))
        if not part:
            raise CalzionError("git ended while it was read from")
        size -= len(part)
        yield part


def _expect_newline(answers: IO[bytes]) -> None:
    if answers.read(1) != b"\n":
        raise CalzionError("git ended while it was read from")


def _end(reader: subprocess.Popen[bytes]) -> None:
    reader.kill()
    reader.wait()
    for pipe in (reader.stdin, reader.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()
