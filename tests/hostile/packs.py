"""Packs that are not what they say, or are more than they seem."""

from __future__ import annotations

import hashlib

from tests.hostile.client import ZERO
from tests.hostile.pack import BLOB, TREE, Thing, blob, commit, delta, pack, tree
from tests.hostile.push import DIRECTORY, FILE, NOWHERE, REFUSED, TEMPLATE, Push, creating, history, replacing

GOOD = history(template=REFUSED)
WHOLE = pack(GOOD)
HUGE = 1 << 42
_FAR = 0xFFFFFF
_COPY_ALL = bytes([0b11110000]) + _FAR.to_bytes(3, "little")
"""The instruction of a delta that copies so many bytes from the begin of its base."""
_COPY_ONE = b"\x90\1"
_UNPACKED = "unpack"


def _sent(packed: bytes, *says: str, things: list[Thing] = GOOD, shallow: tuple[str, ...] = ()) -> Push:
    """As if it held GOOD."""
    return Push(
        updates=((ZERO, things[-1].id, "refs/heads/hostile"),), pack=packed, says=says, shallow=shallow
    )


def _with(*things: Thing) -> bytes:
    return pack([*GOOD, *things])


def _delta_bomb() -> bytes:
    """20 KB that make 8 GiB."""
    base = blob(b"\0" * _FAR)
    return _with(base, delta(base.raw, _FAR, 512 * _FAR, _COPY_ALL * 512))


def _wide() -> list[Thing]:
    listing = tree(*((FILE, b"%07d" % number, TEMPLATE.raw) for number in range(12_000)))
    return history((DIRECTORY, b"wide", listing))


def _damaged() -> dict[str, Push]:
    return {
        "empty": _sent(b"", _UNPACKED),
        "truncated": _sent(WHOLE[: len(WHOLE) // 2], _UNPACKED),
        "without its checksum": _sent(WHOLE[:-20], _UNPACKED),
        "wrong checksum": _sent(WHOLE[:-1] + bytes([WHOLE[-1] ^ 1]), _UNPACKED),
        "a flipped bit": _sent(WHOLE[:40] + bytes([WHOLE[40] ^ 4]) + WHOLE[41:], _UNPACKED),
        "another protocol": _sent(b"GET / HTTP/1.1\r\n\r\n" * 100, "signature mismatch"),
        "another version": _sent(b"PACK\0\0\0\x09" + WHOLE[8:], "version unsupported"),
        "fewer objects than it says": _sent(pack(GOOD, count=9), _UNPACKED),
        "more objects than it says": _sent(pack(GOOD, count=2), _UNPACKED),
        "four billion objects": _sent(pack(GOOD, count=0xFFFFFFFF), _UNPACKED),
        # Git reads a pack to its end and no further: what follows is thrown away.
        "bytes after the end": _sent(WHOLE + b"x" * 4096, "nowhere"),
        "a second pack after the end": _sent(WHOLE + WHOLE, "nowhere"),
    }


def _bombs() -> dict[str, Push]:
    return {
        "a delta bomb": _sent(_delta_bomb(), "Out of memory"),
        "a zlib bomb": _sent(_with(Thing(TREE, b"100644 x\0" + b"\0" * (100 << 20))), "cannot be parsed"),
        "a file of 2 GiB": _sent(_with(Thing(BLOB, b"", declared=2 << 30)), _UNPACKED),
        "a tree of a huge declared size": _sent(_with(Thing(TREE, b"", declared=HUGE)), "Out of memory"),
        "a delta of a huge declared size": _sent(
            _with(delta(REFUSED.raw, len(REFUSED.data), HUGE, _COPY_ONE)), "Out of memory"
        ),
        "a thin delta of a huge declared size": _sent(_with(delta(NOWHERE, 1, HUGE, _COPY_ONE)), _UNPACKED),
        "an object larger than it says": _sent(_with(Thing(BLOB, b"\0" * 9999, declared=10)), _UNPACKED),
        "more than the limit": _sent(
            _with(*(blob(bytes([each])) for each in range(200)), _noise()), "exceeds maximum allowed size"
        ),
        "a listing of more than the limit": replacing(_wide(), "more than 10000 files", "source-files"),
    }


def _missing() -> dict[str, Push]:
    lost = tree((FILE, b"template.yaml", NOWHERE))
    orphan = commit(GOOD[-2].raw, "1" * 40)
    return {
        "a missing tree": creating([commit(NOWHERE)], _UNPACKED),
        "a missing file": creating([lost, commit(lost.raw)], _UNPACKED),
        "a missing parent": creating([*GOOD[:-1], orphan], _UNPACKED),
        "a delta of a delta that is not there": _sent(_with(delta(b"\x22" * 20, 1, 1, _COPY_ONE)), _UNPACKED),
        "a commit that is not in it": Push(
            updates=((ZERO, "1" * 40, "refs/heads/hostile"),), pack=WHOLE, says=("missing necessary objects",)
        ),
        "a branch at a file": creating([REFUSED], "is no commit but a blob"),
        "a branch at a tree": creating(GOOD[:-1], "is no commit but a tree"),
        "shallow at what is not there": _sent(WHOLE, "nowhere", shallow=("1" * 40,)),
        "shallow at garbage": _sent(WHOLE, "expected shallow sha", shallow=("x" * 40,)),
        "shallow at too much": _sent(WHOLE, "nowhere", shallow=tuple(f"{each:040x}" for each in range(5000))),
    }


def _noise() -> Thing:
    """9 MB that don't compress."""
    return blob(hashlib.shake_128(b"noise").digest(9 << 20))


def pushes() -> dict[str, Push]:
    return _damaged() | _bombs() | _missing()
