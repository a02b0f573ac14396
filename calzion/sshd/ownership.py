"""Handing directories over to the user who serves them, and back."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def hand_over(directory: Path, owner: int) -> None:
    """Give a directory and all that is in it to the user and group `owner`; make it (mode 0700) where it is missing.

    Nothing is followed: a symbolic link itself changes hands, and a file with another name elsewhere does not, for it
    may be anybody's. The directory itself comes last, and one that has changed hands is not looked at again.
    Raises OSError, also where it is a symbolic link itself.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    top = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(top).st_uid == owner:
            return
        for _, directories, files, descriptor in os.fwalk(".", dir_fd=top):
            for name in (*directories, *files):
                _give(name, descriptor, owner)
        os.fchown(top, owner, owner)
    finally:
        os.close(top)


def _give(name: str, descriptor: int, owner: int) -> None:
    found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    if stat.S_ISDIR(found.st_mode) or found.st_nlink == 1:
        os.chown(name, owner, owner, dir_fd=descriptor, follow_symlinks=False)
