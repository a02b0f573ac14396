"""Building the images that are missing, by an engine, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from calzion.errors import CalzionError
from calzion.images.context import context
from calzion.images.debian import bootstrap
from calzion.images.present import look_for
from calzion.images.recipe import BASE, SUITE, Recipe, with_bases
from calzion.images.sources import host_sources

if TYPE_CHECKING:
    from docker.api.client import APIClient

BOOTSTRAPPED = f"calzion/base:{SUITE}"
PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
"""Engines give these to builds and keep them out of the image and its history."""

_LABEL = "calzion.image"
_KEPT = 30


@dataclass(frozen=True, kw_only=True)
class State:
    """What the engine has of an image: `size` in bytes is that of all its layers, None where it is not there."""

    name: str
    tag: str
    id: str = ""
    size: int | None = None


@dataclass(frozen=True, kw_only=True)
class Built(State):
    """`seconds` is None where it was there already."""

    seconds: float | None = None


Told = Callable[[str, str], None]
"""Gets an image's name and a line of what happens to it."""


@dataclass(frozen=True, kw_only=True)
class ImageBuilder:
    """`client` is the engine's; `environ` is that of whoever builds, whose proxies and mirrors are used."""

    client: APIClient
    environ: Mapping[str, str] = field(repr=False)
    told: Told

    def states(self, names: Iterable[str]) -> list[State]:
        """What is there of these images and of those that they build on, in order."""
        return [self._state(recipe) for recipe in with_bases(names)]

    def build(self, names: Iterable[str]) -> Iterator[Built]:
        """Have these images and what they build on; each is told of when it is there.

        Raises CalzionError (unsupported, failed), OSError, and the engine's own errors.
        """
        for recipe in with_bases(names):
            before, began = self._state(recipe), time.monotonic()
            if before.size is None:
                self._build(recipe)
                after = self._state(recipe)
                yield Built(**vars(after), seconds=time.monotonic() - began)
            else:
                yield Built(**vars(before))

    def _state(self, recipe: Recipe) -> State:
        found = look_for(self.client, recipe.tag)
        if found is None:
            return State(name=recipe.name, tag=recipe.tag)
        return State(name=recipe.name, tag=recipe.tag, id=str(found["Id"]), size=int(found["Size"]))

    def _build(self, recipe: Recipe) -> None:
        sources = host_sources()
        base = recipe.base.tag if recipe.base else self._base(recipe.name, sources)
        with context(recipe) as file:
            answers = self.client.build(
                fileobj=file,
                custom_context=True,
                tag=recipe.tag,
                buildargs={
                    "BASE": base,
                    **self._proxies(),
                    **({"DEBIAN_SOURCES": sources} if sources else {}),
                },
                labels={_LABEL: recipe.name},
                rm=True,
                forcerm=True,
                decode=True,
            )
            self._follow(recipe.name, answers)

    def _follow(self, name: str, answers: Iterable[dict[str, Any]]) -> None:
        lines: list[str] = []
        for answer in answers:
            for line in str(answer.get("stream", "")).splitlines():
                if line.strip():
                    lines = [*lines[1 - _KEPT :], line.rstrip()]
                    self.told(name, line.rstrip())
            if "error" in answer:
                raise CalzionError(
                    f"the image {name} could not be built: {answer['error']}",
                    hint="the lines above it say why; it needs a mirror of Debian's packages",
                    detail=lines,
                )

    def _proxies(self) -> dict[str, str]:
        names = (*PROXIES, *(name.upper() for name in PROXIES))
        return {name: self.environ[name] for name in names if self.environ.get(name)}

    def _base(self, name: str, sources: str) -> str:
        """BASE where it is there or can be pulled, else one that is made here."""
        if look_for(self.client, BASE) or self._pull(name):
            return BASE
        if not look_for(self.client, BOOTSTRAPPED):
            with TemporaryDirectory(prefix="calzion-base-") as directory:
                archive = Path(directory) / "base.tar"
                bootstrap(archive, sources, self.environ, lambda line: self.told(name, line))
                self.told(name, "importing it")
                repository, _, tag = BOOTSTRAPPED.partition(":")
                self.client.import_image_from_file(str(archive), repository=repository, tag=tag)
        return BOOTSTRAPPED

    def _pull(self, name: str) -> bool:
        from docker.errors import APIError

        self.told(name, f"pulling {BASE}")
        try:
            for answer in self.client.pull(BASE, stream=True, decode=True):
                if "error" in answer:
                    self.told(name, f"it can't be pulled: {answer['error']}")
                    return False
        except APIError as error:
            self.told(name, f"it can't be pulled: {error.explanation}")
            return False
        return True
