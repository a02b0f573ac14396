"""What a .gitmodules says. Nothing but the address is taken from it: the path is the tree's own, names are not used."""

from __future__ import annotations

import os
from urllib.parse import urlsplit


def urls_by_path(listing: bytes) -> dict[str, str]:
    """Read the output of `git config --null --list` about a .gitmodules; of equal settings the last one counts."""
    modules: dict[str, dict[str, str]] = {}
    for item in os.fsdecode(listing).split("\0"):
        key, _, value = item.partition("\n")
        section, _, variable = key.rpartition(".")
        if section.startswith("submodule."):
            modules.setdefault(section, {})[variable] = value
    return {facts["path"]: facts["url"] for facts in modules.values() if "path" in facts and "url" in facts}


def join_url(base: str, url: str) -> str:
    """An address that begins with ./ or ../ counts from `base`, as git-submodule(1) says."""
    if not url.startswith(("./", "../")):
        return url
    parts = urlsplit(base)
    path = parts.path.rstrip("/").split("/")
    for part in url.split("/"):
        if part == "..":
            path = path[:-1]
        elif part not in ("", "."):
            path.append(part)
    return f"{parts.scheme}://{parts.netloc}/" + "/".join(part for part in path if part)
