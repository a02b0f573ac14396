"""`volumes` and `tmpfs` of a Compose service -> named volumes."""

from __future__ import annotations

import re

from calzion.scaffold.compose.context import Owner
from calzion.scaffold.compose.mounts import BIND, VOLUME, Mount, mounts
from calzion.scaffold.naming import free, label
from calzion.scaffold.tree import joined
from calzion.template.data import Data

APP = "/app"
_CODE = frozenset({APP, "/code", "/src", "/usr/src/app", "/opt/app", "/workspace", "/var/www/html"})
_INITIAL = "/docker-entrypoint-initdb.d"
_MADE_BY_BUILDS = re.compile(r".*/(?:node_modules|\.next|\.venv|venv|__pycache__)")


def volumes(service: dict[str, Data], roots: tuple[str, ...], owner: Owner) -> dict[str, str]:
    """Name -> path inside. A bind mount of data becomes a volume too; others are left, and said.

    `roots` are the directories in which the container of an app has its code.
    """
    found: dict[str, str] = {}
    for mount in mounts(service, owner):
        target = moved(mount.target, roots)
        name = free(label(mount.source or target, "data"), found)
        if mount.kind == BIND and _is_data(mount, target, owner):
            owner.decide(f"the bind mount of {mount.source} at {target} is a volume, which begins empty")
            found[name] = target
        elif mount.kind == BIND:
            owner.leave(f"the bind mount of {mount.source} at {target}: {_instead(target)}")
        elif mount.kind != VOLUME:
            owner.leave(f"the {mount.kind} mount at {target}")
        elif _MADE_BY_BUILDS.fullmatch(target) or (not mount.source and _is_code(target)):
            owner.leave(f"the volume at {target}: what is there comes from the build")
        elif target in found.values():
            owner.leave(f"the second volume at {target}")
        else:
            found[name] = target
    if service.get("tmpfs"):
        owner.leave("tmpfs: /tmp of an instance is its own and goes with it")
    return found


def code_roots(service: dict[str, Data], directory: str, owner: Owner) -> tuple[str, ...]:
    """Where bind mounts put the code of the app that is in `directory`."""
    found = (
        mount.target
        for mount in mounts(service, owner)
        if mount.kind == BIND and joined(owner.context.directory, mount.source) == directory
    )
    return tuple(root for root in found if root.startswith("/") and root != "/")


def moved(text: str, roots: tuple[str, ...]) -> str:
    """`text` with paths below the `roots` where an app has its code here."""
    for root in roots:
        text = re.sub(rf"(?<![\w./-]){re.escape(root)}(?=/|$|\s)", APP, text)
    return text


def _is_data(mount: Mount, target: str, owner: Owner) -> bool:
    """Whether the service writes there: nothing of the repository is there, or a database keeps its data in it."""
    path = joined(owner.context.directory, mount.source)
    tree = owner.context.tree
    if not target.startswith("/") or target.startswith(_INITIAL) or _is_code(target) or "." in _last(target):
        return False
    if owner.data:
        return path is None or tree.read(path) is None
    return path is not None and tree.read(path) is None and not tree.names(path)


def _instead(target: str) -> str:
    if _is_code(target):
        return "code comes from the commit"
    if target.startswith(_INITIAL):
        return "see 'initialising databases' in the documentation"
    if target.endswith("docker.sock"):
        return "no service reaches the container engine"
    return "files come from the commit, data lives in a named volume"


def _is_code(path: str) -> bool:
    """Whether it is a directory in which images have the code of an app by habit."""
    return path in _CODE


def _last(path: str) -> str:
    return path.rpartition("/")[2]
