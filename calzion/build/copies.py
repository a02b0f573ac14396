"""What was fetched for builds, kept by address and version; builds read it and never write to it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from calzion.build.store import remove_tree
from calzion.template.buildpack import Remote


@dataclass(frozen=True)
class Copies:
    """`scratch` is on the file system of `directory`, which takes nothing but whole copies, `kept` of them."""

    directory: Path
    scratch: Path
    kept: int = 40

    def find(self, remote: Remote, version: str) -> Path | None:
        path = self._path(remote, version)
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        return path

    def put(self, remote: Remote, version: str, tree: Path) -> Path:
        """Take over a directory; the longest unused copies go."""
        path = self._path(remote, version)
        self.directory.mkdir(parents=True, exist_ok=True)
        tree.chmod(0o755)
        subprocess.run(["sync", "-f", str(tree)], check=False, stderr=subprocess.DEVNULL)
        if not path.exists():
            os.utime(tree)
            tree.rename(path)
        self._trim()
        return path

    def last(self, remote: Remote) -> str:
        """The version that the ref had when it was last asked for, where its copy is still there; else ''."""
        try:
            version = self._note(remote).read_text()
        except FileNotFoundError:
            return ""
        return version if self.find(remote, version) else ""

    def remember(self, remote: Remote, version: str) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self.directory, prefix="new-", delete=False) as file:
            file.write(version)
        Path(file.name).rename(self._note(remote))

    def _trim(self) -> None:
        copies = [path for path in self.directory.iterdir() if path.is_dir()]
        for path in sorted(copies, key=lambda path: path.stat().st_mtime, reverse=True)[self.kept :]:
            grave = Path(tempfile.mkdtemp(dir=self.scratch, prefix="removed-"))
            path.rename(grave / path.name)
            remove_tree(grave)

    def _path(self, remote: Remote, version: str) -> Path:
        return self.directory / _name(remote, f"@{version}")

    def _note(self, remote: Remote) -> Path:
        return self.directory / f"{_name(remote, f'#{remote.ref}')}.version"


class LookedAt(Copies):
    """Copies that are seen and stay as they are: nothing is taken over, marked as used, or remembered."""

    def find(self, remote: Remote, version: str) -> Path | None:
        path = self._path(remote, version)
        return path if path.exists() else None

    def put(self, remote: Remote, version: str, tree: Path) -> Path:  # noqa: ARG002  # it is put nowhere
        return tree

    def remember(self, remote: Remote, version: str) -> None:
        pass


def _name(remote: Remote, what: str) -> str:
    """Counts the credentials: whoever has none must not find what others fetched."""
    address = remote.address
    facts = json.dumps([address.url, address.user, address.password, what])
    return hashlib.sha256(facts.encode()).hexdigest()[:40]
