"""Names and users of a deployment's containers, in an engine that can't see our files: a volume of three files."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from docker.errors import NotFound

from calzion.backends.docker.engine import Engine
from calzion.backends.docker.holder import holder
from calzion.backends.docker.labels import NAMES, names_name
from calzion.backends.docker.order import Bind, held
from calzion.errors import CalzionError
from calzion.host.sandbox import Identity
from calzion.model import DeploymentName

_ROOM = "/names"
_SECONDS = 60
_COPY = f'cd {_ROOM} && for file in new/*; do cat "$file" >"${{file#new/}}" || exit 1; done'
"""They are bound into containers that run: what is unpacked replaces a file, and they would not see it."""


class Names:
    """`image` gives the id of an image of ours: what changes the files is a container that runs for a moment."""

    def __init__(self, engine: Engine, image: Callable[[], str]) -> None:
        self._engine = engine
        self._image = image
        self._lock = threading.Lock()
        self._told: dict[str, dict[str, bytes]] = {}

    def binds(self, deployment: DeploymentName, files: Identity) -> Iterator[Bind]:
        """Have the volume hold what these files do, and say where that belongs inside. The hosts come first.

        Raises docker.errors.APIError, CalzionError (start).
        """
        name = names_name(self._engine.installation, deployment)
        wanted = {path.name: path.read_bytes() for path in (files.passwd, files.group)}
        wanted["hosts"] = files.hosts.read_bytes()
        with self._lock:
            place = self._ensure(name, deployment)
            if self._told.get(name) != wanted:
                self._tell(name, wanted)
                self._told[name] = wanted
        for file in ("hosts", "passwd", "group"):
            yield Bind(source=f"{place}/{file}", target=f"/etc/{file}")
        yield held(name, "names")

    def remove(self, deployment: DeploymentName) -> None:
        """No container may use it. Raises docker.errors.APIError."""
        name = names_name(self._engine.installation, deployment)
        with self._lock:
            self._told.pop(name, None)
            try:
                self._engine.api.remove_volume(name)
            except NotFound:
                return

    def _ensure(self, name: str, deployment: DeploymentName) -> str:
        try:
            found: dict[str, Any] = self._engine.api.inspect_volume(name)
        except NotFound:
            self._told.pop(name, None)
            labels = {**self._engine.labels(deployment=deployment), NAMES: "yes"}
            found = self._engine.api.create_volume(name, labels=labels)
        return str(found["Mountpoint"])

    def _tell(self, name: str, files: Mapping[str, bytes]) -> None:
        bind = Bind(source=name, target=_ROOM, volume=True, writable=True)
        config = {
            **holder(self._image(), [bind], self._engine.labels()),
            "Entrypoint": ["/bin/sh", "-c", _COPY],
        }
        container = self._engine.create_container(config, "")
        try:
            self._engine.api.put_archive(container, _ROOM, _archive(files))
            self._engine.api.start(container)
            status = self._engine.api.wait(container, timeout=_SECONDS)["StatusCode"]
            said = self._engine.api.logs(container).decode("utf-8", "replace").strip() if status else ""
        finally:
            self._engine.api.remove_container(container, force=True, v=True)
        if status:
            raise CalzionError(
                f"the engine does not take the names of services: {said or f'exit code {status}'}",
                hint="see whether its disk is full: 'docker system df' says what takes it",
                code="start",
            )


def _archive(files: Mapping[str, bytes]) -> bytes:
    """Of files that all may read, below `new`."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"new/{name}")
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()
