"""Reading a public key from where users keep theirs."""

from __future__ import annotations

import sys
from pathlib import Path

from calzion.errors import CalzionError

USUAL = ("id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub")

_LIMIT = 65_536
_TYPES = ("ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-")
_MAKE_ONE = "make one with: ssh-keygen -t ed25519"


def find_key(home: str) -> str:
    """The first of the usual public keys below ~/.ssh. Raises CalzionError (usage) where there is none."""
    folder = Path(home) / ".ssh"
    for name in USUAL:
        if (folder / name).is_file():
            return read_key(str(folder / name))
    raise CalzionError(
        f"there is no public key in {folder} ({', '.join(USUAL)})",
        code="usage",
        hint=f"name the file that holds it, or {_MAKE_ONE}",
    )


def read_key(file: str) -> str:
    """The one public key in a file ('-' is standard input), as a line 'TYPE BASE64 COMMENT'.

    Raises CalzionError (usage) where the file holds a private key, several keys, or none.
    """
    text = _read(file)
    shown = "standard input" if file == "-" else file
    if "PRIVATE KEY" in text:
        raise CalzionError(
            f"{shown} holds a private key, which must stay with you; nothing was sent",
            code="usage",
            hint=f"give the public one: {file}.pub" if file != "-" else "give the public one, a .pub file",
        )
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) != 1 or not lines[0].startswith(_TYPES):
        what = "several lines" if len(lines) > 1 else "no public key"
        raise CalzionError(
            f"{shown} holds {what}, not one SSH public key",
            code="usage",
            hint=f"a public key is one line that begins with its type, such as ssh-ed25519; {_MAKE_ONE}",
        )
    return lines[0]


def _read(file: str) -> str:
    try:
        if file == "-":
            return sys.stdin.read(_LIMIT)
        with Path(file).open(encoding="utf-8", errors="replace") as source:
            return source.read(_LIMIT)
    except OSError as error:
        raise CalzionError(f"{file} can't be read: {error.strerror or error}", code="usage") from error
