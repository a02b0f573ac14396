"""What holds for every template, whoever wrote it."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from calzion.errors import CalzionError
from calzion.model import ServiceName, Template
from calzion.template import as_keys, parse_service, parse_template
from calzion.template.interpolation import interpolate, references

PLACE = re.compile(r"template\.yaml:[1-9][0-9]*:[1-9][0-9]*: \S")

WORDS = """
    web redis: a/b:1: git image . env ports port volumes processes release healthcheck require stop labels
    Env: Generate: Run: A B ${A} ${ $${A} 1 0x1 1.10 NO true null ~ "" '' /a /.. assign 30s & * &a *a << !
    !!str | > length signal SIGTERM path cmd interval { } [ ] , : - ? # % @ ` --- ...
"""
SPACES = [" ", "  ", "\n", "\n  ", "\n    ", ": ", "- ", "\t", "\r\n"]
STRANGE = ["\0", "\x85", "\u2028", "\ufeff", "é", "\U0001f600"]
PIECES = st.sampled_from([*WORDS.split(), *SPACES, *STRANGE])
NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
VARIABLES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20).filter(
    lambda text: "${" not in text
)
FILLED = TEXTS.filter(lambda text: bool(text.strip()))
COMMANDS = FILLED | st.lists(FILLED, min_size=1, max_size=3)
SECONDS = st.floats(0.1, 86_400) | st.integers(1, 86_400) | st.sampled_from(["500ms", "30s", "2m", "1h"])
NUMBERS = st.integers(1, 65535) | st.just("assign")
PORTS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"port": NUMBERS}),
    st.fixed_dictionaries({"ports": st.dictionaries(NAMES, NUMBERS, max_size=3)}),
    st.fixed_dictionaries({"ports": st.lists(NAMES, unique=True, max_size=3)}),
)
CHECKS = st.one_of(
    st.fixed_dictionaries({"cmd": COMMANDS}, optional={"interval": SECONDS, "grace": SECONDS}),
    st.fixed_dictionaries({}, optional={"interval": SECONDS, "timeout": SECONDS}),
)
APPS = st.fixed_dictionaries(
    {"git": st.sampled_from([".", "a", "./a/b/"])},
    optional={"processes": st.lists(NAMES, min_size=1, unique=True, max_size=3)},
)
IMAGES = st.fixed_dictionaries({}, optional={"image": NAMES, "entrypoint": COMMANDS})
COMMON = st.fixed_dictionaries(
    {},
    optional={
        "cmd": COMMANDS,
        "env": st.dictionaries(VARIABLES, TEXTS | st.integers() | st.booleans() | st.floats(), max_size=3),
        "volumes": st.dictionaries(NAMES, NAMES.map("/data/".__add__), max_size=1),
        "release": FILLED,
        "healthcheck": CHECKS,
        "stop": st.fixed_dictionaries({}, optional={"signal": st.just("HUP"), "timeout": SECONDS}),
        "labels": st.dictionaries(NAMES, TEXTS, max_size=2),
    },
)
SERVICES = st.tuples(APPS | IMAGES, PORTS, COMMON).map(lambda parts: {**parts[0], **parts[1], **parts[2]})


KEYS = st.text(max_size=5) | st.sampled_from(
    ["git", "image", "cmd", "env", "ports", "healthcheck", "stop", "path"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def _parse(text: bytes) -> Template | None:
    """The template, or None where it is refused as every template must be refused: with places."""
    try:
        return parse_template(text)
    except CalzionError as error:
        assert error.code == "template"
        assert isinstance(error.detail, list)
        assert error.detail
        assert all(PLACE.match(line) or line.startswith("... and ") for line in error.detail)
        json.dumps(error.as_dict()).encode()
        return None


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_bytes_give_a_template_or_places(text: bytes) -> None:
    _parse(text)


@given(st.lists(PIECES, max_size=40).map("".join))
@settings(max_examples=1000, deadline=None)
def test_pieces_of_templates_give_a_template_or_places(text: str) -> None:
    template = _parse(text.encode("utf-8", "surrogatepass"))
    for definition in template.services if template else ():
        assert parse_service(definition.name, as_keys(definition)) == definition
        hash(definition)


@given(st.dictionaries(NAMES, SERVICES, min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_definitions_survive_the_store_and_yaml_reads_what_json_does(services: dict[str, Any]) -> None:
    # JSON is YAML but for surrogate pairs and the names of numbers without end
    for definition in _accepted(services).services:
        stored = json.loads(json.dumps(as_keys(definition), sort_keys=True))
        assert parse_service(definition.name, stored) == definition
        assert parse_service(definition.name, services[definition.name]) == definition


def _accepted(services: dict[str, Any]) -> Template:
    text = json.dumps(services, ensure_ascii=False)
    text = re.sub(r"[^ -~]", lambda match: f"\\U{ord(match[0]):08x}", text)
    text = re.sub(r"-?\b(Infinity|NaN)\b(?=[,}])", _yaml_number, text)
    template = _parse(text.encode())
    assert template is not None
    return template


def _yaml_number(match: re.Match[str]) -> str:
    return ".nan" if match[1] == "NaN" else match[0].replace("Infinity", ".inf")


@given(JSON)
@settings(max_examples=300, deadline=None)
def test_any_json_gives_a_definition_or_an_error(keys: Any) -> None:
    try:
        parse_service(ServiceName("web"), keys)
    except CalzionError as error:
        assert error.detail


@given(st.text(st.sampled_from("${}AB 1"), max_size=30))
def test_interpolation_fails_as_its_references_do(text: str) -> None:
    try:
        names = references(text)
    except ValueError:
        return
    result = interpolate(text, dict.fromkeys(names, ""))
    assert len(result) <= len(text)
