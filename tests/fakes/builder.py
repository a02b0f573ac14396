"""A builder in memory, where building takes no time. It passes the contract suite, so that tests of what stands above
it can trust it."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from calzion.build.detect import detect
from calzion.build.gittree import FILE, blob_id, tree_id
from calzion.build.procfile import parse_procfile
from calzion.build.recipe import read_source
from calzion.build.turns import Turns
from calzion.errors import CalzionError
from calzion.model import BuildOrder, Cancellation, Pairs, Sink, Slug, SourceTree, Submodule
from calzion.template.buildpack import parse_buildpacks

OWN_COMPILE = "pack/bin/compile"
"""Where a source may bring a program of its own that builds it."""


@dataclass(frozen=True)
class FakeTree:
    """The code of an app whose only file is a Procfile."""

    procfile: str
    commit: str = ""

    @cached_property
    def digest(self) -> str:
        return tree_id({b"Procfile": (FILE, blob_id(len(self._content), [self._content]))})

    @property
    def _content(self) -> bytes:
        return self.procfile.encode()

    def names(self) -> tuple[str, ...]:
        return ("Procfile",)

    def read(self, path: str, limit: int = 1 << 20) -> bytes | None:
        if path != "Procfile":
            return None
        if len(self._content) > limit:
            raise ValueError(f"{path} is larger than {limit} bytes")
        return self._content

    def submodules(self) -> tuple[Submodule, ...]:
        return ()

    def export(self, destination: Path) -> None:
        (destination / "Procfile").write_bytes(self._content)


@dataclass(frozen=True, kw_only=True)
class Compilation:
    """What a program that builds does: it writes `lines`, then fails, or waits until it is cancelled, or is done."""

    lines: tuple[str, ...] = ()
    fails: bool = False
    waits: bool = False


class FakeBuilder:
    """`compilations` says what the programs do that sources bring along; `slugs` and `caches` are what it keeps."""

    def __init__(self, directory: Path, compilations: Mapping[bytes, Compilation] | None = None) -> None:
        self.directory = directory
        self.compilations = dict(compilations or {})
        self.slugs: dict[str, Slug] = {}
        self.caches: set[str] = set()
        self.registry: dict[str, Slug] = {}
        """What references lead to now."""
        self._turns = Turns(parallel=16)
        self.graves = 0

    def key(self, order: BuildOrder) -> str:
        _procfile(order.source)
        parts = [order.source.digest, sorted(order.environment), _buildpacks(order)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def foresee(self, order: BuildOrder) -> str:
        return self.key(order)

    def find(self, key: str) -> Slug | None:
        return self.slugs.get(key)

    def pull(self, reference: str, sink: Sink, cancellation: Cancellation) -> Slug:
        if reference not in self.registry:
            raise CalzionError(f"{reference} can't be pulled: there is none", code="build")
        sink.step(f"Pulling {reference}")
        slug = self.registry[reference]
        return self.slugs.setdefault(slug.key, slug)

    def prune(self, slugs: Collection[str], caches: Collection[str]) -> Callable[[], None]:
        gone = [slug for key, slug in self.slugs.items() if key not in slugs]
        self.slugs = {key: slug for key, slug in self.slugs.items() if key in slugs}
        self.caches &= set(caches)
        for slug in gone:
            if slug.root:
                shutil.rmtree(slug.root)
        self.graves += 1
        return self._free

    def _free(self) -> None:
        self.graves -= 1

    def build(self, order: BuildOrder, sink: Sink, cancellation: Cancellation) -> Slug:
        key = self.key(order)
        found = self.find(key)
        if found:
            return found
        names = frozenset({f"key {key}", f"cache {order.cache}"})
        with self._turns.take(names, sink, order.service, cancellation):
            return self.find(key) or self._build(order, key, sink, cancellation)

    def _build(self, order: BuildOrder, key: str, sink: Sink, cancellation: Cancellation) -> Slug:
        own = order.source.read(OWN_COMPILE) or b""
        program = self.compilations.get(own, Compilation(lines=("built",)))
        self.caches.add(order.cache)
        for line in program.lines:
            sink.log(line, source=order.service)
        if program.waits:
            _wait(cancellation)
            raise CalzionError(f"{order.service}: the build was cancelled", code="cancelled")
        if program.fails:
            message = f"{order.service}: build failed (exit code 1)"
            raise CalzionError(message, code="build", detail=list(program.lines))
        root = self.directory / key
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        order.source.export(root)
        self.slugs[key] = Slug(
            key=key,
            digest=order.source.digest,
            root=root,
            language="Procfile",
            process_types=_procfile(order.source),
            size=sum(path.stat().st_size for path in root.rglob("*") if path.is_file()),
        )
        return self.slugs[key]


def _procfile(source: SourceTree) -> Pairs:
    return parse_procfile(read_source(source, "Procfile") or b"")


def _buildpacks(order: BuildOrder) -> list[str]:
    entries = order.buildpacks
    try:
        if entries is None:
            entries = detect(order.source.names(), lambda path: read_source(order.source, path))
    except CalzionError as error:
        raise CalzionError(f"{order.service}: {error.message}", hint=error.hint, code=error.code) from None
    return [reference.label for reference in parse_buildpacks(entries, "buildpacks")]


def _wait(cancellation: Cancellation) -> None:
    cancelled = threading.Event()
    forget = cancellation.on_cancel(cancelled.set)
    cancelled.wait()
    forget()
