"""What the keys of one service mean for each other. Takes data of any shape, so that all mistakes show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from calzion.template.data import Data, shown
from calzion.template.problem import Path, Problem

Keys = dict[str, Data]


def broken_rules(keys: Keys, at: Path) -> Iterator[Problem]:
    """The problems between the keys of the service that stands at the path `at`."""
    yield from _pairs(keys, at)
    yield from _health(keys, at)
    yield from _repeated(keys, at)
    yield from _shared_paths(keys, at)


NOT_TOGETHER = (
    ("image", "git", "a service has either 'image' or 'git', not both"),
    ("image", "build", "a service has either 'image' or 'build', not both"),
    ("build", "git", "a service has either 'build' or 'git', not both"),
    ("port", "ports", "write either 'port' or 'ports', not both"),
    ("entrypoint", "git", "'entrypoint' belongs to an image; an app has 'cmd' and its Procfile"),
)

BUILT = ("git", "build")

FOR_APPS = (
    ("processes", "'processes' are those of a Procfile; only a service with 'git' has one"),
    ("buildpacks", "'buildpacks' build an app; only a service with 'git' is one"),
)


def _pairs(keys: Keys, at: Path) -> Iterator[Problem]:
    for one, other, sentence in NOT_TOGETHER:
        if one in keys and other in keys:
            yield Problem(sentence=sentence, path=(*at, one), on_key=True)
    if "build_env" in keys and not any(key in keys for key in BUILT):
        sentence = "'build_env' is for the build of an app; only a service with 'git' or 'build' has one"
        yield Problem(sentence=sentence, path=(*at, "build_env"), on_key=True)
    for key, sentence in FOR_APPS:
        if key in keys and "git" not in keys:
            yield Problem(sentence=sentence, path=(*at, key), on_key=True)
    if keys.get("buildpacks") == []:
        yield Problem(
            sentence="no buildpack is named: leave 'buildpacks' out to detect it", path=(*at, "buildpacks")
        )
    if keys.get("processes") == []:
        sentence = "no process type would run: name some, or leave 'processes' out"
        yield Problem(sentence=sentence, path=(*at, "processes"))


def _health(keys: Keys, at: Path) -> Iterator[Problem]:
    check = keys.get("healthcheck")
    if isinstance(check, str):
        check = {"path": check}
    if not isinstance(check, dict):
        return
    where = (*at, "healthcheck")
    if "cmd" in check:
        for other in ("path", "port"):
            if other in check:
                sentence = f"a health check has either 'cmd' or '{other}', not both"
                yield Problem(sentence=sentence, path=(*where, other), on_key=True)
    elif "path" in check and keys.get("ports") in ({}, []):
        yield Problem(sentence="a health check with a path needs a port; 'ports' is empty", path=where)
    port, names = check.get("port"), _port_names(keys)
    if isinstance(port, str) and names is not None and port not in names:
        sentence = f"the service has no port named {shown(port)}"
        yield Problem(sentence=sentence, path=(*where, "port"), word=port, allowed=names)


def _port_names(keys: Keys) -> tuple[str, ...] | None:
    """None where they can't be known."""
    ports = keys.get("ports", {})
    if not isinstance(ports, dict | list):
        return None
    return tuple(name for name in ports if isinstance(name, str))


def _repeated(keys: Keys, at: Path) -> Iterator[Problem]:
    for key in ("ports", "processes", "buildpacks", "build_env", "require"):
        items = keys.get(key)
        seen: set[str] = set()
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, str) and item in seen:
                yield Problem(sentence=f"{shown(item)} stands twice in this list", path=(*at, key, index))
            elif isinstance(item, str):
                seen.add(item)


def _shared_paths(keys: Keys, at: Path) -> Iterator[Problem]:
    volumes = keys.get("volumes")
    if not isinstance(volumes, dict):
        return
    counts = Counter(path for path in volumes.values() if isinstance(path, str))
    for name, path in volumes.items():
        if isinstance(path, str) and counts[path] > 1:
            yield Problem(sentence=f"two volumes have the path {shown(path)}", path=(*at, "volumes", name))
