"""Where the submodules of a commit come from: .gitmodules, which is as hostile as the rest of a push."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator

from calzion.build.fetching.gitmodules import urls_by_path
from calzion.errors import CalzionError
from calzion.gitreceive.entries import Entry
from calzion.gitreceive.git import Git
from calzion.model import Submodule

GITMODULES = ".gitmodules"
MAX_SIZE = 64 * 1024
_SECONDS = 10


def submodules(entries: Iterable[Entry], directory: str, settings: bytes) -> Iterator[Submodule]:
    """The gitlinks among `entries` of `directory`, with the addresses that `settings` name for their paths."""
    urls = urls_by_path(settings)
    for entry in entries:
        if entry.is_submodule:
            path = os.fsdecode(entry.path)
            url = urls.get(f"{directory}/{path}" if directory else path, "")
            yield Submodule(path=path, commit=entry.object_id, url=url)


def list_settings(git: Git, content: bytes) -> bytes:
    """What git reads in a .gitmodules: `key NEWLINE value NUL` each. Raises CalzionError where it can't be read."""
    try:
        done = subprocess.run(
            git.list_settings(),
            input=content,
            capture_output=True,
            env=git.environment(),
            timeout=_SECONDS,
            check=True,
        )
    except subprocess.SubprocessError as error:
        raise CalzionError(
            f"{GITMODULES} can't be read", hint="see 'git config -f .gitmodules --list'"
        ) from error
    return done.stdout
