"""The directories of one running build, gone when it ends."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from calzion.build.sandbox import Rooms
from calzion.build.store import remove_tree
from calzion.host.sandbox import BUILD_GID, BUILD_UID, Identity, Mount, group_text, hosts_text, passwd_text
from calzion.model import Pairs

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Scratch:
    """`root` / `inside` is what the build sees as /."""

    root: Path

    @property
    def inside(self) -> Path:
        return self.root / "inside"

    @property
    def app(self) -> Path:
        return self.inside / "app"

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def identity(self) -> Identity:
        etc = self.root / "etc"
        return Identity(passwd=etc / "passwd", group=etc / "group", hosts=etc / "hosts")

    def rooms(self) -> Rooms:
        return Rooms(
            root=self.inside,
            environment=self.root / "env",
            out=self.out,
            temporary=self.root / "tmp",
        )

    def fill(self, environment: Pairs) -> None:
        """Make what a build finds beside its source. Names that no variable can have are left out."""
        for directory in (
            self.inside,
            self.app,
            self.out,
            self.root / "env",
            self.root / "tmp",
            self.root / "etc",
        ):
            directory.mkdir(parents=True)
            directory.chmod(0o755)
        self.identity.passwd.write_text(passwd_text(BUILD_UID, BUILD_GID))
        self.identity.group.write_text(group_text(BUILD_GID))
        self.identity.hosts.write_text(hosts_text(socket.gethostname()))
        for name, value in environment:
            if _VARIABLE.fullmatch(name) and len(name) <= 255:
                (self.root / "env" / name).write_bytes(value.encode("utf-8", "surrogateescape"))

    def files(self, texts: Mapping[str, str]) -> tuple[Mount, ...]:
        """Mounts of files with these texts at these paths inside."""
        return tuple(self.file(target, text) for target, text in texts.items())

    def file(self, target: str, text: str) -> Mount:
        path = self.root / "etc" / f"file{target.replace('/', '-')}"
        path.write_text(text)
        return Mount(source=path, target=target)

    def copy(self, target: str, source: Path) -> Mount:
        """A mount of what a file holds now."""
        path = self.root / "etc" / f"file{target.replace('/', '-')}"
        shutil.copyfile(source, path)
        path.chmod(0o644)
        return Mount(source=path, target=target)

    def hand_over(self) -> None:
        """Give the build's user what it may write: its own / with it, since some buildpacks replace /app as a whole."""
        give_to_builds(self.app, self.out, self.root / "tmp")
        if os.geteuid() == 0:
            os.chown(self.inside, BUILD_UID, BUILD_GID)

    def take_app(self) -> Path:
        """The app, moved to where it is alone in its directory: that becomes the slug's."""
        if not is_real_directory(self.app):
            raise OSError("the build put something else in the place of /app")
        place = self.root / "slug"
        place.mkdir()
        return self.app.rename(place / "app")


def is_real_directory(path: Path) -> bool:
    """Not a link to one: without root a build owns its / and may have changed what lies there."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


@contextmanager
def scratch(builds: Path) -> Iterator[Scratch]:
    builds.mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(dir=builds, prefix="build-"))
    try:
        yield Scratch(root)
    finally:
        remove_tree(root)


@contextmanager
def room(builds: Path) -> Iterator[Scratch]:
    """A place without source, for what comes from elsewhere. A place serves one sandbox: its / is made in it."""
    with scratch(builds) as place:
        place.fill(())
        place.hand_over()
        yield place


def give_to_builds(*paths: Path) -> None:
    """Change the owner of whole trees, where root runs this; links are not followed."""
    if os.geteuid() == 0:
        owner = f"{BUILD_UID}:{BUILD_GID}"
        subprocess.run(["chown", "-R", "-h", "-P", owner, "--", *map(str, paths)], check=True)
