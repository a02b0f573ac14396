"""What the units of one installation are made from."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import calzion
from calzion.config import Address, Settings
from calzion.layout import Layout
from calzion.supervisor.command import program


@dataclass(frozen=True, kw_only=True)
class Installation:
    """`program` starts Calzion, `code` are the directories that it is read from. `root`: of the system's manager,
    else of one user's."""

    layout: Layout
    program: tuple[str, ...]
    code: tuple[Path, ...]
    ssh: Address
    http: Address
    drain: float
    root: bool

    @classmethod
    def of(cls, settings: Settings, uid: int) -> Installation:
        """This program, with these settings."""
        prefixes = {sys.prefix, sys.base_prefix, str(Path(calzion.__file__).resolve().parent.parent)}
        return cls(
            layout=settings.layout,
            program=tuple(program()),
            code=tuple(map(Path, sorted(prefixes))),
            ssh=settings.ssh,
            http=settings.http,
            drain=settings.drain_timeout,
            root=uid == 0,
        )

    @property
    def variables(self) -> Path:
        """The file of the parts' variables."""
        return self.layout.data / "units.env"

    def uses(self, *directories: str) -> bool:
        """Whether data or code is below one of the directories, which then can't be hidden."""
        return any(
            path.is_relative_to(each) for path in (self.layout.data, *self.code) for each in directories
        )
