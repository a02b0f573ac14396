from __future__ import annotations

import pytest

from calzion.errors import CalzionError
from calzion.model import Healthcheck, ServiceDefinition, ServiceName, Volume
from calzion.template.resolve import resolve

WEB = ServiceDefinition(
    name=ServiceName("web"),
    image="${R}/web:${T}",
    cmd="echo ${R}",
    env=(("A", "${T}"), ("B", "$${T}")),
    volumes=(Volume(name="d", path="/data/${D}"),),
    healthcheck=Healthcheck(path="/up?v=${T}", cmd=None),
)


def test_references_are_replaced_where_they_count_and_nowhere_else() -> None:
    found = resolve(WEB, {"R": "registry.example.com", "T": "v1", "D": "x"})
    assert found.image == "registry.example.com/web:v1"
    assert found.env == (("A", "v1"), ("B", "${T}"))
    assert found.volumes == (Volume(name="d", path="/data/x"),)
    assert found.healthcheck.path == "/up?v=v1"
    assert found.cmd == "echo ${R}"


def test_every_name_without_a_value_is_told() -> None:
    with pytest.raises(CalzionError, match="the definition of web has 3 mistakes") as caught:
        resolve(WEB, {"R": "x", "D": "y"})
    assert caught.value.detail == [
        "image: ${T} names nothing",
        "env.A: ${T} names nothing",
        "healthcheck.path: ${T} names nothing",
    ]


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"D": "../../etc"}, "volumes.d"),
        ({"T": "a b"}, "image"),
        ({"D": ""}, "volumes.d"),
        ({"T": "\0"}, "env.A"),
    ],
)
def test_values_must_fit(values: dict[str, str], key: str) -> None:
    with pytest.raises(CalzionError) as caught:
        resolve(WEB, {"R": "x", "T": "v1", "D": "y", **values})
    assert key in [line.split(":")[0] for line in caught.value.detail]


def test_an_escaped_reference_stays_as_text_in_a_path() -> None:
    definition = ServiceDefinition(name=ServiceName("web"), image="x", healthcheck=Healthcheck(path="/$${A}"))
    assert resolve(definition, {}).healthcheck.path == "/${A}"
