"""What this machine has of what Calzion uses: each program with its place and version, or how to get it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

from calzion.errors import CalzionError
from calzion.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`needed` findings that are not `ok` keep the embedded backend from working."""

    name: str
    ok: bool
    found: str
    advice: str = ""
    needed: bool = True


def diagnose(layout: Layout) -> list[Finding]:
    """Look at this machine; nothing needs to run. Takes about a second."""
    findings = [
        Finding(name="python", ok=True, found=f"{sys.version.split()[0]} ({sys.executable})"),
        _program("git", "apt-get install git"),
        _program("bwrap", "apt-get install bubblewrap"),
        _program("setpriv", "apt-get install util-linux", probe="--version"),
        _haproxy(),
        _appliance("postgres"),
        _appliance("redis"),
        _node(),
    ]
    return findings + _limits(layout)


def _program(name: str, advice: str, probe: str = "--version") -> Finding:
    path = shutil.which(name)
    if path is None:
        return Finding(name=name, ok=False, found="missing", advice=advice)
    said = subprocess.run([path, probe], capture_output=True, text=True, check=False, timeout=10)
    version = (said.stdout or said.stderr).strip().splitlines()[:1]
    return Finding(name=name, ok=True, found=f"{' '.join(version)} ({path})")


def _haproxy() -> Finding:
    from calzion.routing.program import find_haproxy

    try:
        program = find_haproxy()
    except CalzionError as error:
        return Finding(name="haproxy", ok=False, found=error.message, advice=error.hint)
    return Finding(name="haproxy", ok=True, found=f"{program.version} ({program.path})")


def _appliance(name: str) -> Finding:
    from calzion.host.appliance import find_appliance

    found = find_appliance(name)
    if found is None:
        advice = "install the extra: pip install 'calzion[embedded]'"
        return Finding(name=name, ok=False, found="missing", advice=advice, needed=False)
    return Finding(name=name, ok=True, found=found.version)


def _node() -> Finding:
    from calzion.host.runtimes import node_mounts

    path = shutil.which("node")
    if path is None and not node_mounts():
        advice = "apt-get install nodejs npm, or pip install 'calzion[embedded]'"
        return Finding(name="node", ok=False, found="missing", advice=advice, needed=False)
    return Finding(name="node", ok=True, found=path or "from the package index")


def _limits(layout: Layout) -> list[Finding]:
    from calzion.backends.process import ProcessBackend

    if not layout.data.is_dir():
        return []
    sentences = ProcessBackend(layout, root=os.geteuid() == 0).doctor()
    return [Finding(name="protection", ok=False, found=sentence, needed=False) for sentence in sentences]
