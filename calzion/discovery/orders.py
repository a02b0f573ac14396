"""What should be registered and is served, from the reconciler to who keeps it so, by a file: either may be away."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from calzion.discovery.registration import Registration
from calzion.model import Endpoint

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Announcement:
    """`instances` should be registered as far as they are up, `hosts` are served here; None before anybody said."""

    instances: tuple[Registration, ...] = ()
    hosts: tuple[str, ...] | None = None


class Announcer:
    """The reconciler's side. For one thread at a time."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self, instances: Iterable[Registration], hosts: Iterable[str]) -> None:
        """These should be registered, and nothing else.

        What can't be written is written with the next call: no rollout fails for it.
        """
        text = _written(Announcement(tuple(sorted(instances)), tuple(sorted(hosts))))
        try:
            if not self._file.exists() or self._file.read_text(encoding="utf-8") != text:
                new = self._file.with_name(f"{self._file.name}.new")
                new.write_text(text, encoding="utf-8")
                new.replace(self._file)
        except OSError as error:
            _log.warning("what should be registered can't be written now: %s", error)


class Orders:
    """The keeper's side."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[int, int] | None = None
        self._announced = Announcement()

    @property
    def newer(self) -> bool:
        """Whether there are others than those that were read."""
        try:
            return self._version() != self._seen
        except OSError:
            return False

    def read(self) -> Announcement:
        """The newest that can be read."""
        try:
            if (seen := self._version()) != self._seen:
                text = self._file.read_text(encoding="utf-8")
                self._seen = seen
                self._announced = _read(text)
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.warning("what should be registered can't be read: %s", error)
        return self._announced

    def _version(self) -> tuple[int, int]:
        """Every writing makes another file."""
        status = self._file.stat()
        return (status.st_ino, status.st_mtime_ns)


def _written(announcement: Announcement) -> str:
    rows = [[*each.key, each.endpoint.host, each.endpoint.port] for each in announcement.instances]
    return json.dumps({"instances": rows, "hosts": announcement.hosts})


def _read(text: str) -> Announcement:
    data = json.loads(text)
    instances = tuple(
        Registration(
            deployment=str(deployment),
            service=str(service),
            port=str(port),
            instance=str(instance),
            endpoint=Endpoint(str(host), int(number)),
        )
        for deployment, service, port, instance, host, number in data["instances"]
    )
    return Announcement(instances, tuple(map(str, data["hosts"])))
