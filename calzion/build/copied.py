"""Directories of a build in an engine that can't see our files: copied there before, and back afterwards."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from docker.errors import APIError

from calzion.backends.docker.engine import Engine
from calzion.backends.docker.holder import fetch, holding, put
from calzion.backends.docker.order import Bind
from calzion.build.scratch import give_to_builds
from calzion.build.store import remove_tree
from calzion.host.sandbox import Mount

_ROOM = "/copied"
_STAYS = "/tmp"


@contextlib.contextmanager
def copied(
    engine: Engine, image: str, mounts: Sequence[Mount], labels: Mapping[str, str], scratch: Path
) -> Iterator[list[str]]:
    """Where the engine has copies of the mounts' sources, in their order. What of these is writable is a directory;
    at the end it holds what the build left there.

    `image` is any that the engine has. Raises docker.errors.APIError, OSError.
    """
    api = engine.api
    volume = api.create_volume(labels=dict(labels))
    room = Bind(source=volume["Name"], target=_ROOM, volume=True, writable=True)
    try:
        with holding(engine, image, [room]) as container:
            for number, mount in enumerate(mounts):
                put(engine, container, f"{_ROOM}/{number}", mount.source)
            yield [f"{volume['Mountpoint']}/{n}/{mount.source.name}" for n, mount in enumerate(mounts)]
            for number, mount in enumerate(mounts):
                if mount.writable and mount.target != _STAYS:
                    _bring_back(
                        engine, container, f"{_ROOM}/{number}/{mount.source.name}", mount.source, scratch
                    )
    finally:
        with contextlib.suppress(APIError):
            api.remove_volume(volume["Name"], force=True)


def _bring_back(engine: Engine, container: str, path: str, source: Path, scratch: Path) -> None:
    """Have the directory `source` hold what the container has at `path`, or stay as it was."""
    fresh = Path(tempfile.mkdtemp(dir=scratch))
    fetch(engine, container, path, fresh)
    fresh.chmod(0o755)
    give_to_builds(fresh)
    remove_tree(source)
    fresh.rename(source)
