"""Slugbuilder: source in, slug out, by buildpacks in a sandbox."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from calzion.build import passthrough
from calzion.build.buildpack import DRIVER_INSIDE, Buildpacks, inside
from calzion.build.cache import Caches
from calzion.build.child import Ending, run_child
from calzion.build.contents import seal
from calzion.build.detect import detect
from calzion.build.directory import DirectoryTree
from calzion.build.limits import BuildLimits, Enclosure, enclosure
from calzion.build.procfile import parse_procfile
from calzion.build.release import MAX_SIZE, Release, parse_release
from calzion.build.sandbox import OUT, build_arguments, build_environment
from calzion.build.scratch import Scratch, scratch
from calzion.build.stack import Stack
from calzion.build.store import SlugStore, remove_tree
from calzion.build.turns import Turns
from calzion.build.verdict import check_size, judge
from calzion.errors import CalzionError
from calzion.host.cgroup import CgroupTree
from calzion.layout import Layout
from calzion.model import BuildOrder, Cancellation, Pairs, Sink, Slug, SourceTree

CGROUP_TREE = "calzion-builds"
_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class SlugBuilder:
    """Implements model.Builder. `environ` is the server's, of which builds get what passthrough allows."""

    layout: Layout
    limits: BuildLimits
    stack: Stack
    buildpacks: Buildpacks
    turns: Turns
    cgroups: CgroupTree | None
    environ: Mapping[str, str]

    @cached_property
    def store(self) -> SlugStore:
        return SlugStore(self.layout.slugs, self.layout.builds)

    @cached_property
    def caches(self) -> Caches:
        return Caches(self.layout.caches, self.layout.builds)

    def prepare(self) -> None:
        """Remove what builds left behind that a crash ended. Called once, before the first build."""
        self.caches.recover()
        remove_tree(self.layout.builds)
        self.layout.builds.mkdir(parents=True, exist_ok=True)

    def key(self, order: BuildOrder) -> str:
        source = order.source
        names = _buildpacks(source)
        _procfile(source)
        parts = [
            _FORMAT,
            source.digest,
            self.stack.name,
            names,
            self.buildpacks.digest(names),
            sorted(order.environment),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

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

    def _attempt(self, order: BuildOrder, key: str, sink: Sink, cancellation: Cancellation) -> Slug:
        try:
            return self._build(order, key, sink, cancellation)
        except (OSError, subprocess.SubprocessError) as error:
            raise CalzionError(
                f"{order.service}: the build could not be carried out: {error}",
                hint="see whether the disk that holds the data directory is full",
                code="build",
            ) from error

    def _build(self, order: BuildOrder, key: str, sink: Sink, cancellation: Cancellation) -> Slug:
        with scratch(self.layout.builds) as place:
            place.fill(order.environment)
            order.source.export(place.app)
            place.hand_over()
            with (
                self.caches.lend(order.cache, place),
                enclosure(self.limits, self.cgroups, place.root.name) as held,
            ):
                ending = self._run(order, place, held, sink, cancellation)
                out_of_memory = held.ran_out_of_memory()
            judge(order.service, ending, self.limits, out_of_memory=out_of_memory)
            return self._store(order, key, place)

    def _run(
        self, order: BuildOrder, place: Scratch, held: Enclosure, sink: Sink, cancellation: Cancellation
    ) -> Ending:
        names = _buildpacks(order.source)
        passed = passthrough.look(self.environ)
        arguments = build_arguments(
            self.stack,
            place.identity,
            place.rooms(),
            (*self.buildpacks.mounts(names), *passed.mounts, *place.files(passed.files)),
            ["/bin/bash", DRIVER_INSIDE, OUT, *map(inside, names)],
            bwrap=_bwrap(),
            as_root=os.geteuid() == 0,
        )
        return run_child(
            held.wrap(arguments),
            build_environment(self.stack, order.source.commit, passed.environment),
            timeout=self.limits.timeout,
            cancellation=cancellation,
            told=lambda line: sink.log(line, source=order.service),
        )

    def _store(self, order: BuildOrder, key: str, place: Scratch) -> Slug:
        release = _release(place.out)
        app = place.take_app()
        contents = seal(app)
        check_size(order.service, contents.size, self.limits)
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


def slug_builder(
    layout: Layout,
    *,
    buildpacks: Path,
    environ: Mapping[str, str],
    parallel: int,
    timeout: float,
    memory: int,
) -> SlugBuilder:
    """A builder for this machine: looks at its interpreters and control groups, which takes some 50 ms."""
    return SlugBuilder(
        layout=layout,
        limits=BuildLimits(memory=memory, timeout=timeout),
        stack=Stack.look(),
        buildpacks=Buildpacks(buildpacks),
        turns=Turns(parallel),
        cgroups=CgroupTree.find(CGROUP_TREE),
        environ=environ,
    )


def _buildpacks(source: SourceTree) -> tuple[str, ...]:
    return detect(source.names(), lambda path: _read(source, path))


def _procfile(source: SourceTree) -> Pairs:
    content = _read(source, "Procfile")
    return parse_procfile(content) if content is not None else ()


def _read(source: SourceTree, path: str) -> bytes | None:
    try:
        return source.read(path)
    except ValueError as error:
        raise CalzionError(f"{path} is too large to be read", code="build") from error


def _release(out: Path) -> Release:
    try:
        return parse_release(DirectoryTree(out).read("release", MAX_SIZE) or b"")
    except ValueError as error:
        raise CalzionError("the buildpack's bin/release writes too much", code="build") from error


def _text(out: Path, name: str) -> str:
    content = DirectoryTree(out).read(name) or b""
    return content.decode("utf-8", "replace").strip()[:100]


def _bwrap() -> str:
    program = shutil.which("bwrap")
    if program is None:
        raise CalzionError(
            "builds need bubblewrap, which is not installed",
            hint="install it ('apt-get install bubblewrap'), then push again; see 'calzion doctor'",
            code="unsupported",
        )
    return program
