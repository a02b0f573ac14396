"""The bytes of a template -> plain data with places. Bounded in size, depth and expansion; no tags."""

from __future__ import annotations

import re
from dataclasses import dataclass

from calzion.template.data import Data
from calzion.template.places import Places
from calzion.template.problem import Problem, Unreadable

MAX_BYTES = 1 << 20

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Characters outside c-printable of YAML 1.2 (section 5.1), and byte order marks inside the text."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """`data` holds what could be read; `problems` what could not be taken as it stands."""

    data: Data
    places: Places
    problems: tuple[Problem, ...] = ()


def decode(text: bytes, limit: int = MAX_BYTES) -> str:
    """The text of a YAML file. Raises Unreadable where it is larger than `limit` bytes, not UTF-8, or not printable."""
    if len(text) > limit:
        raise Unreadable(f"the file is too large: {len(text)} bytes are more than {limit}")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = text[: error.start].decode("utf-8-sig")
        raise Unreadable(f"byte 0x{text[error.start]:02x} is no UTF-8", len(before)) from None
    found = _UNPRINTABLE.search(decoded)
    if found:
        raise Unreadable(f"the character U+{ord(found[0]):04X} is not allowed in YAML", found.start())
    return decoded


def read_document(text: str, *, merge_keys: bool = False) -> Document:
    """Compose the only document of `text`; `merge_keys` stay in the data under their key `<<`, else are problems.

    Raises Unreadable at the first mistake that hides what follows.
    """
    from calzion.template.composer import Composer  # loads YAML, which most processes never need

    composer = Composer(text, merge_keys=merge_keys)
    data = composer.compose()
    return Document(data=data, places=composer.places, problems=tuple(composer.problems))
