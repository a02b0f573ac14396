"""The archive of a volume, looked through before anything in the new deployment unpacks it."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

from calzion.controller.archive import BoundedMember
from calzion.errors import CalzionError

_MOST_ENTRIES = 20_000_000


def check_volume(path: Path, what: str) -> None:
    """Raises CalzionError (usage) where a name leads out of the volume, or an entry is nothing that an app makes.

    Links may point anywhere, as an app may have made them, but no name leads through one.
    """
    try:
        with tarfile.open(path, "r:", tarinfo=BoundedMember) as archive:
            _check(archive, what)
    except (tarfile.TarError, OSError, ValueError, RecursionError) as error:
        raise _refused(what, str(error) or "it is no tar archive") from error


def _check(archive: tarfile.TarFile, what: str) -> None:
    links: set[str] = set()
    for number, member in enumerate(archive):
        name = _inside(member.name, what)
        parents = name.split("/")[:-1]
        if any("/".join(parents[:depth]) in links for depth in range(1, len(parents) + 1)):
            raise _refused(what, f"{member.name[:80]!a} lies behind a link")
        if not (member.isreg() or member.isdir() or member.issym() or member.islnk() or member.isfifo()):
            raise _refused(what, f"{member.name[:80]!a} is a device, or nothing known")
        if member.issym() or (member.islnk() and _inside(member.linkname, what) in links):
            links.add(name)
        if number > _MOST_ENTRIES:
            raise _refused(what, f"it has more than {_MOST_ENTRIES} entries")
        # Otherwise it remembers every one of them.
        remembered: Any = archive
        remembered.members = []


def _inside(name: str, what: str) -> str:
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise _refused(what, f"{name[:80]!a} leads out of the volume")
    return "/".join(part for part in parts if part not in ("", "."))


def _refused(what: str, why: str) -> CalzionError:
    return CalzionError(
        f"the files of {what} can't be used: {why}",
        hint="export the deployment again with 'calzion export'",
        code="usage",
    )
