"""A directory of unit files: which of them are ours, and replacing and removing those alone."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from calzion.errors import CalzionError
from calzion.systemd.unit import Unit, data_of

_PATTERNS = ("calzion.target", "calzion-*.service")


def installed(directory: Path) -> dict[Path, Path]:
    """Our unit files, each with the data directory that it serves."""
    found = (path for pattern in _PATTERNS for path in sorted(directory.glob(pattern)))
    return {path: data for path in found if (data := data_of(_text(path)))}


def installed_for(directory: Path, data: Path) -> list[Path]:
    """Our unit files for one data directory."""
    return [path for path, serves in installed(directory).items() if serves == data]


def refuse_others(directory: Path, units: Iterable[Unit]) -> None:
    """Raises CalzionError (conflict) where a unit has the name of one that we did not write, or that serves other
    data."""
    ours = installed(directory)
    for unit in units:
        path = directory / unit.name
        _refuse_others(path, unit.data, ours.get(path))


def write_units(directory: Path, units: Iterable[Unit]) -> list[Path]:
    """Make the directory hold these units of ours and no others; returns the paths that changed.

    Raises CalzionError (refused) where the directory can't be written to.
    """
    texts = {directory / unit.name: unit for unit in units}
    ours = installed(directory)
    stale = [
        path for path, data in ours.items() if path not in texts and data == next(iter(texts.values())).data
    ]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        changed = [path for path, unit in texts.items() if _text(path) != unit.text()]
        for path in changed:
            write(path, texts[path].text(), 0o644)
        return [*changed, *remove_units(stale)]
    except OSError as error:
        raise CalzionError(
            f"{directory} can't be written to: {error.strerror or error}",
            code="refused",
            hint="run this as root, or write the units elsewhere with --dir",
        ) from error


def remove_units(paths: Iterable[Path]) -> list[Path]:
    removed = list(paths)
    for path in removed:
        path.unlink(missing_ok=True)
    return removed


def write(path: Path, text: str, mode: int) -> None:
    """Replace a file in one step that survives a crash."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _refuse_others(path: Path, data: Path, serves: Path | None) -> None:
    if serves is not None and serves != data:
        raise CalzionError(
            f"{path} serves {serves}, and one machine runs one Calzion as units",
            code="conflict",
            hint=f"give --data {serves}, or remove it first: calzion uninstall --data {serves}",
        )
    if serves is None and (path.exists() or path.is_symlink()):
        raise CalzionError(
            f"{path} is there and was not written by 'calzion install'",
            code="conflict",
            hint="move it away, or write the units elsewhere with --dir",
        )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
