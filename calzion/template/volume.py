"""A volume's name and where it is mounted."""

from __future__ import annotations

from calzion.model import Label
from calzion.template.data import Data, shown
from calzion.template.interpolation import skeleton
from calzion.template.problem import Misfit
from calzion.template.text import text

_MAX_PATH = 1024
_RESERVED = ("/app", "/dev", "/proc", "/sys")
"""What the running process itself needs there."""


def volume_name(value: str) -> str:
    try:
        return str(_VolumeName.parse(value))
    except ValueError as error:
        raise Misfit(str(error)) from None


def volume_path(value: Data) -> str:
    """An absolute path in its normal form; it may hold references. Raises Misfit."""
    path = text(value, "the path inside the service")
    shape = skeleton(path)
    if path.startswith("${"):
        shape = "/" + shape
    parts = shape.split("/")
    if parts[0] or shape == "/" or any(part in ("", ".", "..") for part in parts[1:]):
        allowed = "an absolute path such as /var/lib/data, not /, without '..', '.', '//' and '/' at the end"
        raise Misfit(f"{shown(path)} is no path of a volume: use {allowed}")
    if len(path) > _MAX_PATH or not path.isprintable() or ":" in shape:
        raise Misfit(
            f"{shown(path)} is no path of a volume: it is too long, or holds ':' or control characters"
        )
    if shape in _RESERVED or shape.startswith(("/proc/", "/sys/")):
        raise Misfit(f"{shown(path)} can't be a volume: the service needs what is there")
    return path


class _VolumeName(Label):
    __slots__ = ()
    noun = "name of a volume"
