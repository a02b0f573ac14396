"""One side is a fake command, the other a client that may do anything."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from calzion.controller.attachment import Attachment
from calzion.frames import (
    END_OF_INPUT,
    EXIT,
    INPUT,
    OUTPUT,
    RESIZE,
    SIGNAL,
    TAKEN,
    WINDOW,
    frame,
    frames,
    read_exit,
    size_frame,
)
from calzion.model import DeploymentName, Exit, RunSpec, ServiceName, Stop, TerminalSize
from tests.fakes.backend import FakeAttached, Program


@dataclass
class Session:
    attached: FakeAttached
    client: socket.socket
    ends: list[Exit] = field(default_factory=list)

    def received(self) -> list[tuple[bytes, bytes]]:
        return list(frames(self.client.makefile("rb")))


@pytest.fixture
def session() -> Iterator[Session]:
    spec = RunSpec(
        id="one",
        deployment=DeploymentName("demo"),
        service=ServiceName("web"),
        process_type="run",
        release=1,
        stop=Stop(signal="SIGHUP"),
    )
    client, server = socket.socketpair()
    session = Session(FakeAttached(spec, Program(copies=True), TerminalSize()), client)
    attachment = Attachment(session.attached, server, server.makefile("rb"))
    thread = threading.Thread(target=lambda: session.ends.append(attachment.run()))
    thread.start()
    yield session
    client.close()
    thread.join(30)
    server.close()
    assert session.ends, "the command did not end with its client"


def test_input_is_taken_and_comes_back(session: Session) -> None:
    session.client.sendall(frame(INPUT, b"hello") + frame(END_OF_INPUT))
    found = session.received()
    assert (OUTPUT, b"hello") in found and (TAKEN, b"5") in found
    assert found[-1][0] == EXIT and read_exit(found[-1][1]) == Exit(status=0)


def test_sizes_and_signals(session: Session) -> None:
    size = TerminalSize(rows=3, columns=4)
    session.client.sendall(size_frame(size) + frame(SIGNAL, b"SIGSTOP") + frame(SIGNAL, b"SIGINT"))
    assert read_exit(session.received()[-1][1]) == Exit(signal="SIGINT"), "SIGSTOP is not for clients"
    assert session.attached.sizes[-1] == size


@pytest.mark.parametrize(
    "nonsense",
    [frame(RESIZE, b"{}"), frame(RESIZE, b"no json"), frame(INPUT, bytes(WINDOW + 1)), b"x" * 5],
)
def test_a_client_that_talks_nonsense_ends_it(session: Session, nonsense: bytes) -> None:
    session.client.sendall(nonsense)
    session.client.shutdown(socket.SHUT_WR)
    assert read_exit(session.received()[-1][1]) == Exit(signal="SIGHUP")


def test_a_client_that_is_gone_ends_it(session: Session) -> None:
    session.client.close()
