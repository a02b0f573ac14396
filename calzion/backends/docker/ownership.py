"""Whom a directory in a container belongs to, before the container starts."""

from __future__ import annotations

import io
import tarfile


def owned_directory(name: str, uid: int, gid: int, mode: int) -> bytes:
    """An archive with nothing but a directory. Unpacked (PUT /containers/ID/archive) it leaves what is there.

    Engines leave the owner of a plain `.` as it is: name it from above (`../NAME`), the root of all by `/`.
    """
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, mode, uid, gid
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(entry)
    return stream.getvalue()
