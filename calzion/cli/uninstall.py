"""`calzion uninstall`."""

from __future__ import annotations

from pathlib import Path

import click

from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.config import Settings
from calzion.errors import CalzionError
from calzion.systemd import manager
from calzion.systemd.directory import installed, installed_for, remove_units
from calzion.systemd.kept import FILE


@click.command()
@click.option(
    "--dir",
    "directory",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="remove the units that 'calzion install --dir' wrote there",
)
@connection_options
@pass_invocation
def uninstall(invocation: Invocation, directory: Path | None) -> None:
    """Stop the units that 'calzion install' wrote, and remove them. Data stays, and deployments go on serving."""
    root = invocation.uid == 0
    place = directory or manager.unit_directory(root, invocation.environ)
    settings = invocation.settings()
    ours = installed_for(place, settings.data)
    if not ours:
        raise _nothing(place, settings)
    ask = directory is None and manager.runs(root, invocation.environ)
    if ask:
        names = [path.name for path in ours]
        for command in (manager.stopping(root, names, everything=True), manager.disabling(root)):
            manager.run(command, invocation.environ)
    remove_units(ours)
    (settings.data / FILE).unlink(missing_ok=True)
    if ask:
        manager.run(manager.reloading(root), invocation.environ)
    print(f"{len(ours)} units are removed from {place}. {settings.data} stays as it is.")
    print("Deployments go on serving; 'calzion stop --all' ends them, 'calzion serve' takes them over.")


def _nothing(place: Path, settings: Settings) -> CalzionError:
    others = sorted({str(data) for data in installed(place).values()})
    return CalzionError(
        f"{place} holds no units that 'calzion install' wrote for {settings.data}",
        code="not_found",
        hint=f"there are some for other data: --data {others[0]}" if others else "",
    )
