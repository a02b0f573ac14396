"""The directories of one running build, gone when it ends."""

from __future__ import annotations

import hashlib
import os
import re
import socket
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
    """`slug` holds the app alone: it becomes the slug's directory as it is."""

    root: Path

    @property
    def slug(self) -> Path:
        return self.root / "slug"

    @property
    def app(self) -> Path:
        return self.slug / "app"

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def identity(self) -> Identity:
        etc = self.root / "etc"
        return Identity(passwd=etc / "passwd", group=etc / "group", hosts=etc / "hosts")

    def rooms(self, cache: Path) -> Rooms:
        return Rooms(
            app=self.app,
            cache=cache,
            environment=self.root / "env",
            out=self.out,
            temporary=self.root / "tmp",
        )

    def fill(self, environment: Pairs) -> None:
        """Make what a build finds beside its source. Names that no variable can have are left out."""
        for directory in (self.app, self.out, self.root / "env", self.root / "tmp", self.root / "etc"):
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
        mounts = []
        for number, (target, text) in enumerate(texts.items()):
            path = self.root / "etc" / f"file-{number}"
            path.write_text(text)
            mounts.append(Mount(source=path, target=target))
        return tuple(mounts)

    def hand_over(self) -> None:
        """Give the build's user what it may write."""
        give_to_builds(self.app, self.out, self.root / "tmp")


@contextmanager
def scratch(builds: Path) -> Iterator[Scratch]:
    builds.mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(dir=builds, prefix="build-"))
    try:
        yield Scratch(root)
    finally:
        remove_tree(root)


def cache_directory(caches: Path, name: str) -> Path:
    """The directory of the cache called `name`, whatever characters that has; made where it is missing."""
    readable = re.sub(r"[^A-Za-z0-9-]+", "-", name)[:60].strip("-")
    path = caches / f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        give_to_builds(path)
    return path


def give_to_builds(*paths: Path) -> None:
    """Change the owner of whole trees, where root runs this; links are not followed."""
    if os.geteuid() == 0:
        owner = f"{BUILD_UID}:{BUILD_GID}"
        subprocess.run(["chown", "-R", "-h", "-P", owner, "--", *map(str, paths)], check=True)
