"""Which `${NAME}` stands where in a template, and whether it names something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from calzion.template.data import Data, shown
from calzion.template.interpolation import InterpolationError, circle, references
from calzion.template.problem import Path, Problem

Texts = Iterable[tuple[Path, str]]

_MOST_IN_ONE = 10


def interpolated(keys: Mapping[str, Data], at: Path) -> Iterator[tuple[Path, str]]:
    """Every text of a service in which references count, with its path."""
    for key in ("image", "healthcheck"):
        value = keys.get(key)
        if isinstance(value, str):
            yield (*at, key), value
    for key in ("env", "volumes"):
        yield from texts_of(keys.get(key), (*at, key))
    check = keys.get("healthcheck")
    if isinstance(check, dict) and isinstance(check.get("path"), str):
        yield (*at, "healthcheck", "path"), str(check["path"])


def texts_of(values: Data, at: Path) -> Iterator[tuple[Path, str]]:
    """The texts of a map, with their paths."""
    for name, value in values.items() if isinstance(values, dict) else ():
        if isinstance(value, str):
            yield (*at, name), value


def unfinished_references(texts: Texts) -> Iterator[Problem]:
    """Every `${` that begins no reference."""
    for path, text in texts:
        try:
            references(text)
        except InterpolationError as error:
            yield Problem(sentence=str(error), path=path, token=error.token)


def unknown_references(texts: Texts, known: frozenset[str]) -> Iterator[Problem]:
    """References whose names are not among the `known` ones."""
    names = tuple(sorted(known))
    for path, text in texts:
        unknown = (name for name in references(text, strict=False) if name not in known)
        for name in islice(unknown, _MOST_IN_ONE):
            token = f"${{{name}}}"
            sentence = (
                f"{shown(token)} names nothing; write it into Env or Generate, set it with "
                f"'calzion secrets set DEPLOYMENT {name}', or write $${{ for a literal ${{"
            )
            yield Problem(sentence=sentence, path=path, token=token, word=name, allowed=names)


def circle_problems(env: Mapping[str, str], first: frozenset[str]) -> Iterator[Problem]:
    """Values of `Env` that refer to each other in a circle. Names in `first` mean something else."""
    try:
        found = circle({name: text for name, text in env.items() if name not in first})
    except InterpolationError:
        return
    if found:
        sentence = f"values refer to each other in a circle: {' -> '.join(found[:8])}"
        yield Problem(sentence=sentence, path=("Env", found[0]), token=f"${{{found[1]}}}")
