"""systemd as the first process of namespaces of its own, with no units but the least that there must be and ours.

Network and files are the machine's; /run, /etc/systemd/system and the control groups are its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from tests.stories.site import DEADLINE, eventually

SYSTEMD = Path("/usr/lib/systemd/systemd")

_TARGETS = (
    "sysinit",
    "basic",
    "shutdown",
    "umount",
    "final",
    "sockets",
    "timers",
    "paths",
    "slices",
    "network",
)
_BOOT = """
set -e
root=$1
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system /run/lock /etc/systemd/system
mount -t tmpfs tmpfs /etc/systemd/system
mount --bind "$root/console" /dev/console
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
    mount -t tmpfs tmpfs /sys/fs/cgroup
    mkdir /sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
fi
exec env -i container=test PATH="$PATH" SYSTEMD_UNIT_PATH="/etc/systemd/system:$root/units" \
    SYSTEMD_PROC_CMDLINE= /usr/lib/systemd/systemd --system --unit=booted.target --log-target=console
"""
_JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done; shift; exec "$@"'


def why_not() -> str:
    """Why systemd can't be booted here, '' where it can."""
    if os.geteuid() != 0:
        return "only root can boot systemd in namespaces"
    if not SYSTEMD.exists():
        return "systemd is not installed"
    writable = [os.access(hierarchy, os.W_OK) for hierarchy in _hierarchies()]
    return "" if writable and all(writable) else "no control groups can be made here"


class Booted:
    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="booted"))
        (self.root / "console").touch()
        self._write_units()
        self.cgroups = [hierarchy / self.root.name for hierarchy in _hierarchies()]
        for cgroup in self.cgroups:
            cgroup.mkdir()
        namespaces = ["--pid", "--fork", "--kill-child", "--mount", "--uts", "--ipc", "--cgroup"]
        boot = ["unshare", *namespaces, "sh", "-c", _BOOT, "boot", str(self.root)]
        self._process = subprocess.Popen(
            ["sh", "-c", _JOIN, "join", *map(str, self.cgroups), "--", *boot],
            stdin=subprocess.DEVNULL,
            stdout=(self.root / "boot.log").open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        eventually(self._up, "systemd to be booted")

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command inside."""
        first = self._first()
        inside = ["nsenter", "--target", str(first), "--mount", "--pid", "--cgroup", "--uts", "--ipc", "--"]
        done = subprocess.run(
            [*inside, *command], capture_output=True, text=True, timeout=DEADLINE, check=False
        )
        assert not check or done.returncode == 0, (command, done.stdout, done.stderr, self.log())
        return done

    def show(self, unit: str, name: str) -> str:
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()

    def log(self) -> str:
        return (self.root / "console").read_text(errors="replace")[-8000:]

    def close(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for cgroup in self.cgroups:
            groups = [*sorted(cgroup.rglob("*/"), reverse=True), cgroup]
            eventually(lambda groups=groups: all(map(_gone, groups)), "its groups to be empty")
        shutil.rmtree(self.root)

    def _write_units(self) -> None:
        units = self.root / "units"
        units.mkdir()
        for target in (*_TARGETS, "booted", "multi-user", "network-online"):
            (units / f"{target}.target").write_text("[Unit]\nDefaultDependencies=no\n")

    def _first(self) -> int:
        """systemd, the only child of unshare(1)."""
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def _up(self) -> bool:
        assert self._process.poll() is None, (self.root / "boot.log").read_text()
        return (
            bool(self._first())
            and "running" in self.run("systemctl", "is-system-running", check=False).stdout
        )


def _hierarchies() -> list[Path]:
    """Where systemd makes groups of its own: the one of version 2, or the named one beside those of version 1."""
    whole = Path("/sys/fs/cgroup")
    if (whole / "cgroup.controllers").exists():
        return [whole]
    return [path for path in (whole / "systemd", whole / "unified") if path.is_dir()]


def _gone(group: Path) -> bool:
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
