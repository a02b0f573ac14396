"""Copies of our directories in an engine that can't see them: a volume each, filled once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from docker.errors import APIError, NotFound

from calzion.backends.docker.engine import Engine, explain
from calzion.backends.docker.holder import has, holding, put
from calzion.backends.docker.labels import TREE, tree_name
from calzion.backends.docker.order import Bind
from calzion.backends.docker.ownership import owned_directory

_log = logging.getLogger(__name__)

_ROOM, _TREE, _WHOLE = "/depot", "tree", "whole"


class Depot:
    """`image` gives the id of any image that the engine has."""

    def __init__(self, engine: Engine, image: Callable[[], str]) -> None:
        self._engine = engine
        self._image = image
        self._lock = threading.Lock()
        self._whole: set[str] = set()

    def have(self, key: str, directory: Path) -> str:
        """Where the engine has a copy of `directory`, which never changes and which `key` names.

        Raises docker.errors.APIError, OSError.
        """
        name = self.volume(key)
        with self._lock:
            place = self._look(name)
            if place is None or not self._is_whole(name):
                self._fill(name, key, directory)
                place = self._look(name)
            self._whole.add(name)
        return f"{place}/{_TREE}/{directory.name}"

    def volume(self, key: str) -> str:
        """The name of the volume that has the copy."""
        return tree_name(self._engine.installation, key)

    def keep(self, wanted: Callable[[str], bool]) -> None:
        """Remove the copies of all keys but those. Raises docker.errors.APIError."""
        with self._lock:
            for volume in self._engine.api.volumes(filters=self._engine.filters())["Volumes"] or ():
                key = (volume["Labels"] or {}).get(TREE)
                if key is not None and not wanted(key):
                    self._remove(volume["Name"])

    def _look(self, name: str) -> str | None:
        try:
            return str(self._engine.api.inspect_volume(name)["Mountpoint"])
        except NotFound:
            return None

    def _is_whole(self, name: str) -> bool:
        """Whether nothing ended its filling: what was put in last is there."""
        if name in self._whole:
            return True
        with holding(self._engine, self._image(), [_bind(name)]) as container:
            return has(self._engine, container, f"{_ROOM}/{_WHOLE}")

    def _fill(self, name: str, key: str, directory: Path) -> None:
        self._remove(name)
        self._engine.api.create_volume(name, labels=self._engine.labels(tree=key))
        with holding(self._engine, self._image(), [_bind(name)]) as container:
            put(self._engine, container, f"{_ROOM}/{_TREE}", directory)
            self._engine.api.put_archive(container, _ROOM, owned_directory(_WHOLE, 0, 0, 0o755))

    def _remove(self, name: str) -> None:
        self._whole.discard(name)
        try:
            self._engine.api.remove_volume(name)
        except NotFound:
            pass
        except APIError as error:
            _log.warning("%s is not removed: %s", name, explain(error))


def _bind(volume: str) -> Bind:
    return Bind(source=volume, target=_ROOM, volume=True, writable=True)
