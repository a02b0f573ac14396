"""Images that were pulled: kept as slugs, had again where they are gone, and removed when no release needs them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from docker.errors import APIError

from calzion.backends.docker.engine import Engine, explain, reachable
from calzion.backends.docker.pull import Logins, Puller
from calzion.build.store import SlugStore
from calzion.errors import CalzionError
from calzion.images.exposed import exposed_ports
from calzion.model import Cancellation, Sink, Slug
from calzion.template.image import ImageReference

LANGUAGE = "image"


class PulledImages:
    """Those of one installation. A tag of our own tells what it pulled from what the engine had before.

    The tag keeps an image from those who clean up what has no name, too.
    """

    def __init__(self, engine: Engine, store: SlugStore, logins: Logins) -> None:
        self._engine = engine
        self._store = store
        self._puller = Puller(engine=engine, logins=logins)
        self._lock = threading.Lock()
        self._pulling = 0

    def pull(self, reference: str, sink: Sink, cancellation: Cancellation) -> Slug:
        """See model.Builder.pull. Where the registry fails, what the engine has of that name serves."""
        sink.step(f"Pulling {reference}")
        wanted = ImageReference.parse(reference)
        with self._under_way():
            slug = self._store.put(self._have(wanted, sink, cancellation))
        sink.log(slug.digest or slug.image)
        return slug

    def restore(self, image: str) -> None:
        """Have an image again that somebody removed from the engine. Raises CalzionError (start, build)."""
        slug = self._store.find(image.removeprefix("sha256:"))
        if slug is None or not slug.digest:
            raise CalzionError(
                f"its image {image[:19]} was removed from the engine, and no registry is known to have it",
                hint="build or load it again, and 'calzion redeploy' the deployment with --rebuild",
                code="start",
            )
        with self._under_way():
            self._fetch(ImageReference.parse(slug.digest), lambda _line: None)

    def remove_unneeded(self) -> None:
        """Remove what was pulled here, has no slug any more, and serves nobody else."""
        with self._lock:
            if self._pulling:
                return  # the slug of what is being pulled is not there yet
            with contextlib.suppress(APIError, CalzionError), reachable():
                # A listing by a name tells of no other names.
                for listed in self._engine.api.images(filters={"reference": self._own}):
                    if image := self._puller.look(listed["Id"]):
                        self._remove(image)

    @property
    def _own(self) -> str:
        return f"calzion/pulled-{self._engine.installation}"

    @contextlib.contextmanager
    def _under_way(self) -> Iterator[None]:
        with self._lock:
            self._pulling += 1
        try:
            yield
        finally:
            with self._lock:
                self._pulling -= 1

    def _have(self, wanted: ImageReference, sink: Sink, cancellation: Cancellation) -> Slug:
        try:
            pinned = self._fetch(wanted, sink.log, cancellation)
        except CalzionError as error:
            found = self._puller.look(str(wanted)) if error.code == "build" else None
            if found is None:
                raise
            sink.warning(f"{error.message}; what the engine has under that name is used")
            return slug_of(found, next(iter(_digests(found)), ""))
        found = self._puller.look(str(pinned))
        if found is None:
            raise CalzionError(
                f"{wanted} was removed right after it was pulled", hint="push again", code="build"
            )
        return slug_of(found, str(pinned))

    def _fetch(
        self, wanted: ImageReference, told: Callable[[str], None], cancellation: Cancellation | None = None
    ) -> ImageReference:
        with self._engine_errors(wanted):
            before = set(self._engine.api.images(quiet=True, all=True))
            pinned = self._puller.pull(wanted, told, cancellation)
            found = self._puller.look(str(pinned))
            if found and found["Id"] not in before:
                self._engine.api.tag(found["Id"], self._own, found["Id"].removeprefix("sha256:"))
            return pinned

    @contextlib.contextmanager
    def _engine_errors(self, wanted: ImageReference) -> Iterator[None]:
        try:
            with reachable():
                yield
        except APIError as error:
            raise CalzionError(f"{wanted} can't be pulled: {explain(error)}", code="build") from error

    def _remove(self, image: Mapping[str, Any]) -> None:
        tags, api = [*image["RepoTags"]], self._engine.api
        keys = {tag: tag.rpartition(":")[2] for tag in tags if tag.startswith(f"{self._own}:")}
        if any(self._store.find(key) for key in keys.values()):
            return
        if api.containers(all=True, filters={"ancestor": image["Id"]}):
            return
        # Others' names for it stay, and so does the image then.
        names = [*(_digests(image) if len(tags) == len(keys) else ()), *keys]
        for name in names:
            with contextlib.suppress(APIError):
                api.remove_image(name)


def slug_of(image: Mapping[str, Any], digest: str) -> Slug:
    """What there is to know of an image that an engine has (GET /images/NAME/json)."""
    config = image.get("Config") or {}
    return Slug(
        key=image["Id"].removeprefix("sha256:"),
        digest=digest,
        root=None,
        language=LANGUAGE,
        process_types=(),
        size=int(image["Size"]),
        image=image["Id"],
        ports=exposed_ports(image),
        volumes=tuple(sorted(config.get("Volumes") or ())),
    )


def _digests(image: Mapping[str, Any]) -> list[str]:
    return [each for each in image["RepoDigests"] or () if not each.startswith("<none>")]
