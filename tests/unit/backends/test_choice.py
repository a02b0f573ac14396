"""Which engine is meant."""

from __future__ import annotations

import pytest

from calzion.backends.choice import engine_answers, engine_socket


@pytest.mark.parametrize(
    ("environ", "socket"),
    [
        ({}, "/var/run/docker.sock"),
        ({"DOCKER_HOST": ""}, "/var/run/docker.sock"),
        ({"DOCKER_HOST": "unix:///srv/engine.sock"}, "/srv/engine.sock"),
        ({"DOCKER_HOST": "tcp://192.0.2.1:2376"}, None),
        ({"DOCKER_HOST": "ssh://admin@192.0.2.1"}, None),
    ],
)
def test_where_its_socket_is(environ: dict[str, str], socket: str | None) -> None:
    assert engine_socket(environ) == socket


def test_one_by_the_network_is_not_this_machines() -> None:
    assert not engine_answers({"DOCKER_HOST": "tcp://127.0.0.1:1"})
