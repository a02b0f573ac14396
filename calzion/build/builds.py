"""All kinds of builds behind one door."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from calzion.build.builder import SlugBuilder
from calzion.build.dockerfiles import LANGUAGE, Dockerfiles
from calzion.build.pulled import PulledImages
from calzion.model import BuildOrder, Cancellation, Sink, Slug


@dataclass(frozen=True, kw_only=True)
class Builds:
    """Implements model.Builder: what has a Dockerfile becomes an image, other code a slug, in one store.

    What is `pulled` is kept there, too. `keep_copies` has nothing but these slugs kept where they were copied to.
    """

    slugs: SlugBuilder
    dockerfiles: Dockerfiles
    pulled: PulledImages
    keep_copies: Callable[[Callable[[str], bool]], None]

    def key(self, order: BuildOrder) -> str:
        return self.dockerfiles.key(order) if order.dockerfile else self.slugs.key(order)

    def foresee(self, order: BuildOrder) -> str:
        return self.dockerfiles.key(order) if order.dockerfile else self.slugs.foresee(order)

    def find(self, key: str) -> Slug | None:
        """An image that the engine lost was not built; one that was pulled can be had again."""
        found = self.slugs.find(key)
        return None if found and _is_built(found) and not self.dockerfiles.is_there(found) else found

    def build(self, order: BuildOrder, sink: Sink, cancellation: Cancellation) -> Slug:
        builder = self.dockerfiles if order.dockerfile else self.slugs
        return builder.build(order, sink, cancellation)

    def pull(self, reference: str, sink: Sink, cancellation: Cancellation) -> Slug:
        return self.pulled.pull(reference, sink, cancellation)

    def prune(self, slugs: Collection[str], caches: Collection[str]) -> Callable[[], None]:
        images = [slug.key for slug in self.slugs.store.list() if _is_built(slug) and slug.key not in slugs]
        free = self.slugs.prune(slugs, caches)

        def free_all() -> None:
            free()
            for key in images:
                self.dockerfiles.remove(key)
            self.pulled.remove_unneeded()
            # A build may have brought one of them back meanwhile.
            self.keep_copies(lambda key: self.slugs.store.find(key) is not None)

        return free_all


def _is_built(slug: Slug) -> bool:
    return bool(slug.image) and slug.language == LANGUAGE
