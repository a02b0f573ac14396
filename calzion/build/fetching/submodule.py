"""A submodule with what it holds in turn."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from calzion.build.fetching.failed import NOT_FETCHED, Failed, named
from calzion.build.fetching.gitmodules import join_url
from calzion.build.fetching.limits import Limits
from calzion.build.fetching.place import Place
from calzion.build.fetching.repository import Repository

MAX_LEVELS = 3
MAX_INNER = 50
_URL = re.compile(r"https?://[A-Za-z0-9\[][\x21-\x7e]*")


def place_submodule(
    place: Place, commit: str, into: Path, path: str, limits: Limits, levels: int = MAX_LEVELS
) -> None:
    """Write the files of a commit and of its own submodules. Raises Failed, which names the submodule."""
    with tempfile.TemporaryDirectory(suffix=".git") as git_dir:
        repository = Repository(place, git_dir, limits)
        with named(path):
            repository.checkout(commit, into)
        inner = repository.gitlinks(commit)
        urls = repository.submodule_urls(commit) if inner else {}
    with named(path):
        if inner and levels == 1:
            raise Failed(f"submodules are nested more than {MAX_LEVELS} deep")
        if len(inner) > MAX_INNER:
            raise Failed(f"it has more than {MAX_INNER} submodules")
    for inner_path, inner_commit in inner:
        name = f"{path}/{inner_path}"
        with named(name):
            following = _place(place, urls.get(inner_path, ""))
        place_submodule(following, inner_commit, into / inner_path, name, limits, levels - 1)


def _place(outer: Place, url: str) -> Place:
    if not url:
        raise Failed(".gitmodules names no address for it")
    url = join_url(outer.url, url)
    if not _URL.fullmatch(url) or "@" in urlsplit(url).netloc:
        raise Failed(NOT_FETCHED)
    return outer.at(url)
