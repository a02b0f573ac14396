"""The client of the runtime API against a server that says what a test wants."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from calzion.routing.frontend import ROUTES
from calzion.routing.runtime import RuntimeApi, RuntimeApiError, payloads
from calzion.routing.slots import Server

SERVER = Server("http_0", "127.0.0.1:5000")


class Haproxy:
    """Answers each command with the next reply; a reply of None closes the connection."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.replies: list[bytes | None] = []
        self.commands: list[str] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        with connection:
            assert connection.recv(100) == b"prompt\n"
            connection.sendall(b"\n> ")
            for reply in self.replies:
                self.commands.append(connection.recv(1 << 16).decode())
                if reply is None:
                    return
                for byte in reply:
                    connection.sendall(bytes([byte]))


@pytest.fixture
def haproxy(tmp_path: Path) -> Iterator[Haproxy]:
    server = Haproxy(tmp_path / "cli")
    yield server
    server.close()


def test_a_whole_map_is_one_transaction(haproxy: Haproxy) -> None:
    haproxy.replies = [b"New version created: 7\n\n> ", b"+ + + \n> ", b"\n> "]
    with RuntimeApi(haproxy.path) as api:
        api.replace(ROUTES, {"h:b": "http_1", "h:a": "http_0"})
    assert haproxy.commands == [
        "prepare map routes.map\n",
        "add map @7 routes.map <<\nh:a http_0\nh:b http_1\n\n",
        "commit map @7 routes.map\n",
    ]


@pytest.mark.parametrize("reply", [b"Out of memory error.\n\n> ", b"Unknown map identifier.\n> ", None])
def test_a_refused_transaction_is_an_error(haproxy: Haproxy, reply: bytes | None) -> None:
    haproxy.replies = [b"New version created: 7\n\n> ", b"+ + \n> ", reply]
    with RuntimeApi(haproxy.path) as api, pytest.raises(RuntimeApiError):
        api.replace(ROUTES, {"h:a": "http_0"})


def test_an_add_that_failed_is_an_error(haproxy: Haproxy) -> None:
    haproxy.replies = [b"Already exists a server with the same name in backend.\n\n> "]
    with RuntimeApi(haproxy.path) as api, pytest.raises(RuntimeApiError, match="Already exists"):
        api.add(SERVER)


@pytest.mark.parametrize(
    ("reply", "deleted"),
    [
        (b"Server deleted.\n\n> ", True),
        (b"Server deleted.\n> ", True),
        (b"Server still has connections attached to it, cannot remove it.\n> ", False),
    ],
)
def test_delete(haproxy: Haproxy, reply: bytes, deleted: bool) -> None:
    haproxy.replies = [b"\n> ", reply]
    with RuntimeApi(haproxy.path) as api:
        assert api.delete(SERVER) is deleted


def test_delete_of_what_can_not_be_deleted(haproxy: Haproxy) -> None:
    haproxy.replies = [b"\n> ", b"This server cannot be removed at runtime due to other parts.\n> "]
    with RuntimeApi(haproxy.path) as api, pytest.raises(RuntimeApiError, match="cannot be removed"):
        api.delete(SERVER)


def test_servers(haproxy: Haproxy) -> None:
    haproxy.replies = [
        b"1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state\n"
        b"4 http_0 1 127.0.0.1:5000 127.0.0.1 2 0\n4 http_0 2 ::1:5000 ::1 0 1\n\n> "
    ]
    with RuntimeApi(haproxy.path) as api:
        assert api.servers() == {"http_0": {"127.0.0.1:5000": True, "::1:5000": False}}


def test_sessions_count_the_queue(haproxy: Haproxy) -> None:
    haproxy.replies = [b"# pxname,svname,qcur,qmax,scur,\nhttp_0,BACKEND,2,2,3,\n\n> "]
    with RuntimeApi(haproxy.path) as api:
        assert api.sessions("http_0") == {"BACKEND": 5}


def test_sessions_of_no_slot(haproxy: Haproxy) -> None:
    haproxy.replies = [b"No such proxy.\n\n> "]
    with RuntimeApi(haproxy.path) as api, pytest.raises(RuntimeApiError, match="No such proxy"):
        api.sessions("nix")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(RuntimeApiError):
        RuntimeApi(tmp_path / "none")


def test_payloads_stay_below_what_haproxy_takes() -> None:
    lines = [f"h:{'x' * 200}-{number} http_{number}\n" for number in range(500)]
    parts = list(payloads(lines))
    assert "".join(parts) == "".join(lines)
    assert all(0 < len(part) <= 12_000 and part.endswith("\n") for part in parts)
    assert list(payloads([])) == []
