"""What the converters write: requirements, and the options that uv needs beside them."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

_PUBLIC = re.compile(r"pypi(\.python)?\.[a-z]+")


class Options:
    """uv's options for the places that packages come from."""

    def __init__(self, locked: bool) -> None:
        self.lines: list[str] = []
        if locked:
            # Exact versions, most with hashes: it doesn't matter which place has them.
            self.lines += ["--index-strategy", "unsafe-best-match"]

    def add_index(self, name: str, url: str, default: bool = False, trusted: bool = False) -> None:
        """Variables in the address are replaced. The public index is left to the machine's settings."""
        url = os.path.expandvars(url)
        host = urlsplit(url).hostname or ""
        if _PUBLIC.fullmatch(host):
            return
        name = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "index"
        self.lines += ["--default-index" if default else "--index", f"{name}={url}"]
        if trusted:
            self.lines += ["--allow-insecure-host", host]


def write(requirements: list[str], options: Options, *, paths: list[str]) -> None:
    Path(paths[0]).write_text("".join(f"{line}\n" for line in requirements))
    Path(paths[1]).write_text("".join(f"{line}\n" for line in options.lines if "\n" not in line))


def with_hashes(line: str, hashes: list[str]) -> str:
    return " ".join([line, *(f"--hash={digest}" for digest in sorted(set(hashes)))])


def at_git(name: str, url: str, reference: str = "", subdirectory: str = "") -> str:
    """A requirement by PEP 508 for a git repository, whose address may be in scp's form."""
    scp = re.fullmatch(r"(?:git\+)?(?:ssh://)?([\w.-]+@[\w.-]+):(?!\d+/)(.+)", url)
    if scp:
        url = f"ssh://{scp[1]}/{scp[2]}"
    at = f"@{reference}" if reference else ""
    below = f"#subdirectory={subdirectory}" if subdirectory else ""
    return f"{name} @ git+{url.removeprefix('git+')}{at}{below}"


def canonicalize_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def fail(message: str) -> NoReturn:
    sys.exit(message)
