"""Virtual environments that were committed by mistake. Pure."""

from __future__ import annotations

from calzion.build.detect import Read
from calzion.errors import CalzionError

_USUAL = ("venv/", ".venv/", "env/", ".env/", "ENV/", "virtualenv/")
_MOST = 100


def refuse_committed_environment(names: tuple[str, ...], read: Read) -> None:
    """Raise CalzionError (build) where a directory at the root, or the root itself, is a virtual environment.

    An environment works at the path of the machine alone on which it was made.
    """
    if "pyvenv.cfg" in names:
        raise _refusal("the root of the app", "pyvenv.cfg bin lib")
    directories = [name for name in names if name.endswith("/")][:_MOST]
    for directory in directories:
        if read(f"{directory}pyvenv.cfg") is not None or _is_old_environment(directory, read):
            raise _refusal(directory, directory.rstrip("/"))


def _is_old_environment(directory: str, read: Read) -> bool:
    """Old tools wrote no pyvenv.cfg."""
    return directory in _USUAL and any(
        read(f"{directory}{script}") is not None for script in ("bin/activate", "Scripts/activate")
    )


def _refusal(what: str, paths: str) -> CalzionError:
    return CalzionError(
        f"{what} is a virtual environment, which can't be used on another machine",
        hint=f"take it out of the repository ('git rm -r --cached {paths}'), add it to .gitignore, and commit",
        code="build",
    )
