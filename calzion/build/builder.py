"""Slugbuilder: source in, slug out, by buildpacks in a sandbox."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from calzion.build.afterwards import Afterwards
from calzion.build.buildpack import DRIVER_INSIDE, Buildpacks
from calzion.build.cache import Caches
from calzion.build.contents import Sealer
from calzion.build.copies import Copies, LookedAt
from calzion.build.detect import Read
from calzion.build.directory import DirectoryTree
from calzion.build.lfs import pointers, remark
from calzion.build.procfile import parse_procfile
from calzion.build.pythondownload import PythonDownloads
from calzion.build.pythons import PythonBuild, Pythons
from calzion.build.recipe import Recipe, Recipes, read_source
from calzion.build.release import MAX_SIZE, Release, parse_release
from calzion.build.remotes import Pinned, Remotes
from calzion.build.sandbox import ENVIRONMENT, OUT
from calzion.build.scratch import Scratch, scratch
from calzion.build.stack import find_uv
from calzion.build.store import SlugStore, bury, remove_tree
from calzion.build.submodules import fetched_submodules, place_submodules, wanted_submodules
from calzion.build.turns import Turns
from calzion.build.verdict import check_size, judge
from calzion.build.workshop import Workshop
from calzion.errors import CalzionError
from calzion.host.pythons import downloads
from calzion.host.sandbox import Mount
from calzion.layout import Layout
from calzion.model import BuildOrder, Cancellation, Pairs, Sink, Slug, SourceTree

SLUG_INSIDE = "/slug"
_FORMAT = 1
_DRIVER = ("/bin/bash", DRIVER_INSIDE)
_NICE = ("/usr/bin/nice", "-n", "19")


@dataclass(frozen=True, kw_only=True)
class SlugBuilder:
    """Implements model.Builder."""

    layout: Layout
    workshop: Workshop
    buildpacks: Buildpacks
    pythons: Pythons
    turns: Turns
    afterwards: Afterwards
    sealer: Sealer

    @cached_property
    def store(self) -> SlugStore:
        return SlugStore(self.layout.slugs, self.layout.builds)

    @cached_property
    def caches(self) -> Caches:
        return Caches(self.layout.caches, self.layout.builds)

    @cached_property
    def remotes(self) -> Remotes:
        copies = Copies(self.layout.buildpacks, self.layout.builds)
        return Remotes(workshop=self.workshop, copies=copies, builds=self.layout.builds)

    @cached_property
    def recipes(self) -> Recipes:
        return Recipes(self.remotes)

    @cached_property
    def foreseen(self) -> Recipes:
        """The same recipes, of which nothing is kept."""
        copies = LookedAt(self.layout.buildpacks, self.layout.builds)
        return Recipes(replace(self.remotes, copies=copies))

    def prepare(self) -> None:
        """Remove what builds left behind that a crash ended. Called once, before the first build.

        Raises CalzionError (unsupported) where builds can't run at all, OSError.
        """
        self.workshop.prepare()
        self.caches.recover()
        remove_tree(self.layout.builds)
        self.layout.builds.mkdir(parents=True, exist_ok=True)

    def key(self, order: BuildOrder) -> str:
        _procfile(order.source)
        python = self._python(order)
        return self._key(order, self.recipes.of(order), python.identity if python else None)

    def foresee(self, order: BuildOrder) -> str:
        _procfile(order.source)
        recipe = self.foreseen.of(order)
        python = self.pythons.foresee(recipe.shipped, order.source.names(), _reader(order.source))
        return self._key(order, recipe, python)

    def _key(self, order: BuildOrder, recipe: Recipe, python: tuple[str, str] | None) -> str:
        parts = [
            _FORMAT,
            order.source.digest,
            self.workshop.stack.name,
            self.buildpacks.digest(recipe),
            sorted(order.environment),
            python,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _python(self, order: BuildOrder) -> PythonBuild | None:
        shipped = self.recipes.of(order).shipped
        return self.pythons.decide(shipped, order.source.names(), _reader(order.source))

    def find(self, key: str) -> Slug | None:
        return self.store.find(key)

    def build(self, order: BuildOrder, sink: Sink, cancellation: Cancellation) -> Slug:
        key = self.key(order)
        found = self.find(key)
        if found:
            return found
        names = frozenset({f"key {key}", f"cache {order.cache}"})
        with self.turns.take(names, sink, order.service, cancellation):
            return self.find(key) or self._attempt(order, key, sink, cancellation)

    def pull(self, reference: str, sink: Sink, cancellation: Cancellation) -> Slug:  # noqa: ARG002  # a Builder's
        raise CalzionError(
            f"the image {reference} needs a container engine, and there is none",
            hint="see 'calzion doctor'",
            code="unsupported",
        )

    def prune(self, slugs: Collection[str], caches: Collection[str]) -> Callable[[], None]:
        unneeded = (*self.store.others(slugs), *self.caches.others(caches))
        graves: list[Path] = []

        def free() -> None:
            for grave in graves:
                remove_tree(grave)

        try:
            graves.extend(bury(path, self.layout.builds) for path in unneeded)
        except OSError:
            free()
            raise
        return free

    def _attempt(self, order: BuildOrder, key: str, sink: Sink, cancellation: Cancellation) -> Slug:
        self.afterwards.stop(order.cache)
        try:
            slug = self._build(order, key, sink, cancellation)
        except (OSError, subprocess.SubprocessError) as error:
            raise CalzionError(
                f"{order.service}: the build could not be carried out: {error}",
                hint="see whether the disk that holds the data directory is full",
                code="build",
            ) from error
        self.afterwards.start(order.cache, lambda stop: self._look_after(order, slug, stop))
        return slug

    def _build(self, order: BuildOrder, key: str, sink: Sink, cancellation: Cancellation) -> Slug:
        recipe = self.recipes.of(order)

        def told(line: str) -> None:
            sink.log(line, source=order.service)

        wanted = wanted_submodules(order.source, order.service)
        for note in recipe.notes():
            told(note)
        python = self._python(order)
        if python and python.choice.note:
            sink.warning(f"{order.service}: {python.choice.note}")
        copies = self.remotes.provide(list(recipe.pinned.values()), cancellation, told)
        submodules = fetched_submodules(
            self.workshop, self.layout.builds, wanted, order.service, cancellation=cancellation, told=told
        )
        with submodules as fetched, scratch(self.layout.builds) as place:
            place.fill(order.environment)
            order.source.export(place.app)
            if pointed := remark(list(pointers(place.app))):
                sink.warning(f"{order.service}: {pointed}")
            place_submodules(fetched, place.app)
            place.hand_over()
            self._run(order, recipe, copies, python, place, cancellation, told)
            return self._store(order, key, place)

    def _run(
        self,
        order: BuildOrder,
        recipe: Recipe,
        copies: Mapping[Pinned, Path],
        python: PythonBuild | None,
        place: Scratch,
        cancellation: Cancellation,
        told: Callable[[str], None],
    ) -> None:
        cache = self.workshop.cache(replaceable=recipe.has_others)
        with self.caches.lend(order.cache, place, cache):
            ending, out_of_memory = self.workshop.run(
                place,
                (*self.buildpacks.mounts(recipe, copies), *(python.mounts if python else ())),
                [*_DRIVER, self.workshop.interpreter, OUT, cache, *self.buildpacks.arguments(recipe)],
                commit=order.source.commit,
                cancellation=cancellation,
                told=told,
                variables=self._variables(python),
                replaceable=recipe.has_others,
            )
        judge(order.service, ending, self.workshop.limits, out_of_memory=out_of_memory)

    def _variables(self, python: PythonBuild | None) -> dict[str, str]:
        return {**python.variables, "CALZION_TOOL_PYTHON": self.workshop.interpreter} if python else {}

    def _store(self, order: BuildOrder, key: str, place: Scratch) -> Slug:
        release = _release(place.out)
        app = place.take_app()
        contents = self.sealer.seal(app)
        check_size(order.service, contents.size, self.workshop.limits)
        return self.store.put(
            Slug(
                key=key,
                digest=contents.digest,
                root=app,
                language=_text(place.out, "language"),
                process_types=_procfile(DirectoryTree(app)) or release.process_types,
                config_vars=release.config_vars,
                size=contents.size,
            )
        )

    def _look_after(self, order: BuildOrder, slug: Slug, stop: Cancellation) -> None:
        """Let the buildpacks prepare their cache for the next build. It may fail or be ended at any time."""
        for program in self.buildpacks.afterwards(self.recipes.of(order)):
            if stop.cancelled():
                return
            with contextlib.suppress(OSError, subprocess.SubprocessError, CalzionError):
                self._prepare_cache(order, slug, program, stop)

    def _prepare_cache(self, order: BuildOrder, slug: Slug, program: str, stop: Cancellation) -> None:
        python = self._python(order)
        with scratch(self.layout.builds) as place:
            place.fill(order.environment)
            place.hand_over()
            cache = self.workshop.cache(replaceable=False)
            with self.caches.lend(order.cache, place, cache):
                self.workshop.run(
                    place,
                    (
                        *self.buildpacks.shipped(self.recipes.of(order)),
                        *(python.mounts if python else ()),
                        *((Mount(source=slug.root, target=SLUG_INSIDE),) if slug.root else ()),
                    ),
                    [*_NICE, program, SLUG_INSIDE, cache, ENVIRONMENT],
                    commit=order.source.commit,
                    cancellation=stop,
                    told=lambda _line: None,
                    variables=self._variables(python),
                )


def slug_builder(
    layout: Layout,
    workshop: Workshop,
    *,
    buildpacks: Path,
    environ: Mapping[str, str],
    parallel: int,
    python_downloads: bool = False,
    idle: float = 2.0,
) -> SlugBuilder:
    """A builder of this installation. `idle` seconds after a build its cache is prepared for the next one."""
    downloader = PythonDownloads(find_uv(), downloads(layout.data), environ) if python_downloads else None
    return SlugBuilder(
        layout=layout,
        workshop=workshop,
        buildpacks=Buildpacks(buildpacks),
        pythons=Pythons(workshop.interpreters, downloader),
        turns=Turns(parallel),
        afterwards=Afterwards(idle),
        sealer=Sealer(),
    )


def _reader(source: SourceTree) -> Read:
    return lambda path: read_source(source, path)


def _procfile(source: SourceTree) -> Pairs:
    content = read_source(source, "Procfile")
    return parse_procfile(content) if content is not None else ()


def _release(out: Path) -> Release:
    try:
        return parse_release(DirectoryTree(out).read("release", MAX_SIZE) or b"")
    except ValueError as error:
        raise CalzionError("the buildpack's bin/release writes too much", code="build") from error


def _text(out: Path, name: str) -> str:
    try:
        content = DirectoryTree(out).read(name, MAX_SIZE) or b""
    except ValueError:
        return ""
    return content.decode("utf-8", "replace").strip()[:100]
