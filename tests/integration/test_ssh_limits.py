"""What limits who connects: each limit bites, says so to the client and in the log, and leaves everybody else alone."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import paramiko
import pytest

from calzion.sshd.limits import SshLimits
from tests.fakes.push_peer import World, eventually

NewWorld = Callable[..., World]


@pytest.fixture(params=[True, False], ids=["fast", "stock"])
def limited(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewWorld]:
    """Makes the test's world with limits, on each of the two paths."""
    made: list[World] = []

    def make(**limits: Any) -> World:
        made.append(World(tmp_path, fast=request.param, limits=SshLimits(**limits)))
        return made[-1]

    yield make
    made[0].close()


def connect(world: World) -> socket.socket:
    return socket.create_connection(("127.0.0.1", world.port), timeout=20)


def login(world: World) -> paramiko.Transport:
    transport = paramiko.Transport(("127.0.0.1", world.port))
    transport.connect(username="x", pkey=paramiko.Ed25519Key.from_private_key_file(str(world.key)))
    return transport


def last_words(client: socket.socket) -> str:
    """All that comes until the server hangs up."""
    said = b""
    try:
        while data := client.recv(65536):
            said += data
    except ConnectionError:
        pass
    return said.decode(errors="replace")


def ended(transport: paramiko.Transport) -> bool:
    return bool(eventually(lambda: not transport.is_active(), "the connection's end"))


def clone(world: World) -> subprocess.CompletedProcess[str]:
    return world.try_git("ls-remote", world.url())


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"strangers": 2}, "2 logins at once, and takes no more (setting ssh-strangers)"),
        ({"address_strangers": 2}, "2 logins at once from 127.0.0.1, and takes no more"),
        ({"connections": 2}, "2 connections, and takes no more (setting ssh-connections); try again"),
        ({"address_connections": 2}, "2 connections from 127.0.0.1, and takes no more"),
    ],
)
def test_one_more_is_turned_away_and_shown_why(
    limited: NewWorld, limits: dict[str, int], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = limited(**limits)
    assert world.push().returncode == 0
    eventually(lambda: not world.server._gate.connections, "the end of the push's")
    others = [connect(world) for _ in range(2)]
    assert all(other.recv(100).startswith(b"SSH-2.0-Calzion") for other in others)
    refused = clone(world)
    assert refused.returncode != 0 and said in refused.stderr, refused.stderr
    assert said in caplog.text
    with connect(world) as one_more:
        one_more.sendall(b"x" * 5000)
        assert said in last_words(one_more)
    assert caplog.text.count(said) == 1, "not again and again"
    for other in others:
        other.close()
    eventually(lambda: clone(world).returncode == 0, "room again")


def test_known_clients_are_not_among_the_strangers(limited: NewWorld) -> None:
    world = limited(strangers=2)
    known = [login(world) for _ in range(4)]
    assert world.push().returncode == 0
    for transport in known:
        transport.close()


def test_a_key_has_only_so_many_connections(limited: NewWorld, caplog: pytest.LogCaptureFixture) -> None:
    world = limited(key_connections=2)
    bob = world.new_key("bob")
    held = [login(world) for _ in range(2)]
    sessions = [transport.open_session(timeout=10) for transport in held]
    refused = clone(world)
    assert refused.returncode != 0 and "2 connections with the key SHA256:" in refused.stderr
    assert "setting ssh-key-connections" in caplog.text
    assert "no such repository" in world.try_git("ls-remote", world.url(), keys=(bob,)).stderr
    ended(login(world))  # also without a session of its own
    assert all(not session.closed for session in sessions)
    for transport in held:
        transport.close()
    eventually(lambda: world.push().returncode == 0, "room again")


def test_only_so_many_keys_are_tried(limited: NewWorld, caplog: pytest.LogCaptureFixture) -> None:
    world = limited(tries=3)
    wrong = [world.new_key(None, f"wrong{number}") for number in range(3)]
    assert world.try_git("push", world.url(), "master:staging", keys=(*wrong[:2], world.key)).returncode == 0
    refused = world.try_git("push", world.url(), "master:other", keys=(*wrong, world.key))
    assert refused.returncode != 0 and "3 keys were tried (setting ssh-tries)" in refused.stderr
    assert "3 keys were tried" in caplog.text


def test_nobody_may_take_his_time_before_the_keys_are_exchanged(
    limited: NewWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world = limited(handshake_timeout=2.0)
    clients = [connect(world) for _ in range(3)]
    for client, begins in zip(clients, (b"", b"SSH-2.0-x\r\n", b"SSH-2.0-x\r\n\0\0\5"), strict=True):
        client.sendall(begins)
    for client in clients:
        assert "no key exchange within 2 seconds (setting ssh-handshake-timeout)" in last_words(client)
        client.close()
    assert "127.0.0.1 is hung up on: no key exchange" in caplog.text
    assert world.push().returncode == 0


def test_nobody_may_take_his_time_to_log_in(limited: NewWorld, caplog: pytest.LogCaptureFixture) -> None:
    world = limited(login_timeout=2.0)
    transport = paramiko.Transport(("127.0.0.1", world.port))
    transport.start_client(timeout=10)
    with suppress(EOFError):
        while transport.is_active():
            transport.send_ignore(10)
            transport.join(0.05)
    assert "no login within 2 seconds" in caplog.text
    assert world.push().returncode == 0


def test_a_connection_that_asks_for_nothing_ends(limited: NewWorld, caplog: pytest.LogCaptureFixture) -> None:
    world = limited(idle_timeout=1.0)
    with_a_channel, without = login(world), login(world)
    channel = with_a_channel.open_session(timeout=10)
    ended(without)
    ended(with_a_channel)
    assert channel.closed and "nothing was asked within 1 seconds" in caplog.text


def test_a_push_that_stands_still_ends_and_leaves_nothing(limited: NewWorld) -> None:
    world = limited(idle_timeout=1.0)
    transport = login(world)
    channel = transport.open_session(timeout=10)
    channel.exec_command("git-receive-pack '/myapp'")
    channel.sendall(b"0094" + b"0" * 40)
    errors = channel.makefile_stderr().read().decode()
    assert "nothing was sent or taken for 1 seconds (setting ssh-idle-timeout)" in errors
    eventually(lambda: not list(world.repositories.iterdir()), "the end of git")
    transport.close()


def test_a_fetch_that_is_not_read_ends(limited: NewWorld, caplog: pytest.LogCaptureFixture) -> None:
    world = limited()
    (world.tree / "large").write_bytes(os.urandom(8 << 20))
    want = f"want {world.commit('large')}\n".encode()
    assert world.push().returncode == 0
    world.restart(limits=SshLimits(idle_timeout=1.0))
    transport = paramiko.Transport(("127.0.0.1", world.port), default_window_size=1 << 16)
    transport.connect(username="x", pkey=paramiko.Ed25519Key.from_private_key_file(str(world.key)))
    channel = transport.open_session(timeout=10)
    channel.exec_command("git-upload-pack '/myapp'")
    channel.sendall(b"%04x%s" % (len(want) + 4, want) + b"00000009done\n")
    eventually(lambda: "alice at 127.0.0.1 is hung up on: nothing was sent or taken" in caplog.text)
    eventually(lambda: not any(each.is_busy for each in world.server._gate.connections), "git's end")
    transport.close()


def test_a_packet_has_only_so_many_bytes(limited: NewWorld, caplog: pytest.LogCaptureFixture) -> None:
    world = limited(packet=64 << 10)
    with connect(world) as client:
        client.sendall(b"SSH-2.0-x\r\n" + (40_004).to_bytes(4, "big") + b"\0" * 4)
        assert "bytes, where 35000 are the most" in last_words(client)
    transport = login(world)
    ignored = paramiko.Message()
    ignored.add_byte(b"\2")
    ignored.add_string(b"x" * 60_000)
    transport.open_session(timeout=10)
    transport.packetizer.send_message(ignored)
    assert transport.open_session(timeout=10)
    ignored.add_string(b"x" * 60_000)
    transport.packetizer.send_message(ignored)
    ended(transport)
    assert "where 65536 are the most (setting ssh-packet)" in caplog.text


def test_strangers_may_send_only_so_much_in_all(limited: NewWorld) -> None:
    world = limited()
    transport = paramiko.Transport(("127.0.0.1", world.port))
    transport.start_client(timeout=10)
    with pytest.raises((EOFError, OSError, paramiko.SSHException)):
        for _ in range(20):
            transport.send_ignore(30_000)
        transport.open_session(timeout=10)
    assert world.push().returncode == 0
