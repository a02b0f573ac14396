"""The passwd, group and hosts files that sandboxes see, below DATA/run.

They are bound into running sandboxes, so they are written in place: renaming would leave the old file there.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from calzion.host.sandbox import Identity, group_text, hosts_text, passwd_text
from calzion.model import Pairs


def identity(run: Path, uid: int, deployment: str, hosts: Pairs) -> Identity:
    """The files for a user and a deployment, brought up to date."""
    user = run / "users" / str(uid)
    files = Identity(passwd=user / "passwd", group=user / "group", hosts=run / "hosts" / deployment)
    write_in_place(files.passwd, passwd_text(uid, uid))
    write_in_place(files.group, group_text(uid))
    write_in_place(files.hosts, hosts_text(socket.gethostname(), hosts))
    return files


def write_in_place(path: Path, text: str) -> None:
    """Have the file, which all may read, hold `text`; untouched where it does already."""
    data = text.encode()
    try:
        if path.read_bytes() == data:
            return
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.fchmod(descriptor, 0o644)
        os.pwrite(descriptor, data, 0)
        os.ftruncate(descriptor, len(data))
    finally:
        os.close(descriptor)
