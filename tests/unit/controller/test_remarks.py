from __future__ import annotations

from dataclasses import replace

from calzion.controller.remarks import remarks
from calzion.controller.surroundings import Member
from calzion.model import Port, ServiceDefinition, ServiceName, Slug, Volume

DEFINITION = ServiceDefinition(name=ServiceName("queue"), image="mycompany/queue:3")
SLUG = Slug(key="k", digest="", root=None, language="image", process_types=(), volumes=("/data", "/log"))


def said(*kept: str, exposed: tuple[int, ...] = (80,), ports: tuple[Port, ...] = (Port(),)) -> list[str]:
    member = Member(
        definition=replace(DEFINITION, ports=ports), address="", image="mycompany/queue:3", exposed=exposed
    )
    return list(remarks(member, SLUG, [Volume(name="x", path=path) for path in kept]))


def test_data_that_no_volume_keeps() -> None:
    (both,) = said()
    assert "/data, /log is lost" in both and "'volumes: {data: /data, data2: /log}'" in both
    (one,) = said("/data")
    assert "'volumes: {data: /log}'" in one
    assert said("/data", "/log") == [] == said("/")
    assert len(said("/dat", "/log/deep")) == 1


def test_ports_that_are_guessed() -> None:
    assert "QUEUE_PORT gives 5672" in said("/", exposed=(4369, 5672, 15672))[0]
    assert "QUEUE_PORT gives 80;" in said("/", exposed=(80, 443))[0]
    assert "expected on PORT" in said("/", exposed=())[0]
    assert said("/", exposed=(80, 443), ports=(Port(number=443),)) == []
    assert said("/", exposed=(), ports=()) == []
