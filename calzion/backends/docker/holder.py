"""Containers that are never started: through them the engine unpacks into, and packs from, what they mount."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from docker.errors import APIError, NotFound

from calzion.backends.docker.engine import Engine
from calzion.backends.docker.order import Bind
from calzion.backends.docker.ownership import owned_directory

KIND = "holder"
_CHUNK = 1 << 18


@contextlib.contextmanager
def holding(engine: Engine, image: str, binds: Sequence[Bind]) -> Iterator[str]:
    """The id of such a container, gone afterwards. Raises docker.errors.APIError."""
    container = engine.create_container(holder(image, binds, engine.labels(kind=KIND)), "")
    try:
        yield container
    finally:
        with contextlib.suppress(APIError):
            engine.api.remove_container(container, force=True, v=True)


def holder(image: str, binds: Sequence[Bind], labels: Mapping[str, str]) -> dict[str, Any]:
    """The body that creates it: should anybody start it, it has no network, no rights, and ends at once."""
    return {
        "Image": image,
        "Entrypoint": ["/bin/true"],
        "Cmd": [],
        "User": "0:0",
        "Labels": dict(labels),
        "HostConfig": {
            "NetworkMode": "none",
            "Mounts": [bind.config for bind in binds],
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
        },
    }


def sweep_holders(engine: Engine) -> None:
    """Remove those that a crash left behind. Raises docker.errors.APIError."""
    for container in engine.api.containers(all=True, filters=engine.filters(kind=KIND)):
        with contextlib.suppress(NotFound):
            engine.api.remove_container(container["Id"], force=True, v=True)


def put(engine: Engine, container: str, directory: str, source: Path) -> None:
    """Have a copy of `source`, a file or a whole directory, under its own name in a new `directory` of the container.

    Owners, modes and links are as they were. Raises docker.errors.APIError, OSError.
    """
    above, _, name = directory.rpartition("/")
    engine.api.put_archive(container, above or "/", owned_directory(name, 0, 0, 0o755))
    command = [
        "tar",
        "--create",
        "--numeric-owner",
        "--file=-",
        f"--directory={source.parent}",
        f"./{source.name}",
    ]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as packing:
        assert packing.stdout is not None
        output = packing.stdout
        try:
            engine.api.put_archive(container, directory, iter(lambda: output.read(_CHUNK), b""))
        except BaseException:
            packing.kill()
            raise
    if packing.returncode:
        raise OSError(f"{source} can't be packed: tar ended with {packing.returncode}")


def fetch(engine: Engine, container: str, path: str, into: Path) -> None:
    """Unpack what the container has at `path`, a directory, into the empty directory `into`; all of it is ours then.

    The engine, which is trusted, packs a real tree: nothing in that lies behind a link. Raises docker.errors.APIError,
    OSError.
    """
    packed, _ = engine.api.get_archive(container, path, chunk_size=_CHUNK)
    command = [
        "tar",
        "--extract",
        "--preserve-permissions",
        "--no-same-owner",
        "--strip-components=1",
        "--file=-",
    ]
    with subprocess.Popen(command, cwd=into, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as unpacking:
        assert unpacking.stdin is not None and unpacking.stderr is not None
        try:
            with contextlib.suppress(BrokenPipeError), unpacking.stdin as pipe:
                for chunk in packed:
                    pipe.write(chunk)
        except BaseException:
            unpacking.kill()
            raise
        said = unpacking.stderr.read(1000)
    if unpacking.returncode:
        raise OSError(f"what the engine sent can't be unpacked: {said.decode('utf-8', 'replace').strip()}")


def has(engine: Engine, container: str, path: str) -> bool:
    """Whether the container has something at `path`. Raises docker.errors.APIError."""
    try:
        packed, _ = engine.api.get_archive(container, path)
    except NotFound:
        return False
    for _ in packed:
        pass
    return True
