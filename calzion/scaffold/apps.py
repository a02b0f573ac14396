"""Which directories of a repository are apps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from calzion.build.detect import detect
from calzion.build.procfile import parse_procfile
from calzion.errors import CalzionError
from calzion.model import Pairs
from calzion.scaffold.tree import ROOT, Tree, below

_DEEPEST = 4
_MOST = 2000
"""Directories that are looked into."""

_SKIPPED = re.compile(
    r"\..*|node_modules|bower_components|vendor|venv|env|virtualenv|site-packages|dist|build|target|tests?|fixtures|docs?"
)
"""Directories that hold other people's code, or none that runs."""

_APART = re.compile(r"console|shell|bash|repl|irb|psql|rake|tests?|dev|debug|seed|setup|task|manage")
"""Process types that someone runs when they are needed; none of them is to run always."""


@dataclass(frozen=True, kw_only=True)
class App:
    """`procfile` is empty where there is none; `problem` says what is wrong with one."""

    directory: str
    procfile: Pairs = ()
    problem: str = ""

    @property
    def always(self) -> tuple[str, ...]:
        """The process types that run always."""
        return tuple(name for name, _ in self.procfile if name != "release" and not _APART.fullmatch(name))

    @property
    def apart(self) -> tuple[str, ...]:
        """Those that look as if they should not, unless there is nothing else."""
        return tuple(name for name, _ in self.procfile if _APART.fullmatch(name)) if self.always else ()


def detected(tree: Tree, directory: str) -> tuple[str, ...]:
    """The buildpacks that know what to do with the directory; empty where none does."""
    try:
        return detect(tree.names(directory), lambda path: tree.read(below(directory, path)))
    except CalzionError:
        return ()


def is_app(tree: Tree, directory: str) -> bool:
    return bool(detected(tree, directory))


def read_app(tree: Tree, directory: str) -> App:
    content = tree.read(below(directory, "Procfile"))
    if content is None:
        return App(directory=directory)
    try:
        return App(directory=directory, procfile=parse_procfile(content))
    except CalzionError as error:
        lines = error.detail if isinstance(error.detail, list) else []
        return App(directory=directory, problem="; ".join([error.message, *map(str, lines[:3])]))


def find_apps(tree: Tree) -> list[App]:
    """The directories with a Procfile; without any the root; else those right below it that a buildpack knows."""
    found = [directory for directory in _directories(tree) if "Procfile" in tree.names(directory)]
    if not found and is_app(tree, ROOT):
        found = [ROOT]
    if not found:
        found = [directory for directory in _below_root(tree) if is_app(tree, directory)]
    return [read_app(tree, directory) for directory in found]


def _directories(tree: Tree) -> Iterator[str]:
    """The root, and what is below it: nearest first, without what holds other people's code."""
    waiting = [ROOT]
    seen = 0
    while waiting and seen < _MOST:
        directory = waiting.pop(0)
        seen += 1
        yield directory
        if directory == ROOT or directory.count("/") < _DEEPEST - 1:
            waiting += _inside(tree, directory)


def _below_root(tree: Tree) -> list[str]:
    return _inside(tree, ROOT)[:_MOST]


def _inside(tree: Tree, directory: str) -> list[str]:
    names = (name.rstrip("/") for name in tree.names(directory) if name.endswith("/"))
    return [below(directory, name) for name in names if not _SKIPPED.fullmatch(name)]
