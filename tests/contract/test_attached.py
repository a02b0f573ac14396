"""What whoever attaches to a task may rely on."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from calzion.backends.protocol import Attached
from calzion.errors import CalzionError
from calzion.model import Exit, Stop, TerminalSize
from tests.contract.conftest import COPY, DIES, FAIL, STUBBORN, TALK, Stage
from tests.fakes.host import eventually

SIZE = TerminalSize(rows=30, columns=100)
HANGS_UP = Stop(signal="SIGHUP", timeout=0.5)


def written(attached: Attached) -> bytes:
    """All until the end of its output."""
    return b"".join(data for _, data in iter(attached.read, None))


def read_until(attached: Attached, wanted: bytes) -> bytes:
    seen = b""
    while wanted not in seen and (chunk := attached.read()):
        seen += chunk[1]
    return seen


@pytest.mark.parametrize("terminal", [None, SIZE])
@pytest.mark.parametrize(
    ("command", "output", "exit_"),
    [(FAIL, b"failing\n", Exit(status=3)), (DIES, b"", Exit(signal="SIGSEGV"))],
)
def test_output_and_end(
    stage: Stage, command: str, output: bytes, exit_: Exit, terminal: TerminalSize | None
) -> None:
    attached = stage.backend.attach(stage.spec(command), terminal)
    assert written(attached).replace(b"\r\n", b"\n") == output
    assert attached.wait() == exit_
    attached.close()
    eventually(lambda: stage.backend.instances() == ())


def test_input_is_read_until_its_end(stage: Stage) -> None:
    attached = stage.backend.attach(stage.spec(COPY), None)
    blocks = [bytes([number]) * 50_000 for number in range(256)]

    def feed() -> None:
        for block in blocks:
            attached.write(block)
        attached.end_input()

    feeder = threading.Thread(target=feed)
    feeder.start()
    assert written(attached) == b"".join(blocks)
    assert attached.wait() == Exit(status=0)
    feeder.join()
    attached.close()


def test_a_terminal_takes_input_and_other_sizes(stage: Stage) -> None:
    attached = stage.backend.attach(stage.spec(COPY), SIZE)
    attached.write(b"typed\n")
    assert b"typed" in read_until(attached, b"typed")
    attached.resize(TerminalSize(rows=10, columns=20))
    attached.end_input()
    written(attached)
    assert attached.wait() == Exit(status=0)
    attached.close()


@pytest.mark.parametrize("terminal", [None, SIZE])
def test_a_signal_reaches_it(stage: Stage, terminal: TerminalSize | None) -> None:
    attached = stage.backend.attach(stage.spec(TALK), terminal)
    read_until(attached, b"three")
    attached.signal("SIGINT")
    written(attached)
    assert attached.wait() == Exit(signal="SIGINT")
    attached.close()


@pytest.mark.parametrize("terminal", [None, SIZE])
@pytest.mark.parametrize(("command", "ready"), [(TALK, b"three"), (STUBBORN, b"ready")])
def test_hanging_up_ends_it(stage: Stage, command: str, ready: bytes, terminal: TerminalSize | None) -> None:
    attached = stage.backend.attach(stage.spec(command, stop=HANGS_UP), terminal)
    read_until(attached, ready)
    attached.hang_up()
    written(attached)
    attached.close()
    eventually(lambda: stage.backend.instances() == ())


def test_what_can_not_start(stage: Stage) -> None:
    for spec in (stage.spec(""), stage.spec(COPY, slug=Path("/nowhere"), env={"NO-NAME": "x"})):
        with pytest.raises(CalzionError) as caught:
            stage.backend.attach(spec, None)
        assert caught.value.code == "start"
