"""The volumes of deployments: directories that only their deployment's user may enter."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection
from pathlib import Path

from calzion.host.directory import remove_tree
from calzion.model import RunSpec


def prepare_volumes(volumes: Path, spec: RunSpec, owner: int | None) -> None:
    """Have the volumes of an instance exist; what is in one that belonged to another is handed to `owner`."""
    for volume in spec.volumes:
        path = volumes / spec.deployment / volume.name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if owner is not None and path.stat().st_uid != owner:
            subprocess.run(["chown", "-hR", f"{owner}:{owner}", str(path)], check=True, capture_output=True)


def volume_sizes(volumes: Path, deployment: str, names: Collection[str] | None = None) -> dict[str, int]:
    """The volumes of a deployment, or those of these names that it has, with the bytes that they take on disk."""
    found = volume_names(volumes, deployment)
    wanted = found if names is None else found & set(names)
    return {name: _size(volumes / deployment / name) for name in sorted(wanted)}


def volume_names(volumes: Path, deployment: str) -> frozenset[str]:
    try:
        return frozenset(path.name for path in (volumes / deployment).iterdir() if path.is_dir())
    except FileNotFoundError:
        return frozenset()


def remove_volume(volumes: Path, deployment: str, name: str) -> None:
    remove_tree(volumes / deployment / name)


def remove_volumes(volumes: Path, deployment: str) -> None:
    remove_tree(volumes / deployment)


def _size(directory: Path) -> int:
    total, counted = 0, set()
    for parent, directories, files in os.walk(directory):
        for name in (*directories, *files):
            try:
                stat = os.lstat(Path(parent) / name)
            except FileNotFoundError:
                continue
            if (stat.st_dev, stat.st_ino) not in counted:
                counted.add((stat.st_dev, stat.st_ino))
                total += stat.st_blocks * 512
    return total
