"""`calzion install`: Calzion's parts as units of systemd."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from calzion.cli.invocation import Invocation, pass_invocation, settings_options
from calzion.config import Settings
from calzion.errors import CalzionError
from calzion.supervisor import lock
from calzion.supervisor.data import backend_of, prepare
from calzion.systemd import manager
from calzion.systemd.directory import installed, refuse_others, write, write_units
from calzion.systemd.installation import Installation
from calzion.systemd.kept import Given, settings_and_variables
from calzion.systemd.unit import Unit
from calzion.systemd.units import TARGET, units
from calzion.systemd.variables import render


@click.command()
@click.option(
    "--dir",
    "directory",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="write the units there, where systemd does not look, and ask nothing of it",
)
@click.option("--print", "only_print", is_flag=True, help="print the units and write nothing")
@click.option("--start", is_flag=True, help="start them too, or have what runs replaced by this version")
@settings_options
@pass_invocation
def install(invocation: Invocation, directory: Path | None, only_print: bool, start: bool) -> None:
    """Write unit files for systemd: one for each part, and calzion.target for all of them.

    Root's are the system's, another user's belong to that user's own systemd. The settings given by flags and
    variables are kept for the parts, also when this is run again without them; what a calzion.toml says is read at
    each start. Deployments go on serving while the units are stopped or started anew.
    """
    root = invocation.uid == 0
    place = directory or manager.unit_directory(root, invocation.environ)
    settings, told = settings_and_variables(_given(invocation, place))
    backend = backend_of(settings, invocation.environ)
    installation = Installation.of(settings, told, backend, invocation.uid)
    made = units(installation)
    if only_print:
        _print(place, made)
        return
    refuse_others(place, made)
    if start:
        _refuse_beside_serve(settings)
    prepare(settings, invocation.environ)
    _make_directories(installation)
    changed = write_units(place, made)
    write(installation.variables, render(told), 0o600)
    print(f"{place} holds {len(made)} units, {len(changed)} of them changed.")
    if directory is None:
        _tell_systemd(invocation, [unit.name for unit in made], start)


def _given(invocation: Invocation, place: Path) -> Given:
    """What the command line says. Where it does not name DATA, those of the units that are there are meant."""
    flags = dict(invocation.flags)
    served = set(installed(place).values())
    if len(served) == 1 and invocation.settings().origins["data"] == "default":
        flags["data"] = str(served.pop())
    return Given(flags=flags, environ=invocation.environ, file=invocation.file, uid=invocation.uid)


def _print(place: Path, made: Iterable[Unit]) -> None:
    for unit in made:
        print(f"==> {place / unit.name} <==\n{unit.text()}")


def _refuse_beside_serve(settings: Settings) -> None:
    """A supervisor in the foreground and units can't both run; reconcilers of units hold its lock, and end."""
    pid = lock.holder(settings.layout.run / "serve.lock")
    if pid and b"\0serve\0reconciler\0" not in _command_line(pid):
        raise CalzionError(
            f"calzion serve runs for {settings.data} (pid {pid})",
            code="conflict",
            hint="end it with 'calzion stop', which interrupts no deployment, and try again",
        )


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _make_directories(installation: Installation) -> None:
    """What a unit names has to be there before its part can make it."""
    layout = installation.layout
    for each in layout.of_sshd:
        each.mkdir(mode=0o700, parents=True, exist_ok=True)


def _tell_systemd(invocation: Invocation, names: Sequence[str], start: bool) -> None:
    root = invocation.uid == 0
    booted = manager.runs(root, invocation.environ)
    if booted:
        for command in (*manager.enabling(root), *([manager.starting(root, names)] if start else ())):
            manager.run(command, invocation.environ)
    if booted and start:
        print(f"They are up. {' '.join(manager.following(root))} shows what they write.")
    else:
        here = [] if booted else manager.enabling(root)
        print(f"{'They start with the next boot' if booted else 'systemd does not run here'}; to start them:")
        for command in (*here, manager.systemctl(root, "restart", TARGET)):
            print(f"  {' '.join(command)}")
    if not root:
        print("Units of a user run while that user is logged in; to have them run always:")
        print(f"  loginctl enable-linger {invocation.user}")
