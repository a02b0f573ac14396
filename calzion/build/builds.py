"""All kinds of builds behind one door."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from calzion.build.builder import SlugBuilder
from calzion.build.dockerfiles import Dockerfiles
from calzion.model import BuildOrder, Cancellation, Sink, Slug


@dataclass(frozen=True, kw_only=True)
class Builds:
    """Implements model.Builder: what has a Dockerfile becomes an image, everything else a slug, in one store."""

    slugs: SlugBuilder
    dockerfiles: Dockerfiles

    def key(self, order: BuildOrder) -> str:
        return self.dockerfiles.key(order) if order.dockerfile else self.slugs.key(order)

    def foresee(self, order: BuildOrder) -> str:
        return self.dockerfiles.key(order) if order.dockerfile else self.slugs.foresee(order)

    def find(self, key: str) -> Slug | None:
        """An image that the engine lost was not built."""
        found = self.slugs.find(key)
        return None if found and found.image and not self.dockerfiles.is_there(found) else found

    def build(self, order: BuildOrder, sink: Sink, cancellation: Cancellation) -> Slug:
        builder = self.dockerfiles if order.dockerfile else self.slugs
        return builder.build(order, sink, cancellation)

    def prune(self, slugs: Collection[str], caches: Collection[str]) -> Callable[[], None]:
        images = [slug.key for slug in self.slugs.store.list() if slug.image and slug.key not in slugs]
        free = self.slugs.prune(slugs, caches)

        def free_all() -> None:
            free()
            for key in images:
                self.dockerfiles.remove(key)

        return free_all
