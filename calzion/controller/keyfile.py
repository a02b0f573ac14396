"""The file of the keys that seal values at rest, apart from the store: read by every part, changed by a rotation."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from calzion.durable import sync_directory, write_private
from calzion.errors import CalzionError

KEY_BYTES = 32
_HEAD = "calzion keys"


@dataclass(frozen=True)
class Keys:
    """The first of `sealing` seals; those behind it open what an interrupted rotation has left. `identity` is the key
    of fingerprints, which outlives rotations: with another one nothing that runs would be recognised."""

    sealing: tuple[bytes, ...]
    identity: bytes

    def with_new(self) -> Keys:
        return replace(self, sealing=(secrets.token_bytes(KEY_BYTES), *self.sealing))

    def with_first_alone(self) -> Keys:
        return replace(self, sealing=self.sealing[:1])


class KeyFile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def version(self) -> tuple[int, int, int] | None:
        """Another one whenever the file is another; None while there is none."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    @contextmanager
    def locked(self) -> Iterator[None]:
        """For the one who changes the keys. Raises OSError."""
        with self.path.with_name(f"{self.path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def read(self) -> Keys:
        """Made at first use. Raises CalzionError (failed) where the file holds something else."""
        if not self.path.exists():
            self._create()
        data = self.path.read_bytes()
        if len(data) == KEY_BYTES:
            return Keys((data,), data)
        keys = _parse(data)
        if keys is None:
            raise CalzionError(
                f"{self.path} holds no keys of {KEY_BYTES} bytes", hint="restore it from a backup"
            )
        return keys

    def replace(self, keys: Keys) -> None:
        """Raises OSError; the file is as before then, or it is new."""
        temporary = self._write(_text(keys))
        owner = self.path.stat()
        os.chown(temporary, owner.st_uid, owner.st_gid)
        temporary.replace(self.path)
        sync_directory(self.path.parent)

    def _create(self) -> None:
        temporary = self._write(os.urandom(KEY_BYTES))
        try:
            # link, not rename: the first of two starting processes wins, and the other reads its key.
            os.link(temporary, self.path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
        sync_directory(self.path.parent)

    def _write(self, data: bytes) -> Path:
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        write_private(temporary, data)
        return temporary


def _text(keys: Keys) -> bytes:
    lines = [_HEAD, f"identity {keys.identity.hex()}", *(f"seal {key.hex()}" for key in keys.sealing)]
    return "".join(f"{line}\n" for line in lines).encode()


def _parse(data: bytes) -> Keys | None:
    try:
        head, *lines = data.decode("ascii").splitlines()
        named = [line.split(" ") for line in lines]
        found = [(name, bytes.fromhex(value)) for name, value in named]
    except ValueError:
        return None
    sealing = tuple(key for name, key in found if name == "seal")
    identities = [key for name, key in found if name == "identity"]
    fits = all(len(key) == KEY_BYTES for _, key in found) and len(sealing) + len(identities) == len(found)
    if head != _HEAD or not sealing or len(identities) != 1 or not fits:
        return None
    return Keys(sealing, identities[0])
