"""The service manager: the commands that act on the units, as lists, and whether it runs here."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from calzion.errors import CalzionError
from calzion.systemd.units import TARGET, service_name

Command = list[str]

_UPPER = tuple(map(service_name, ("sshd", "controller", "reconciler")))

_TIMEOUT = 360.0


def systemctl(root: bool, *arguments: str) -> Command:
    return ["systemctl", *([] if root else ["--user"]), *arguments]


def enabling(root: bool) -> list[Command]:
    """Have the manager read the units, and start them with the machine, or with the user's first session."""
    return [systemctl(root, "daemon-reload"), systemctl(root, "enable", TARGET)]


def starting(root: bool, units: Iterable[str]) -> Command:
    """Start what is down and replace what is up, which is no outage: see KillMode in the units.

    All are named: who starts or stops the target alone is not told whether its parts did so, or when.
    """
    return systemctl(root, "restart", *units)


def stopping(root: bool, units: Iterable[str], *, everything: bool) -> Command:
    """Stop those of the units without which deployments go on serving, or with `everything` all of them."""
    return systemctl(root, "stop", *(unit for unit in units if everything or unit in _UPPER))


def disabling(root: bool) -> Command:
    return systemctl(root, "disable", TARGET)


def reloading(root: bool) -> Command:
    return systemctl(root, "daemon-reload")


def following(root: bool) -> Command:
    """Show what the parts write, as it comes."""
    return ["journalctl", *([] if root else ["--user"]), "-f", "-u", "'calzion-*'"]


def unit_directory(root: bool, environ: Mapping[str, str]) -> Path:
    """Where an administrator's units are, or a user's own."""
    if root:
        return Path("/etc/systemd/system")
    home = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "/")) / ".config"
    return Path(home) / "systemd" / "user"


def runs(root: bool, environ: Mapping[str, str]) -> bool:
    """Whether the manager is there to be asked (sd_booted(3), or the socket of the user's own)."""
    if root:
        return Path("/run/systemd/system").is_dir()
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    return bool(runtime) and (Path(runtime) / "systemd" / "private").exists()


def run(command: Sequence[str], environ: Mapping[str, str]) -> None:
    """Raises CalzionError with what the command said where it fails."""
    try:
        done = subprocess.run(
            command, env=dict(environ), capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CalzionError(f"{' '.join(command)} failed: {error}") from error
    if done.returncode != 0:
        raise CalzionError(
            f"{' '.join(command)} failed (exit code {done.returncode}):",
            detail=(done.stderr or done.stdout).strip().splitlines(),
            hint=f"{' '.join(following('--user' not in command))} shows what the parts wrote",
        )
