"""Whether an engine sees the files of this installation: one on another machine, or one in a container, does not."""

from __future__ import annotations

import io
import secrets
import tarfile
import threading
from http.client import BAD_REQUEST
from pathlib import Path

from docker.errors import APIError

from calzion.backends.docker.engine import Engine, explain
from calzion.backends.docker.holder import holding
from calzion.backends.docker.order import Bind
from calzion.errors import CalzionError
from calzion.layout import Layout

_TARGET = "/seen"
_MISSING = "bind source path does not exist"


class Sight:
    """Found by trying, at the first question: the answer holds as long as this process."""

    def __init__(self, engine: Engine, layout: Layout) -> None:
        self._engine = engine
        self._layout = layout
        self._lock = threading.Lock()
        self._sees: bool | None = None
        self._offered: dict[Path, bool] = {}

    def sees(self, image: str) -> bool:
        """`image` is any that the engine has; nothing is started from it. Raises docker.errors.APIError."""
        with self._lock:
            if self._sees is None:
                self._sees = self._try(image)
            return self._sees

    def offers(self, image: str, path: Path) -> bool:
        """Whether the engine's machine has something of its own at that path. Raises docker.errors.APIError."""
        with self._lock:
            if path not in self._offered:
                self._offered[path] = self._can_mount(image, Bind(source=str(path), target=_TARGET))
            return self._offered[path]

    def _can_mount(self, image: str, bind: Bind) -> bool:
        try:
            with holding(self._engine, image, [bind]):
                return True
        except APIError as error:
            if error.status_code == BAD_REQUEST and _MISSING in explain(error):
                return False
            raise

    def _try(self, image: str) -> bool:
        said = secrets.token_hex(16)
        file = self._layout.run / f"seen.{said[:8]}"
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_text(said)
        try:
            bind = Bind(source=self._engine.place(file), target=_TARGET)
            return self._can_mount(image, bind) and self._reads(image, bind) == said.encode()
        except CalzionError:  # it lies in our own container alone
            return False
        finally:
            file.unlink()

    def _reads(self, image: str, bind: Bind) -> bytes:
        with holding(self._engine, image, [bind]) as container:
            packed, _ = self._engine.api.get_archive(container, _TARGET)
            with tarfile.open(fileobj=io.BytesIO(b"".join(packed))) as archive:
                member = archive.next()
                content = archive.extractfile(member) if member and member.isfile() else None
                return content.read() if content else b""
