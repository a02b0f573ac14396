"""A builder in memory: a source is its Procfile, and building it takes no time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from calzion.build.procfile import parse_procfile
from calzion.model import BuildOrder, Cancellation, Sink, Slug


@dataclass(frozen=True)
class FakeTree:
    """The code of an app whose only file is a Procfile."""

    procfile: str
    commit: str = ""

    @property
    def digest(self) -> str:
        return hashlib.sha1(self.procfile.encode()).hexdigest()

    def names(self) -> tuple[str, ...]:
        return ("Procfile",)

    def read(self, path: str, limit: int = 1 << 20) -> bytes | None:
        return self.procfile.encode() if path == "Procfile" else None

    def export(self, destination: Path) -> None:
        (destination / "Procfile").write_text(self.procfile)


class FakeBuilder:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.slugs: dict[str, Slug] = {}
        self.caches: set[str] = set()

    def key(self, order: BuildOrder) -> str:
        parts = f"{order.source.digest} {order.environment} {order.buildpacks}"
        return hashlib.sha256(parts.encode()).hexdigest()

    def foresee(self, order: BuildOrder) -> str:
        return self.key(order)

    def find(self, key: str) -> Slug | None:
        return self.slugs.get(key)

    def prune(self, slugs: Collection[str], caches: Collection[str]) -> Callable[[], None]:
        self.slugs = {key: slug for key, slug in self.slugs.items() if key in slugs}
        self.caches &= set(caches)
        return lambda: None

    def build(self, order: BuildOrder, sink: Sink, cancellation: Cancellation) -> Slug:
        key = self.key(order)
        root = self.directory / key
        root.mkdir(parents=True, exist_ok=True)
        sink.log("built", source=order.service)
        self.caches.add(order.cache)
        self.slugs[key] = Slug(
            key=key,
            digest=key,
            root=root,
            language="Procfile",
            process_types=parse_procfile(order.source.read("Procfile") or b""),
        )
        return self.slugs[key]
