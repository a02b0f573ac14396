"""The fast path and Paramiko's own give clients the same: also with new keys all the time, and clients that stall."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from paramiko.common import MSG_KEXINIT
from paramiko.packet import Packetizer

from calzion.sshd import fastpath
from calzion.sshd.fastpath import FastPacketizer, Inlet
from tests.fakes.push_peer import World, eventually

CIPHERS = ["", "aes128-gcm@openssh.com", "aes256-ctr"]


@pytest.fixture(params=[True, False], ids=["fast", "stock"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, fast=request.param)
    yield world
    world.close()


def run(world: World, *words: str, options: str = "") -> None:
    environment = world.environment()
    environment["GIT_SSH_COMMAND"] += f" {options}"
    subprocess.run(["git", *words], cwd=world.tree, env=environment, check=True, timeout=60)


def test_the_fast_path_works_with_the_paramiko_that_is_installed() -> None:
    assert fastpath.works()


def test_another_paramiko_is_gone_along_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(paramiko.Channel, "_check_add_window")
    assert not fastpath.works()
    assert "slower than they could be" in caplog.text


@pytest.mark.parametrize("cipher", CIPHERS)
def test_new_keys_every_megabyte_in_both_directions(
    world: World, cipher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Packetizer, "REKEY_BYTES", 1 << 20)
    (world.tree / "large").write_bytes(os.urandom(9 << 20))
    head = world.commit("large")
    options = "-o RekeyLimit=1M" + (f" -c {cipher}" if cipher else "")
    run(world, "push", "-q", world.url(), "master:staging", options=options)
    assert world.ref("refs/heads/staging") == head
    run(world, "clone", "-q", "-b", "staging", world.url(), str(world.root / "copy"), options=options)
    assert (world.root / "copy/large").read_bytes() == (world.tree / "large").read_bytes()


def test_a_client_that_sends_much_is_led_to_the_fast_cipher(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    packets: list[int] = []
    decrypt = FastPacketizer._decrypt

    def counted(self: FastPacketizer) -> bytes:
        packets.append(1)
        return decrypt(self)

    monkeypatch.setattr(FastPacketizer, "_decrypt", counted)
    (world.tree / "large").write_bytes(os.urandom(6 << 20))
    head = world.commit("large")
    run(world, "push", "-q", world.url(), "master:staging")
    assert world.ref("refs/heads/staging") == head
    assert bool(packets) is world._config["fast"]


def test_a_client_that_stops_reading_blocks_itself_alone(world: World) -> None:
    (world.tree / "large").write_bytes(os.urandom(24 << 20))
    world.commit("large")
    assert world.push().returncode == 0
    transport = paramiko.Transport(("127.0.0.1", world.port), default_window_size=1 << 16)
    transport.connect(username="x", pkey=paramiko.Ed25519Key.from_private_key_file(str(world.key)))
    head = world.git("rev-parse", "HEAD")
    channel = transport.open_session(timeout=10)
    channel.exec_command("git-upload-pack '/myapp'")
    want = f"want {head}\n".encode()
    channel.sendall(b"%04x%s" % (len(want) + 4, want) + b"00000009done\n")
    world.commit("two")
    assert world.push().returncode == 0
    transport.close()
    eventually(lambda: not any(each.is_busy for each in world.server._gate.connections), "the session's end")


def test_git_that_reads_nothing_holds_up_no_other_session(tmp_path: Path) -> None:
    """What it does not take is kept, up to the window, and the connection goes on with what else comes."""
    gate, programs = tmp_path / "gate", tmp_path / "programs"
    os.mkfifo(gate)
    programs.mkdir()
    git = shutil.which("git")
    (programs / "git").write_text(
        f'#!/bin/sh\ncase "$*" in *receive-pack*) exec cat {gate} ;; esac\nexec {git} "$@"\n'
    )
    (programs / "git").chmod(0o755)
    world = World(tmp_path, search_path=f"{programs}:/usr/bin:/bin")
    transport = paramiko.Transport(("127.0.0.1", world.port))
    try:
        transport.connect(username="x", pkey=paramiko.Ed25519Key.from_private_key_file(str(world.key)))
        stuck = transport.open_session(timeout=10)
        stuck.exec_command("git-receive-pack '/myapp'")
        stuck.sendall(b"x" * (2 << 20))
        other = transport.open_session(timeout=10)
        other.exec_command("nonsense")
        assert other.recv_exit_status() == 1
        gate.write_text("git has ended\n")
        assert stuck.makefile().read() == b"git has ended\n"
        assert stuck.recv_exit_status() == 1
    finally:
        transport.close()
        world.close()


def test_what_comes_before_anyone_takes_it_is_kept_in_order() -> None:
    channel = paramiko.Channel(1)
    channel._set_window(1 << 20, 1 << 15)  # type: ignore[attr-defined]
    inlet = Inlet(channel)
    for part in (b"one", memoryview(b"two"), b"three"):
        inlet.feed(part)
    inlet.close()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    inlet.run(writing)
    os.close(writing)
    assert os.read(reading, 100) == b"onetwothree" and inlet.head[:4] == b"onet"
    os.close(reading)


class Guessing(paramiko.Transport):
    """A client that sends a first packet for the key exchange that it likes best, before anything is agreed."""

    def _send_message(self, message: paramiko.Message) -> None:
        body = message.asbytes()
        if body[0] != MSG_KEXINIT:
            super()._send_message(message)  # type: ignore[misc]
            return
        self.local_kex_init = body[:-5] + b"\1" + body[-4:]
        guess = paramiko.Message()
        guess.add_byte(b"\x1e")
        guess.add_string(os.urandom(32))
        for each in (paramiko.Message(self.local_kex_init), guess):
            super()._send_message(each)  # type: ignore[misc]


def test_a_wrong_guess_of_the_key_exchange_is_passed_over(world: World) -> None:
    """Dropbear's client makes one (RFC 4253, 7)."""
    client = Guessing(("127.0.0.1", world.port))
    client.get_security_options().kex = ("curve25519-sha256@libssh.org",)
    client.connect(username="x", pkey=paramiko.Ed25519Key.from_private_key_file(str(world.key)))
    client.close()
