"""The keys of one service as the API and the store hand them over."""

from __future__ import annotations

from typing import Any

import pytest

from calzion.errors import CalzionError
from calzion.model import Healthcheck, Port, ServiceDefinition, ServiceName
from calzion.template import as_keys, parse_service

WEB = ServiceName("web")


def problems(keys: Any) -> list[str]:
    with pytest.raises(CalzionError) as caught:
        parse_service(WEB, keys)
    assert caught.value.code == "template"
    assert "the definition of web has" in str(caught.value)
    assert isinstance(caught.value.detail, list)
    return caught.value.detail


def test_without_keys_the_name_is_the_image() -> None:
    assert parse_service(WEB, {}) == ServiceDefinition(name=WEB, image="web")


def test_env_lies_beneath_the_services_own() -> None:
    found = parse_service(WEB, {"git": ".", "env": {"B": 2}}, env=(("A", "1"), ("B", "1")))
    assert found.env == (("A", "1"), ("B", "2"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (1.5, "1.5"),
        (float("inf"), ".inf"),
        ("NO", "NO"),
        ("", ""),
    ],
)
def test_json_values_of_env(value: object, text: str) -> None:
    assert parse_service(WEB, {"env": {"A": value}}).env == (("A", text),)


def test_json_strings_are_never_numbers() -> None:
    assert problems({"port": "80"}) == ["port: a port is a number from 1 to 65535, or assign; found '80'"]


def test_all_mistakes_are_told_with_their_paths() -> None:
    found = problems(
        {
            "git": ".",
            "image": 3,
            "cmd": ["a", ["b"]],
            "env": {"a b": "x", "U": "${"},
            "healthcheck": {"interval": "fast"},
            "require": ["web"],
            "commmand": "x",
        }
    )
    assert [line.split(": ")[0] for line in found] == [
        "image",
        "cmd[1]",
        "env.'a b'",
        "healthcheck.interval",
        "commmand",
        "image",
        "require[0]",
        "env.U",
    ]


@pytest.mark.parametrize(
    "keys",
    [
        [],
        "text",
        {1: 2},
        {"env": {"A": {1, 2}}},
        {"env": {"A": b"x"}},
        {"cmd": "\ud800"},
        {"cmd": "a\0b"},
        {"env": {"A": 10**6000}},
        {"port": 10**6000},
        {"port": float("nan")},
        {"build": ".."},
    ],
)
def test_what_is_no_definition(keys: Any) -> None:
    assert problems(keys)


def test_deep_json_ends_soon() -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    assert "inside each other" in problems({"cmd": deep})[0]


def test_keys_write_out_what_may_become_another_default() -> None:
    assert as_keys(ServiceDefinition(name=WEB, git=".")) == {
        "git": ".",
        "port": "assign",
        "healthcheck": {"interval": 2.0, "timeout": 5.0, "grace": 60.0},
        "stop": {"signal": "SIGTERM", "timeout": 30.0},
    }


@pytest.mark.parametrize("ports", [(), (Port(number=80),), (Port(name="a"), Port(name="b", number=1))])
def test_ports_come_back(ports: tuple[Port, ...]) -> None:
    definition = ServiceDefinition(name=WEB, git=".", ports=ports)
    assert parse_service(WEB, as_keys(definition)) == definition


def test_commands_come_back_hashable() -> None:
    check = Healthcheck(cmd=("true",))
    definition = ServiceDefinition(name=WEB, image="x", cmd=("a", "b"), entrypoint="c", healthcheck=check)
    again = parse_service(WEB, as_keys(definition))
    assert again == definition
    assert hash(again) == hash(definition)
