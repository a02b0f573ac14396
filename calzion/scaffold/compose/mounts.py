"""`volumes` of a Compose service, in both of their forms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from calzion.scaffold.compose.context import Owner
from calzion.scaffold.compose.reading import scalar
from calzion.template.data import Data

BIND, VOLUME = "bind", "volume"
_HOST = ("/", ".", "~", "$")


@dataclass(frozen=True, kw_only=True)
class Mount:
    """`kind` is `bind`, `volume` or another one; `source` is empty for a volume without a name."""

    kind: str
    source: str
    target: str


def mounts(service: dict[str, Data], owner: Owner) -> Iterator[Mount]:
    items = service.get("volumes")
    for item in items if isinstance(items, list) else ():
        yield _long(item, owner) if isinstance(item, dict) else _short(item, owner)


def _short(item: Data, owner: Owner) -> Mount:
    """SOURCE:TARGET[:MODE] or TARGET."""
    written = scalar(item) or ""
    text = owner.fixed(written)
    if text is None:
        return Mount(kind=BIND, source=written, target="")
    source, colon, rest = text.partition(":")
    if not colon:
        return Mount(kind=VOLUME, source="", target=_normal(source))
    kind = BIND if source.startswith(_HOST) or "/" in source else VOLUME
    return Mount(kind=kind, source=source, target=_normal(rest.partition(":")[0]))


def _long(item: dict[str, Data], owner: Owner) -> Mount:
    kind, source, target = (
        owner.fixed(scalar(item.get(key)) or "") or "" for key in ("type", "source", "target")
    )
    return Mount(kind=kind or VOLUME, source=source, target=_normal(target))


def _normal(target: str) -> str:
    return target.rstrip("/") or target
