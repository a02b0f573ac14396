"""Problems -> the one error that shows them all, in order of place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from calzion.errors import CalzionError
from calzion.template.data import shown
from calzion.template.problem import Path, Problem
from calzion.template.sources import Sources
from calzion.template.spelling import nearest

_MOST = 50
_MOST_NAMES = 20
_HINT = "The keys and sections of a template are described in docs/template.md."


def template_error(
    file: str, problems: Iterable[Problem], sources: Sources, hint: str = _HINT
) -> CalzionError:
    """The error of a template: every line of its detail is `FILE:LINE:COLUMN: sentence`."""
    located: dict[tuple[tuple[int, int], str], str] = {}
    for problem in problems:
        found = sources.locate(problem)
        line = f"{found.file}:{found.place.line}:{found.place.column}: {_sentence(problem)}"
        located[found.order, problem.sentence] = line
    lines = [line for _, line in sorted(located.items())]
    return _error(file, lines[:_MOST], len(lines), hint)


def keys_error(subject: str, problems: Sequence[Problem]) -> CalzionError:
    """The error of a JSON body: every line of its detail is `key.path: sentence`."""
    lines = [_at_path(problem) for problem in problems[:_MOST]]
    return _error(subject, lines, len(problems))


def _error(subject: str, lines: list[str], count: int, hint: str = _HINT) -> CalzionError:
    more = [f"... and {count - len(lines)} more"] if count > len(lines) else []
    mistakes = "1 mistake" if count == 1 else f"{count} mistakes"
    return CalzionError(f"{subject} has {mistakes}:", hint=hint, code="template", detail=lines + more)


def _sentence(problem: Problem) -> str:
    near = nearest(problem.word, problem.allowed)
    meant = f"; did you mean {shown(near)}?" if near else ""
    names = ", ".join(problem.allowed[:_MOST_NAMES]) + (", ..." if len(problem.allowed) > _MOST_NAMES else "")
    allowed = f" (allowed: {names})" if names else ""
    return f"{problem.sentence}{meant}{allowed}"


def _at_path(problem: Problem) -> str:
    where = _dotted(problem.path)
    return f"{where}: {_sentence(problem)}" if where else _sentence(problem)


def _dotted(path: Path) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{_bare(part)}" for part in path]
    return "".join(parts).removeprefix(".")


def _bare(key: str) -> str:
    return key if key.isascii() and key.replace("_", "a").replace("-", "a").isalnum() else shown(key)
