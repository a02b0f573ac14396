"""Strangers at the SSH server of a whole Calzion, and clients that ask for more than git: what is left is as before."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
import pytest

from tests.hostile import ssh
from tests.hostile.client import packet
from tests.hostile.state import git_processes, is_as, peak, state_of
from tests.stories.apps import web
from tests.stories.site import Repository, Site, eventually

ENOUGH = 200 << 20
"""Bytes of memory that the SSH server may ever need."""

CONNECTIONS = 1_000


@pytest.fixture(scope="module")
def flags() -> tuple[str, ...]:
    return ("--ssh-handshake-timeout", "4", "--ssh-login-timeout", "6")


@pytest.fixture(scope="module")
def steady(site: Site) -> Repository:
    repository = site.repository("steady", web("steady"))
    assert repository.push("steady").status == 0
    return repository


@pytest.fixture
def port(site: Site, steady: Repository) -> Iterator[int]:
    """Of the server, which is afterwards as before: repositories, processes, threads, descriptors; and serves."""
    pid, before = site.pid("sshd"), state_of(site.data)
    eventually(lambda: footprint(pid)[0] == 1, "a quiet server")
    shape = footprint(pid)
    yield site.ssh
    eventually(lambda: not git_processes(site.data), "the end of git")
    eventually(lambda: is_as(site.data, before), "nothing to be left of it")
    eventually(lambda: footprint(pid) == shape, f"{footprint(pid)} to become {shape}")
    assert site.pid("sshd") == pid and peak(pid) < ENOUGH
    steady.commit({})
    assert steady.push("steady").status == 0 and '"steady"' in site.get("steady")[1]


def footprint(pid: int) -> tuple[int, int]:
    """How many threads and descriptors a process has."""
    return len(list(Path(f"/proc/{pid}/task").iterdir())), len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.fixture
def known(site: Site, port: int) -> Iterator[paramiko.Transport]:
    """The connection of a user."""
    with ssh.stranger(port) as transport:
        transport.auth_publickey("git", key_of(site))
        yield transport


def key_of(site: Site) -> paramiko.PKey:
    return paramiko.Ed25519Key.from_private_key_file(str(site.root / "alice"))


REQUESTS: dict[str, tuple[object, ...]] = {
    "pty-req": ("xterm", 80, 24, 0, 0, b""),
    "x11-req": (False, "MIT-MAGIC-COOKIE-1", "00", 0),
    "auth-agent-req@openssh.com": (),
    "subsystem": ("sftp",),
    "env": ("LD_PRELOAD", "/tmp/evil.so"),
    "window-change": (80, 24, 0, 0),
    "signal": ("KILL",),
    "no-such-thing": (),
}


def test_a_session_is_for_git_alone(known: paramiko.Transport) -> None:
    for kind, details in REQUESTS.items():
        channel = known.open_session(timeout=20)
        asked = ssh.message(b"\x62", channel.remote_chanid, kind, True, *details)
        with pytest.raises(paramiko.SSHException):
            ask(channel, asked)
    channel = known.open_session(timeout=20)
    channel.invoke_shell()
    assert b"speaks git alone" in channel.makefile_stderr().read() and channel.recv_exit_status() == 1


def ask(channel: paramiko.Channel, asked: paramiko.Message) -> None:
    """Raises SSHException for a no."""
    channel._event_pending()  # type: ignore[attr-defined]
    channel.get_transport()._send_user_message(asked)  # type: ignore[attr-defined]
    channel._wait_for_event()  # type: ignore[attr-defined]


def test_a_connection_has_nothing_but_sessions(known: paramiko.Transport) -> None:
    for kind in ("tcpip-forward", "streamlocal-forward@openssh.com", "no-such@example"):
        assert known.global_request(kind, ("127.0.0.1", 2222), wait=True) is None, kind
    for kind in ("direct-tcpip", "forwarded-tcpip", "x11"):
        with pytest.raises(paramiko.ChannelException):
            known.open_channel(kind, ("127.0.0.1", 22), ("127.0.0.1", 1), timeout=20)
    for kind in (
        "auth-agent@openssh.com",
        "direct-streamlocal@openssh.com",
        "tun@openssh.com",
        "",
        "session\0",
    ):
        with pytest.raises(paramiko.ChannelException):
            known.open_channel(kind, timeout=20)
    assert known.open_session(timeout=20)


def test_nothing_is_done_for_who_has_not_logged_in(port: int) -> None:
    for name, asked in ssh.premature().items():
        with ssh.stranger(port) as transport:
            transport.packetizer.send_message(asked)
            with pytest.raises((paramiko.SSHException, EOFError, OSError)):
                transport.open_session(timeout=20)
            assert not transport.is_authenticated(), name
        with ssh.connect(port) as client:  # and before there are any keys
            client.sendall(ssh.VERSION + in_clear(asked.asbytes()))
            assert ssh.hung_up(client), name


def in_clear(payload: bytes) -> bytes:
    padding = 8 + 3 - len(payload) % 8
    return (1 + len(payload) + padding).to_bytes(4, "big") + bytes([padding]) + payload + bytes(padding)


def test_no_signature_but_the_keys_own_proves_anything(site: Site, port: int) -> None:
    other = site.root / "other"
    if not other.exists():
        site.add_key("other")
    for name, forged in ssh.forgeries(site.root / "alice", other).items():
        with ssh.stranger(port) as transport:
            with pytest.raises((paramiko.SSHException, EOFError)):
                transport.auth_publickey("git", forged)
            with pytest.raises((paramiko.SSHException, EOFError)):
                transport.open_session(timeout=20)
            assert not transport.is_authenticated(), name


def test_the_slow_do_not_stay(port: int, steady: Repository) -> None:
    """Who says nothing, who never ends its version, its first packet, and who never logs in."""

    def half_a_packet(client: socket.socket) -> bool:
        client.sendall(ssh.VERSION + (1000).to_bytes(4, "big") + b"\4\x14")
        return ssh.drip(client, b"\0" * 900)

    def no_login() -> bool:
        with ssh.stranger(port) as transport:
            while transport.is_active():
                transport.send_ignore(8)
                transport.join(0.1)
            return True

    kinds: dict[str, Callable[[], bool]] = {
        "says nothing": lambda: ssh.hung_up(ssh.connect(port)),
        "never ends its version": lambda: ssh.drip(ssh.connect(port), b"SSH-2.0-" + b"x" * 900),
        "never ends its packet": lambda: half_a_packet(ssh.connect(port)),
        "never logs in": no_login,
    }
    ended: dict[str, bool] = {}

    def play(name: str) -> None:
        try:
            ended[name] = kinds[name]()
        except (OSError, EOFError, paramiko.SSHException):
            ended[name] = True

    players = [threading.Thread(target=play, args=(name,)) for name in kinds for _ in range(5)]
    for player in players:
        player.start()
    steady.commit({})
    assert steady.git("ls-remote", "calzion"), "nobody waits for them"
    for player in players:
        player.join()
    assert ended == dict.fromkeys(kinds, True)


def test_garbage_gets_nowhere(site: Site, port: int) -> None:
    for size in (7, 1_000, 300_000):
        for begin in (b"", ssh.VERSION):
            with ssh.connect(port) as client:
                send_all(client, begin + os.urandom(size))
                assert ssh.hung_up(client)
        for known in (False, True):
            with ssh.stranger(port) as transport:
                if known:
                    transport.auth_publickey("git", key_of(site))
                send_all(transport.sock, os.urandom(size))
                assert ended(transport)


def ended(transport: paramiko.Transport) -> bool:
    return bool(eventually(lambda: not transport.is_active(), "the connection's end"))


def send_all(client: socket.socket, data: bytes) -> None:
    """And nothing after that."""
    try:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
    except OSError:
        return


def test_a_gibibyte_is_not_waited_for(site: Site, port: int) -> None:
    claim = ssh.GIBIBYTE.to_bytes(4, "big") + b"\4" + bytes(1 << 16)
    with ssh.connect(port) as client:
        client.sendall(ssh.VERSION + claim)
        assert ssh.hung_up(client)
    for cipher in ("aes128-gcm@openssh.com", "aes128-ctr"):
        transport = paramiko.Transport(("127.0.0.1", port))
        transport.get_security_options().ciphers = (cipher,)
        transport.connect(username="git", pkey=key_of(site))
        transport.sock.sendall(claim)
        assert ended(transport)
        transport.close()


def test_a_thousand_connections_keep_nobody_out(port: int, site: Site, steady: Repository) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * CONNECTIONS), hard))
    clients = [ssh.connect(port) for _ in range(CONNECTIONS)]
    try:
        elsewhere = steady.environment["GIT_SSH_COMMAND"] + " -b 127.0.0.2"
        listed = subprocess.run(
            ["git", "-C", str(steady.path), "ls-remote", "calzion"],
            env={**steady.environment, "GIT_SSH_COMMAND": elsewhere},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "refs/heads/steady" in listed.stdout, listed.stderr
        assert footprint(site.pid("sshd"))[1] < 300
        told = b"".join(client.recv(1000) for client in clients)
        assert told.count(b"64 logins at once from 127.0.0.1") >= CONNECTIONS - 200
        log = (site.data / "logs" / "sshd.log").read_text()
        assert 1 <= log.count("64 logins at once from 127.0.0.1") < 5
    finally:
        for client in clients:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_client_that_vanishes_in_the_middle_of_a_pack_leaves_nothing(
    known: paramiko.Transport, site: Site
) -> None:
    new = packet(b"0" * 40 + b" " + b"1" * 40 + b" refs/heads/steady\0 report-status side-band-64k")
    for name in ("steady", "never-seen"):
        channel = known.open_session(timeout=20)
        channel.exec_command(f"git-receive-pack '/{name}.git'")
        channel.sendall(new + b"0000" + half_a_pack())
        assert channel.recv(4)
    eventually(lambda: len(git_processes(site.data)) >= 2, "git at work")
    known.sock.shutdown(socket.SHUT_RDWR)


def half_a_pack() -> bytes:
    """Two blobs are said to come; of the first, a million bytes, there is one half."""
    size = 1_000_000
    head = bytes([0xB0 | size & 15, 0x80 | size >> 4 & 127, 0x80 | size >> 11 & 127, size >> 18])
    return b"PACK\0\0\0\2\0\0\0\2" + head + zlib.compress(os.urandom(size))[: size // 2]
