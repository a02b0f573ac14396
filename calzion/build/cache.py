"""The caches that are kept between builds, one a name: lent to one build at a time by moving them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from calzion.build.scratch import Scratch, give_to_builds, is_real_directory
from calzion.build.store import remove_tree

_NAME = "cache-name"


@dataclass(frozen=True)
class Caches:
    """`directory` and `builds` are on one file system."""

    directory: Path
    builds: Path

    def path(self, name: str) -> Path:
        """The directory of the cache called `name`, whatever characters that has."""
        readable = re.sub(r"[^A-Za-z0-9-]+", "-", name)[:60].strip("-")
        return self.directory / f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"

    @contextmanager
    def lend(self, name: str, place: Scratch, inside: str) -> Iterator[None]:
        """Have the cache at the path `inside` of the build's root meanwhile, in the place of what is there.

        The caller sees to it that nobody else has it.
        """
        home, lent = self.path(name), _below(place.inside, inside)
        (place.root / _NAME).write_text(f"{home.name}\n{inside}")
        if os.path.lexists(lent):
            remove_tree(lent)
        if home.is_dir():
            home.rename(lent)
        else:
            lent.mkdir()
            give_to_builds(lent)
        try:
            yield
        finally:
            self.directory.mkdir(parents=True, exist_ok=True)
            if is_real_directory(lent):
                lent.rename(home)

    def recover(self) -> None:
        """Bring back what was lent when a crash ended the builds; nothing of them runs any more."""
        for record in self.builds.glob(f"*/{_NAME}"):
            name, _, inside = record.read_text().partition("\n")
            lent, home = _below(Scratch(record.parent).inside, inside), self.directory / Path(name).name
            if is_real_directory(lent) and not home.exists():
                self.directory.mkdir(parents=True, exist_ok=True)
                lent.rename(home)

    def others(self, names: Iterable[str]) -> list[Path]:
        """The caches that have none of these names."""
        kept = {self.path(name) for name in names}
        return [path for path in self.directory.glob("*") if path not in kept]

    def remove(self, name: str) -> None:
        """Forget a cache; the next build starts without one."""
        if os.path.lexists(self.path(name)):
            remove_tree(self.path(name))


def _below(root: Path, inside: str) -> Path:
    return root / inside.removeprefix("/")
