"""The data directory: made at the first start, and recognised as Calzion's own at every later one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from calzion.backends.choice import AUTO, best_backend, chosen_backend
from calzion.config import Settings
from calzion.configfile import NAME as CONFIG_FILE
from calzion.durable import sync_directory
from calzion.errors import CalzionError

_HARMLESS = frozenset({"lost+found", CONFIG_FILE})


def prepare(settings: Settings, environ: Mapping[str, str]) -> str:
    """Make what is missing of DATA (mode 0700), and return the backend that it belongs to.

    The backend chosen at the first start is written down and stays. Raises CalzionError (usage) where the
    directory holds something else, belongs to another user, or was made for another backend.
    """
    layout = settings.layout
    chosen = layout.backend
    try:
        layout.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        _claim(layout.data, chosen)
        for directory in (layout.run, layout.logs):
            directory.mkdir(mode=0o700, exist_ok=True)
        backend = backend_of(settings, environ)
        if chosen_backend(layout) is None:
            _write(chosen, backend)
        return backend
    except OSError as error:
        raise CalzionError(
            f"{layout.data} can't be used: {error.strerror or error}",
            code="usage",
            hint="choose another directory with --data, or make this one yours",
        ) from error


def backend_of(settings: Settings, environ: Mapping[str, str]) -> str:
    """The backend that DATA belongs to, or will at its first start. Writes nothing.

    Raises CalzionError (usage) where it was made for another one than is wanted.
    """
    kept = chosen_backend(settings.layout)
    wanted = settings.backend
    if kept is None:
        return best_backend(environ) if wanted == AUTO else wanted
    if wanted not in (AUTO, kept):
        raise CalzionError(
            f"{settings.data} was made for the backend {kept!r}, not {wanted!r}",
            code="usage",
            hint=f"leave --backend out, or choose another directory for {wanted!r} with --data",
        )
    return kept


def _claim(data: Path, chosen: Path) -> None:
    if not chosen.exists() and _foreign(data):
        raise CalzionError(
            f"{data} is not empty and holds no data of Calzion",
            code="usage",
            hint="choose another directory with --data",
        )
    data.chmod(0o700)


def _foreign(data: Path) -> bool:
    """Whether there is something that the first moments of a first start would not have left.

    sshd, which may have directories of its own elsewhere, may be the first.
    """
    ours = {"run", "logs", "backend.new", "ssh", "repositories"}
    return any(entry.name not in _HARMLESS | ours for entry in data.iterdir())


def _write(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    sync_directory(path.parent)
