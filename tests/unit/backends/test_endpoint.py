from __future__ import annotations

import socket

import pytest

from calzion.backends.endpoint import endpoint_of
from calzion.host.sockets import Listener
from calzion.model import Endpoint


def at(host: str, port: int = 80, uid: int = 7) -> Listener:
    return Listener(host=host, port=port, uid=uid, inode=1)


@pytest.mark.parametrize(
    ("hosts", "found"),
    [
        (["127.0.0.1"], "127.0.0.1"),
        (["0.0.0.0"], "127.0.0.1"),
        (["127.64.0.5"], "127.64.0.5"),
        (["::1"], "::1"),
        (["::1", "127.0.0.1"], "127.0.0.1"),
        (["127.64.0.6"], None),
        (["192.0.2.1"], None),
        ([], None),
    ],
)
def test_where_an_instance_accepts(hosts: list[str], found: str | None) -> None:
    listeners = [at(host) for host in hosts]
    assert endpoint_of(listeners, 80, "127.64.0.5", 7) == (Endpoint(found, 80) if found else None)


@pytest.mark.parametrize(
    ("hosts", "found"),
    [(["127.0.1.1"], "127.0.1.1"), (["192.0.2.7", "127.0.0.1"], "127.0.0.1"), (["192.0.2.7", "::1"], "::1")],
)
def test_an_instance_may_choose_its_address(hosts: list[str], found: str) -> None:
    assert endpoint_of([at(host) for host in hosts], 80, "", 7) == Endpoint(found, 80)


def test_sockets_of_others_do_not_count() -> None:
    listeners = [at("127.0.0.1", uid=8), at("127.0.0.1", port=81)]
    assert endpoint_of(listeners, 80, "", 7) is None
    assert endpoint_of(listeners, 80, "", None) == Endpoint("127.0.0.1", 80)


@pytest.mark.parametrize(("dual", "found"), [(True, "127.0.0.1"), (False, "::1")])
def test_a_socket_on_every_ipv6_address(dual: bool, found: str) -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=dual) as server:
        port = server.getsockname()[1]
        assert endpoint_of([at("::", port)], port, "", 7) == Endpoint(found, port)
