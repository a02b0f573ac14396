"""`volumes` and `tmpfs` of a Compose service -> named volumes."""

from __future__ import annotations

import re

from calzion.scaffold.compose.context import Owner
from calzion.scaffold.compose.reading import scalar
from calzion.scaffold.naming import free, label
from calzion.scaffold.tree import joined
from calzion.template.data import Data

APP = "/app"
_HOST = ("/", ".", "~", "$")


def volumes(service: dict[str, Data], roots: tuple[str, ...], owner: Owner) -> dict[str, str]:
    """Name -> path inside. Bind mounts and temporary file systems are left, and said.

    `roots` are the directories in which the container has the code of the app.
    """
    found: dict[str, str] = {}
    items = service.get("volumes")
    for item in items if isinstance(items, list) else ():
        kind, source, target = _long(item, owner) if isinstance(item, dict) else _short(item, owner)
        target = moved(target.rstrip("/") or target, roots)
        if kind == "bind":
            owner.leave(f"the bind mount of {source} at {target}: {_instead(target)}")
        elif kind != "volume":
            owner.leave(f"the {kind} mount at {target}")
        elif _belongs_to_code(target) and not source:
            owner.leave(f"the volume at {target}: what is there comes from the build")
        elif target in found.values():
            owner.leave(f"the second volume at {target}")
        else:
            found[free(label(source or target, "data"), found)] = target
    if service.get("tmpfs"):
        owner.leave("tmpfs: /tmp of an instance is its own and goes with it")
    return found


def code_roots(service: dict[str, Data], directory: str, owner: Owner) -> tuple[str, ...]:
    """Where bind mounts put the code of the app that is in `directory`."""
    items = service.get("volumes")
    found = []
    for item in items if isinstance(items, list) else ():
        kind, source, target = _long(item, owner) if isinstance(item, dict) else _short(item, owner)
        if kind == "bind" and joined(owner.context.directory, source) == directory and target.startswith("/"):
            found.append(target.rstrip("/"))
    return tuple(root for root in found if root)


def moved(text: str, roots: tuple[str, ...]) -> str:
    """`text` with paths below the `roots` where an app has its code here."""
    for root in roots:
        text = re.sub(rf"(?<![\w./-]){re.escape(root)}(?=/|$|\s)", APP, text)
    return text


def _short(item: Data, owner: Owner) -> tuple[str, str, str]:
    """(kind, source, target) of SOURCE:TARGET[:MODE] or TARGET."""
    written = scalar(item) or ""
    text = owner.fixed(written)
    if text is None:
        return "bind", written, ""
    source, colon, rest = text.partition(":")
    if not colon:
        return "volume", "", source
    return ("bind" if source.startswith(_HOST) or "/" in source else "volume"), source, rest.partition(":")[0]


def _long(item: dict[str, Data], owner: Owner) -> tuple[str, str, str]:
    kind, source, target = (
        owner.fixed(scalar(item.get(key)) or "") or "" for key in ("type", "source", "target")
    )
    return kind or "volume", source, target


def _instead(target: str) -> str:
    if _belongs_to_code(target):
        return "code comes from the commit"
    if target.startswith("/docker-entrypoint-initdb.d"):
        return "see 'initialising databases' in the documentation"
    if target.endswith("docker.sock"):
        return "no service reaches the container engine"
    return "files come from the commit, data lives in a named volume"


def _belongs_to_code(target: str) -> bool:
    return target.startswith(
        ("/app", "/code", "/src", "/usr/src", "/opt/app", "/home/node", "/workspace", "/var/www")
    ) or (target.rpartition("/")[2] in ("node_modules", ".next", ".venv", "venv", "__pycache__"))
