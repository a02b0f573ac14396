"""The slugs that were built: DIRECTORY/<key>/ with `app`, where it is no image, and `slug.json`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calzion.durable import sync_directory
from calzion.model import Slug

_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class SlugStore:
    """`scratch` is on the file system of `directory`: slugs come and go by rename, whole or not at all."""

    directory: Path
    scratch: Path

    def find(self, key: str) -> Slug | None:
        if not _KEY.fullmatch(key):
            return None
        root = self.directory / key
        try:
            return _read(root, json.loads((root / "slug.json").read_bytes()))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, slug: Slug) -> Slug:
        """Take over `slug.root`, a directory `app` alone in its parent; the slug as it is found from now on.

        Where the key is there already, the slug that is there stays.
        """
        self.scratch.mkdir(parents=True, exist_ok=True)
        parent = slug.root.parent if slug.root else Path(tempfile.mkdtemp(dir=self.scratch))
        target = self.directory / slug.key
        _write_durably(parent / "slug.json", json.dumps(_facts(slug)).encode())
        self.directory.mkdir(parents=True, exist_ok=True)
        if self.find(slug.key) is None:
            self.remove(slug.key)
            parent.rename(target)
            sync_directory(self.directory)
        stored = self.find(slug.key)
        if stored is None:
            raise OSError(f"the slug {slug.key} is not there after it was stored")
        return stored

    def remove(self, key: str) -> None:
        """Remove a slug that nothing runs; unknown keys are ignored."""
        if not _KEY.fullmatch(key) or not (self.directory / key).exists():
            return
        remove_tree(bury(self.directory / key, self.scratch))

    def others(self, keys: Collection[str]) -> tuple[Path, ...]:
        """The directories of all slugs but those of these keys, those of broken ones too."""
        found = (path for path in self.directory.glob("*") if _KEY.fullmatch(path.name))
        return tuple(path for path in found if path.name not in keys)

    def list(self) -> tuple[Slug, ...]:
        """Every slug, the oldest first."""
        if not self.directory.is_dir():
            return ()
        with os.scandir(self.directory) as entries:
            ages = sorted((entry.stat().st_mtime, entry.name) for entry in entries)
        found = (self.find(name) for _, name in ages)
        return tuple(slug for slug in found if slug)


def bury(path: Path, scratch: Path) -> Path:
    """Have a directory gone at once, whole, to where it can be removed at leisure: a start empties `scratch`."""
    scratch.mkdir(parents=True, exist_ok=True)
    grave = Path(tempfile.mkdtemp(dir=scratch, prefix="removed-"))
    path.rename(grave / path.name)
    return grave


def remove_tree(path: Path) -> None:
    """Remove a tree that a hostile build may have made, however deep. Links are not followed."""
    remove = ["rm", "-rf", "--one-file-system", "--", str(path)]
    if subprocess.run(remove, check=False, stderr=subprocess.DEVNULL).returncode:
        opened = ["chmod", "-R", "u+rwX", "--", str(path)]
        subprocess.run(opened, check=False, stderr=subprocess.DEVNULL)
        subprocess.run(remove, check=False, stderr=subprocess.DEVNULL)


def _facts(slug: Slug) -> dict[str, Any]:
    return {
        "key": slug.key,
        "digest": slug.digest,
        "language": slug.language,
        "process_types": slug.process_types,
        "config_vars": slug.config_vars,
        "size": slug.size,
        "image": slug.image,
        "ports": slug.ports,
        "volumes": slug.volumes,
    }


def _read(root: Path, facts: dict[str, Any]) -> Slug:
    return Slug(
        key=root.name,
        digest=str(facts["digest"]),
        root=None if facts.get("image") else root / "app",
        language=str(facts["language"]),
        process_types=tuple((str(name), str(command)) for name, command in facts["process_types"]),
        config_vars=tuple((str(name), str(value)) for name, value in facts["config_vars"]),
        size=int(facts["size"]),
        image=str(facts.get("image", "")),
        ports=tuple(map(int, facts.get("ports", ()))),
        volumes=tuple(map(str, facts.get("volumes", ()))),
    )


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    sync_directory(path.parent)
