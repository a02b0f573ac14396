from __future__ import annotations

import io

import pytest

from calzion.frames import (
    EXIT,
    INPUT,
    MOST,
    RESIZE,
    exit_frame,
    frame,
    frames,
    read_exit,
    read_size,
    size_frame,
)
from calzion.model import Exit, TerminalSize


def test_frames_come_back_as_they_were_sent() -> None:
    size, exit_ = TerminalSize(rows=1, columns=2), Exit(signal="SIGHUP")
    sent = frame(INPUT, b"\0\xff\n") + frame(INPUT) + size_frame(size) + exit_frame(exit_)
    found = list(frames(io.BytesIO(sent)))
    assert found[:2] == [(INPUT, b"\0\xff\n"), (INPUT, b"")]
    assert [kind for kind, _ in found[2:]] == [RESIZE, EXIT]
    assert (read_size(found[2][1]), read_exit(found[3][1])) == (size, exit_)


def test_a_torn_one_is_none_and_a_huge_one_is_refused() -> None:
    assert list(frames(io.BytesIO(frame(INPUT, b"whole") + frame(INPUT, b"torn")[:-1]))) == [
        (INPUT, b"whole")
    ]
    with pytest.raises(ValueError, match="too large"):
        list(frames(io.BytesIO(frame(INPUT, bytes(MOST + 1)))))


@pytest.mark.parametrize(
    ("exit_", "code"),
    [
        (Exit(status=0), 0),
        (Exit(status=3), 3),
        (Exit(signal="SIGHUP"), 129),
        (Exit(signal="SIGKILL", oom=True), 137),
        (Exit(oom=True), 137),
        (Exit(status=1, oom=True), 1),
    ],
)
def test_exit_codes_are_those_of_a_shell(exit_: Exit, code: int) -> None:
    assert exit_.code == code
