"""What this machine lets its user do, found by doing it once."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from calzion.host.cgroup import CgroupTree
from calzion.host.directory import InstanceDirectory, remove_tree
from calzion.host.sandbox import Machine
from calzion.layout import Layout

LAUNCH = Path(__file__).resolve().parent / "launch.sh"
OVERLAY, USER_OVERLAY, COPY = "overlay", "userxattr", "copy"
SAFE_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
"""For programs that prepare a sandbox."""


@dataclass(frozen=True, kw_only=True)
class Facilities:
    """`sandbox`: bubblewrap is there and may be used; `layers`: how /app is made writable."""

    root: bool
    sandbox: bool
    layers: str
    cgroups: CgroupTree | None
    machine: Machine

    @classmethod
    def probe(cls, layout: Layout) -> Facilities:
        root = os.getuid() == 0
        layout.instances.mkdir(parents=True, exist_ok=True)
        return cls(
            root=root,
            sandbox=_sandbox_works(),
            layers=_layers(layout, OVERLAY if root else USER_OVERLAY),
            cgroups=CgroupTree.find(cgroup_name(layout)),
            machine=Machine.look(),
        )


def cgroup_name(layout: Layout) -> str:
    """Of the tree of groups that one installation owns."""
    return "calzion-" + hashlib.sha256(bytes(layout.data)).hexdigest()[:12]


def bubblewrap() -> str | None:
    return shutil.which("bwrap", path=SAFE_ENVIRONMENT["PATH"])


def namespace_arguments(layers: str) -> list[str]:
    """The command line that gives what is appended to it a mount namespace of its own, where it needs one."""
    if layers == COPY:
        return []
    user = ["--user", "--map-root-user"] if layers == USER_OVERLAY else []
    return ["unshare", *user, "--mount", "--propagation", "private", "--"]


def _sandbox_works() -> bool:
    program = bubblewrap()
    return program is not None and _succeeds([program, "--ro-bind", "/", "/", "--unshare-pid", "--", "true"])


def _layers(layout: Layout, kind: str) -> str:
    scratch = Path(tempfile.mkdtemp(prefix=".probe-", dir=layout.instances))
    directory, slug = InstanceDirectory(scratch / "instance"), scratch / "slug"
    try:
        slug.mkdir()
        directory.prepare(None)
        command = [
            *namespace_arguments(kind),
            *("sh", str(LAUNCH), kind),
            *map(str, (slug, directory.upper, directory.work, directory.app)),
            *("--", "touch", str(directory.app / "written")),
        ]
        return kind if _succeeds(command) and (directory.upper / "written").exists() else COPY
    finally:
        remove_tree(scratch)


def _succeeds(command: list[str]) -> bool:
    try:
        done = subprocess.run(
            command,
            env=SAFE_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
