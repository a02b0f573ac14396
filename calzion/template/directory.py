"""Paths in a repository: an app's directory, another template file."""

from __future__ import annotations

import posixpath

from calzion.template.data import Data, shown
from calzion.template.problem import Misfit
from calzion.template.text import text

_MAX_PATH = 1024


def directory(value: Data) -> str:
    """A relative directory without `.`, empty parts and slashes at the end; `.` is the repository's root.

    Raises Misfit for anything that could lead out of the repository.
    """
    path = text(value, "a directory of the repository (. is its root)")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/"):
        raise Misfit(f"{shown(path)} is absolute: name a directory of the repository, such as . or web")
    if ".." in parts:
        raise Misfit(f"{shown(path)} leads out of the directory: '..' is not allowed")
    if len(path) > _MAX_PATH or any(not part.isprintable() for part in parts):
        raise Misfit(f"{shown(path)} is no directory: it is too long, or holds control characters")
    return "/".join(parts) or "."


def directory_of_client(value: Data) -> str:
    """A directory as whoever has the files may name it: it may lead out of the repository. Raises Misfit."""
    path = text(value, "a directory (. is the repository's root)")
    directory(within(path))
    return posixpath.normpath(path)


def within(path: str) -> str:
    """The same directory without its way out of the repository: what a server is told of ../api is api."""
    return "/".join(part for part in path.split("/") if part != "..") or "."


def template_path(value: Data) -> str:
    """A file of the repository, relative to its root. Raises Misfit."""
    path = directory(text(value, "a template file of the repository"))
    if path == ".":
        raise Misfit("'.' is a directory: name a template file of the repository")
    return path
