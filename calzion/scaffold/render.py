"""A scaffold -> the text of template.yaml, with what was left behind as comments at its top."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from calzion.scaffold.sketch import Scaffold, Service
from calzion.template.data import from_plain

_PLAIN = re.compile(r"[A-Za-z0-9_./$](?:[!-~]|[ ](?![ #]))*")
"""Text of visible ASCII that may stand without quotes in a block: it begins with no indicator."""

_PLAIN_IN_FLOW = re.compile(r"[A-Za-z0-9_./-]*")
_FLOW = ("require", "processes", "buildpacks")
"""Lists of names, which read best on one line."""

_WIDTH = 100


def render(scaffold: Scaffold) -> str:
    """YAML that means the scaffold."""
    sections = [
        *_comments(scaffold),
        *(_lines_of(service) for service in scaffold.services),
        *_section("Run", scaffold.run),
        ["Generate:", *(f"  {name}: {{length: 32}}" for name in scaffold.generate)]
        if scaffold.generate
        else [],
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _comments(scaffold: Scaffold) -> Iterator[list[str]]:
    made_from = f" from {', '.join(scaffold.sources)}" if scaffold.sources else ""
    yield [
        *_comment(f"Written by 'calzion init'{made_from}. Read it before you push it;"),
        "# 'calzion template check' tells what is wrong with it.",
    ]
    if scaffold.wanted:
        yield [
            "# To be set for each deployment, the value from standard input:",
            *(f"#   calzion secrets set DEPLOYMENT {name}" for name in scaffold.wanted),
        ]
    for title, sentences in (("Decided for you:", scaffold.decided), ("Not carried over:", scaffold.left)):
        if sentences:
            yield [f"# {title}", *(line for sentence in sentences for line in _comment(sentence, "- "))]


def _comment(text: str, bullet: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=f"# {bullet}",
        subsequent_indent="# " + " " * len(bullet),
        break_on_hyphens=False,
    )


def _lines_of(service: Service) -> list[str]:
    if not service.keys or service.keys == {"image": service.name}:
        return [f"{_scalar(service.name)}:"]
    return [f"{_scalar(service.name)}:", *_map(service.keys, 1)]


def _section(name: str, values: Mapping[str, Any]) -> Iterator[list[str]]:
    if values:
        yield [f"{name}:", *_map(values, 1)]


def _map(values: Mapping[str, Any], depth: int) -> list[str]:
    return [line for key, value in values.items() for line in _entry(key, value, depth)]


def _entry(key: str, value: Any, depth: int) -> list[str]:
    start = f"{'  ' * depth}{_scalar(key)}:"
    if isinstance(value, dict) and value:
        return [start, *_map(value, depth + 1)]
    if isinstance(value, list) and value and key not in _FLOW:
        return [start, *(f"{'  ' * (depth + 1)}- {_scalar(item)}" for item in value)]
    if isinstance(value, list):
        return [f"{start} [{', '.join(_scalar(item, in_flow=True) for item in value)}]"]
    if isinstance(value, str) and "\n" in value and _is_block(value):
        lines = [f"{'  ' * (depth + 1)}{line}".rstrip() for line in value.rstrip("\n").split("\n")]
        return [f"{start} |{'' if value.endswith(chr(10)) else '-'}", *lines]
    return [f"{start} {_scalar(value)}"]


def _is_block(text: str) -> bool:
    """Whether a literal block scalar gives the text again: its lines begin and end with something visible."""
    lines = text.removesuffix("\n").split("\n")
    return all(line == line.strip() and line.isprintable() and line for line in lines)


def _is_text(text: str) -> bool:
    """Whether YAML takes the plain text for text, and for nothing but itself."""
    return from_plain(text) == text and ": " not in text and not text.endswith((":", " "))


def _scalar(value: object, *, in_flow: bool = False) -> str:
    """Plain where that reads as the same text, else in double quotes, by the rules that YAML shares with JSON."""
    if isinstance(value, bool | int):
        return json.dumps(value)
    text = str(value)
    if (_PLAIN_IN_FLOW if in_flow else _PLAIN).fullmatch(text) and _is_text(text):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())
