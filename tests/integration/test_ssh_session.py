"""What clients may and may not do besides pushing: keys, sessions, commands, fetches, hostile connections."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from calzion.config import Address
from calzion.errors import CalzionError
from tests.fakes.push_peer import World, accept


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def login(world: World, key: Path) -> paramiko.Transport:
    transport = paramiko.Transport(("127.0.0.1", world.port))
    transport.connect(username="x", pkey=paramiko.Ed25519Key.from_private_key_file(str(key)))
    return transport


def test_a_clone_gives_back_what_was_pushed(world: World) -> None:
    world.push()
    listing = world.git("-c", "protocol.version=2", "ls-remote", world.url("myapp.git"))
    assert [line.split("\t")[1] for line in listing.splitlines()] == ["HEAD", "refs/heads/staging"]
    world.git("clone", "-q", world.url(), str(world.root / "copy"), cwd=world.root)
    assert (world.root / "copy" / "file").read_text() == "one"


def test_a_repository_that_is_not_there_can_be_pushed_to(world: World) -> None:
    result = world.try_git("clone", world.url(), str(world.root / "copy"), cwd=world.root)
    assert result.returncode != 0
    assert "no such repository: myapp" in result.stderr and "push to create it" in result.stderr
    assert list(world.repositories.iterdir()) == []


def test_a_denied_service_is_refused_with_the_controllers_sentence(world: World) -> None:
    world.push()
    world.peer.denied = {("myapp", "upload-pack"), ("other", "receive-pack")}
    assert "alice may not use myapp" in world.try_git("ls-remote", world.url()).stderr
    assert "alice may not use other" in world.push(repository="other").stderr
    assert not world.bare("other").exists()


def test_an_unknown_key_gets_nowhere(world: World) -> None:
    stranger = world.new_key(None, "stranger")
    result = world.try_git("ls-remote", world.url(), keys=(stranger,))
    assert result.returncode != 0 and "Permission denied (publickey)" in result.stderr


def test_identity_is_what_was_proven_not_what_was_offered(world: World) -> None:
    """bob's public key is offered first, and accepted as a candidate; only alice's is signed with."""
    bob = world.new_key("bob")
    only_public = world.root / "only_public"
    shutil.copy(f"{bob}.pub", only_public)
    result = world.try_git("push", world.url(), "master:staging", keys=(only_public, world.key))
    assert result.returncode == 0, result.stderr
    offered = [world.peer.users.get(question["fingerprint"]) for question in world.peer.asked]
    assert "bob" in offered, "the test proves something"
    assert world.peer.talk().push["user"] == "alice"
    assert world.try_git("push", world.url(), "master:b", keys=(bob,)).returncode == 0
    assert world.peer.talk().push["user"] == "bob"


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_other_kinds_of_keys(world: World, kind: str) -> None:
    path = world.root / kind
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
    listing = subprocess.run(["ssh-keygen", "-lf", str(path)], check=True, capture_output=True, text=True)
    world.peer.users[listing.stdout.split()[1]] = kind
    assert world.try_git("push", world.url(), "master:staging", keys=(path,)).returncode == 0
    assert world.peer.talk().push["user"] == kind


@pytest.mark.parametrize(
    "line",
    ["id", "git-receive-pack '/etc'; id", "git-receive-pack '../../x'", "git-upload-pack --help", "scp -t /"]
    + ["git-receive-pack 'a/b'", "git-upload-archive 'myapp'", "git-receive-pack `id`", "sh -c 'git push'"],
)
def test_no_other_command_runs(world: World, line: str) -> None:
    result = world.ssh(line)
    assert result.returncode == 1
    assert result.stdout == "" and result.stderr.startswith(" !     ")
    assert list(world.repositories.iterdir()) == []


def test_a_shell_is_only_a_sentence(world: World) -> None:
    result = world.ssh()
    assert result.returncode == 1 and "speaks git alone" in result.stderr


def test_sessions_offer_nothing_else(world: World) -> None:
    transport = login(world, world.key)
    try:
        for ask in ("get_pty", "invoke_subsystem", "request_x11"):
            channel = transport.open_session(timeout=10)
            with pytest.raises(paramiko.SSHException):
                getattr(channel, ask)(*(["sftp"] if ask == "invoke_subsystem" else []))
            channel.close()
        with pytest.raises(paramiko.ChannelException):
            transport.open_channel("direct-tcpip", ("127.0.0.1", 22), ("127.0.0.1", 1), timeout=10)
        with pytest.raises(paramiko.SSHException):
            transport.request_port_forward("", 0)
    finally:
        transport.close()


def test_one_channel_runs_one_command_and_sessions_are_counted(world: World) -> None:
    transport = login(world, world.key)
    try:
        channel = transport.open_session(timeout=10)
        channel.exec_command("nonsense")
        with pytest.raises(paramiko.SSHException):
            channel.exec_command("nonsense")
        # Paramiko's client closes a channel at a refusal, and may then miss the status of what ran.
        assert channel.recv_exit_status() in (1, -1)
        for _ in range(20):
            transport.open_session(timeout=10).close()
        held = [transport.open_session(timeout=10) for _ in range(10)]
        with pytest.raises(paramiko.ChannelException):
            transport.open_session(timeout=10)
        held[0].close()
        transport.open_session(timeout=10)
    finally:
        transport.close()


def test_many_sessions_one_after_the_other_share_a_connection(world: World) -> None:
    transport = login(world, world.key)
    try:
        for _ in range(30):
            channel = transport.open_session(timeout=10)
            channel.exec_command("nonsense")
            assert channel.recv_exit_status() == 1
            assert b"speaks git alone" in channel.recv_stderr(1000)
            channel.close()
    finally:
        transport.close()


def test_the_environment_carries_gits_protocol_alone(world: World) -> None:
    world.push()
    transport = login(world, world.key)
    try:
        channel = transport.open_session(timeout=10)
        channel.update_environment({"GIT_PROTOCOL": "version=2", "LD_PRELOAD": "/x", "GIT_TRACE": "/tmp/x"})
        channel.exec_command("git-upload-pack '/myapp'")
        assert b"version 2" in channel.recv(100)
        channel.close()
        channel = transport.open_session(timeout=10)
        channel.update_environment({"GIT_PROTOCOL": "version=2\n$(id)"})
        channel.exec_command("git-upload-pack '/myapp'")
        assert b"version 2" not in channel.recv(100)
    finally:
        transport.close()


def test_a_rekey_in_the_middle_of_a_push(world: World) -> None:
    (world.tree / "large").write_bytes(os.urandom(6 << 20))
    world.commit("large")
    environment = world.environment()
    environment["GIT_SSH_COMMAND"] += " -o RekeyLimit=1M"
    subprocess.run(
        ["git", "push", "-q", world.url(), "master:staging"],
        cwd=world.tree,
        env=environment,
        check=True,
        timeout=60,
    )
    assert world.ref("refs/heads/staging") == world.git("rev-parse", "HEAD")


def connect(world: World) -> socket.socket:
    return socket.create_connection(("127.0.0.1", world.port), timeout=20)


def ended(client: socket.socket) -> bool:
    try:
        while client.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n\r\n" * 200, b"\0" * 1000, b"x" * (1 << 20), b"SSH-2.0-x\r\n" + b"\xff" * 5000],
)
def test_garbage_is_hung_up_on(world: World, data: bytes) -> None:
    with connect(world) as client:
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        assert ended(client)
    assert world.push().returncode == 0


def test_a_packet_may_not_claim_gigabytes(world: World) -> None:
    with connect(world) as client:
        client.sendall(b"SSH-2.0-x\r\n" + (1 << 30 | 4).to_bytes(4, "big") + b"\0" * 4)
        assert ended(client)


def test_a_restart_keeps_the_host_key_and_the_repositories(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.push()
    first = world.server.fingerprint
    world.peer.script = accept
    world.restart()
    try:
        assert world.server.fingerprint == first
        world.commit("two")
        assert world.push().returncode == 0
        assert world.ref("refs/heads/staging") == world.git("rev-parse", "HEAD")
    finally:
        world.close()


def test_an_address_in_use_is_a_sentence(world: World) -> None:
    with pytest.raises(CalzionError, match=f"127.0.0.1:{world.port} can't be had"):
        world.new_server(Address("127.0.0.1", world.port)).run()


def test_the_ssh_process_stays_light() -> None:
    """It holds no store and no template language."""
    modules = "('sqlalchemy', 'pydantic', 'falcon')"
    heavy = f"import sys, calzion.sshd.server; print(*[m for m in {modules} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", heavy], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
