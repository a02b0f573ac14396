"""What the units of one installation are made from."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import calzion
from calzion.backends.choice import DOCKER
from calzion.config import Address, Settings
from calzion.errors import CalzionError
from calzion.layout import Layout
from calzion.supervisor.command import program
from calzion.systemd.kept import CONFIG, FILE


@dataclass(frozen=True, kw_only=True)
class Installation:
    """`program` starts Calzion, `code` is where it and its settings are read from, `store` the one of the database.
    `root`: of the system's manager, else of one user's. `docker`: an engine runs the services."""

    layout: Layout
    program: tuple[str, ...]
    code: tuple[Path, ...]
    store: Path
    ssh: Address
    http: Address
    drain: float
    root: bool
    docker: bool

    @classmethod
    def of(cls, settings: Settings, told: Mapping[str, str], backend: str, uid: int) -> Installation:
        """This program, with these settings, of which the parts are `told` by variables.

        Raises CalzionError (usage) where a path depends on who starts it.
        """
        prefixes = {sys.prefix, sys.base_prefix, str(Path(calzion.__file__).resolve().parent.parent)}
        prefixes |= {told[CONFIG]} if CONFIG in told else set()
        return cls(
            layout=settings.layout,
            program=tuple(program()),
            code=tuple(map(Path, sorted(prefixes))),
            store=_store(settings.store, settings.data),
            ssh=settings.ssh,
            http=settings.http,
            drain=settings.drain_timeout,
            root=uid == 0,
            docker=backend == DOCKER,
        )

    @property
    def variables(self) -> Path:
        """The file of the parts' variables."""
        return self.layout.data / FILE

    @property
    def written(self) -> tuple[Path, ...]:
        """Every directory that holds what Calzion keeps."""
        data = self.layout.data
        return (data,) if self.store.is_relative_to(data) else (data, self.store)

    def uses(self, *directories: str) -> bool:
        """Whether data or code is below one of the directories, which then can't be hidden."""
        return any(path.is_relative_to(each) for path in (*self.written, *self.code) for each in directories)


def _store(store: str, data: Path) -> Path:
    if not store.startswith("sqlite:"):
        return data
    file = Path(store.removeprefix("sqlite:///").partition("?")[0])
    if not file.is_absolute():
        raise CalzionError(
            f"the store {store} is relative to the directory in which Calzion is started",
            code="usage",
            hint="write --store sqlite:////PATH, with the whole path behind three slashes",
        )
    return file.parent
