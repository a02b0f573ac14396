"""`Includes`: other template files of the repository, merged in front of the one that names them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from calzion.template.check import check
from calzion.template.data import Data, described, shown
from calzion.template.document import MAX_BYTES, Document, decode, read_document
from calzion.template.places import Places
from calzion.template.problem import Path, Problem, Unreadable
from calzion.template.shape import IncludesShape
from calzion.template.sources import SourceFile, Sources

MAX_FILES = 20

INCLUDES = "Includes"
_SECTIONS = ("Env", "Generate", "Run")
_MAPS = ("env", "volumes", "labels", "expose")
"""Keys of a service that are merged name by name; any other one replaces what was there."""

Read = Callable[[str], bytes | None]
"""A file of the repository by its path from the root, None where there is none. May raise ValueError."""


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """`data` is everything merged, without `Includes`; None where the only file is empty.

    Where a file is `unreadable`, what it would have defined is not known, and other mistakes would only follow.
    """

    data: Data
    sources: Sources
    problems: tuple[Problem, ...]
    unreadable: bool = False


def gather(file: str, text: bytes, read: Read | None, limit: int = MAX_BYTES) -> Gathered:
    """Read a template and, through `read`, all that it includes, of at most `limit` bytes each."""
    reader = _Reader(read, limit)
    data = reader.take(file, text, (file,))
    return Gathered(
        data=data,
        sources=Sources(reader.files),
        problems=tuple(reader.problems),
        unreadable=reader.unreadable,
    )


@dataclass
class _Reader:
    read: Read | None
    limit: int
    files: list[SourceFile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unreadable: bool = False
    _taken: set[str] = field(default_factory=set)

    def take(self, file: str, text: bytes, chain: tuple[str, ...]) -> Data:
        """The data of a file over that of what it includes; its places come after theirs."""
        self._taken.add(file)
        document = self._document(file, text)
        data = document.data
        below: Data = {}
        if isinstance(data, dict):
            below = self._included(data, file, chain)
            data = {key: value for key, value in data.items() if key != INCLUDES}
        elif data is not None and len(chain) > 1:
            self._problem(f"a template is a map of services and sections, found {described(data)}", file)
            data = None
        self.files.append(SourceFile(name=file, places=document.places))
        return merge(below, data) if isinstance(below, dict) and below else data

    def _document(self, file: str, text: bytes) -> Document:
        places = Places("")
        try:
            decoded = decode(text, self.limit)
            places = Places(decoded)
            document = read_document(decoded)
        except Unreadable as error:
            if not places.text:
                places = Places(text.decode("utf-8-sig", "replace"))
            self.problems.append(replace(error.problem, file=file))
            self.unreadable = True
            return Document(data={}, places=places)
        self.problems += [replace(problem, file=file) for problem in document.problems]
        return document

    def _included(self, data: dict[str, Data], file: str, chain: tuple[str, ...]) -> Data:
        if INCLUDES not in data:
            return {}
        shape, problems = check(IncludesShape, {INCLUDES: data[INCLUDES]}, ())
        self.problems += [replace(problem, file=file) for problem in problems]
        below: Data = {}
        for index, path in enumerate(shape.Includes if shape else ()):
            below = merge(below, self._one(path, (INCLUDES, index), file, chain))
        return below

    def _one(self, path: str, at: Path, file: str, chain: tuple[str, ...]) -> Data:
        if path in chain:
            circle = " -> ".join([*chain[chain.index(path) :], path])
            self._problem(f"templates include each other in a circle: {circle}", file, at)
        elif path in self._taken:
            self._problem(f"{shown(path)} is included already", file, at)
        elif len(self._taken) >= MAX_FILES:
            self._problem(f"more than {MAX_FILES} files are included", file, at)
        else:
            text = self._text(path, file, at)
            if text is not None:
                return self.take(path, text, (*chain, path))
            self.unreadable = True
        return {}

    def _text(self, path: str, file: str, at: Path) -> bytes | None:
        if self.read is None:
            self._problem(
                "other files can't be included here: there is no repository to read them from", file, at
            )
            return None
        try:
            text = self.read(path)
        except ValueError as error:
            self._problem(f"{shown(path)} can't be read: {error}", file, at)
            return None
        if text is None:
            self._problem(
                f"there is no file {shown(path)} in the repository (paths begin at its root)", file, at
            )
        return text

    def _problem(self, sentence: str, file: str, at: Path = ()) -> None:
        self.problems.append(Problem(sentence=sentence, path=at, file=file))


def merge(below: Data, above: Data) -> Data:
    """Two templates as one: what stands `above` goes over what stands `below`, services and sections by their keys."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above if above is not None else below
    merged = dict(below)
    for key, value in above.items():
        merged[key] = _merge_entry(key, merged[key], value) if key in merged else value
    return merged


def _merge_entry(key: str, below: Data, above: Data) -> Data:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above if above is not None else below
    if key in _SECTIONS:
        return {**below, **above}
    merged = {**below, **above}
    for name in _MAPS:
        one, other = below.get(name), above.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            merged[name] = {**one, **other}
    return merged
