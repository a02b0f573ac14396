from __future__ import annotations

import os
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from calzion.errors import CalzionError
from calzion.gitreceive.child import Child
from calzion.gitreceive.hook import HookPipes, HookRequest, check_hooks, parse_request
from calzion.gitreceive.request import RefUpdate
from calzion.resources import resource

HOOK = resource("hooks") / "pre-receive"
LINE = f"{'a' * 40} {'b' * 40} refs/heads/x"
UPDATE = RefUpdate(old="a" * 40, new="b" * 40, ref="refs/heads/x")


def environment(*options: str) -> dict[str, str]:
    numbered = {f"GIT_PUSH_OPTION_{number}": option for number, option in enumerate(options)}
    return {
        "PATH": os.environ["PATH"],
        "GIT_QUARANTINE_PATH": "/q",
        "GIT_PUSH_OPTION_COUNT": str(len(options)),
    } | numbered


def run(pipes: HookPipes, *options: str, text: str = LINE + "\n") -> Child:
    child = Child(["/bin/sh", str(HOOK)], environment(*options), pipes.inner)
    pipes.close_inner()
    with suppress(BrokenPipeError):  # a hook that refuses may end before it reads
        os.write(child.stdin, text.encode())
    child.close_input()
    return child


def test_the_hook_hands_over_everything_and_obeys() -> None:
    options = ("template=a b", ".", "", "$(exit 9)`exit 9`\\", "=x")
    for accept in (True, False):
        pipes = HookPipes()
        child = run(pipes, *options)
        assert pipes.read_request() == HookRequest(quarantine="/q", options=options, updates=(UPDATE,))
        assert pipes.tell("building\n") and os.read(child.stdout, 100) == b"building\n"
        pipes.decide(accept)
        assert child.wait() == (0 if accept else 1)
        child.close()
        pipes.close()


def test_an_option_with_a_line_break_is_refused() -> None:
    pipes = HookPipes()
    child = run(pipes, "a\n.\n")
    assert child.wait() == 1
    assert b"line break" in os.read(child.stderr, 1000)
    with pytest.raises(ValueError):
        pipes.read_request()
    child.close()
    pipes.close()


def test_a_server_that_vanishes_means_no() -> None:
    pipes = HookPipes()
    child = run(pipes)
    assert pipes.read_request() is not None
    pipes.close()
    assert child.wait() == 1
    child.close()


def test_a_server_that_never_reads_means_no() -> None:
    pipes = HookPipes()
    pipes.stop_reading()
    child = run(pipes, text=(LINE + "\n") * 10)
    pipes.decide(True)
    assert child.wait() != 0
    child.close()
    pipes.close()


@pytest.mark.parametrize("missing", [7, 8, 9])
def test_a_missing_descriptor_means_no(missing: int) -> None:
    pipes = HookPipes()
    inner = {number: fd for number, fd in pipes.inner.items() if number != missing}
    child = Child(["/bin/sh", str(HOOK)], environment(), inner)
    pipes.close_inner()
    child.close_input()
    pipes.decide(True)
    assert child.wait() == 1
    child.close()
    pipes.close()


def test_run_by_anyone_else_the_hook_says_no() -> None:
    done = subprocess.run([str(HOOK)], input=LINE, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "SSH server" in done.stderr


def test_a_git_that_ends_without_asking_is_noticed() -> None:
    pipes = HookPipes()
    pipes.close_inner()
    assert pipes.read_request() is None
    pipes.close()


@pytest.mark.parametrize("options", [[], ["x" * 60_000] * 30], ids=["refs", "options"])
def test_too_long_a_question_is_heard_to_its_end_and_refused(options: list[str]) -> None:
    pipes = HookPipes()
    lines = b"" if options else f"{LINE}\n".encode() * 20_000
    child = Child(["/bin/sh", str(HOOK)], environment(*options), pipes.inner)
    pipes.close_inner()
    feeding = threading.Thread(target=_feed, args=(child, lines))
    feeding.start()
    with pytest.raises(CalzionError, match="too many refs"):
        pipes.read_request()
    assert pipes.tell("no\n") and os.read(child.stdout, 100) == b"no\n"
    pipes.decide(False)
    feeding.join()
    assert child.wait() == 1
    child.close()
    pipes.close()


def _feed(child: Child, lines: bytes) -> None:
    left = memoryview(lines)
    while left:
        left = left[os.write(child.stdin, left) :]
    child.close_input()


@pytest.mark.parametrize(
    "data",
    [b"", b".\n", b"calzion 1\n\n0\n.\nx", b"calzion 2\n\n0\n.\n", b"calzion 1\n\n2\n=a\n.\n"]
    + [
        b"calzion 1\n\nx\n.\n",
        b"calzion 1\n\n-1\n.\n",
        b"calzion 1\n\n1\na\n.\n",
        b"calzion 1\n\n0\na b\n.\n",
    ],
)
def test_malformed_questions_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        parse_request(data)


def test_hooks_that_git_would_ignore_are_found(tmp_path: Path) -> None:
    with pytest.raises(CalzionError, match="missing"):
        check_hooks(tmp_path)
    (tmp_path / "pre-receive").write_text("#!/bin/sh\n")
    (tmp_path / "pre-receive").chmod(0o644)
    with pytest.raises(CalzionError, match="not executable"):
        check_hooks(tmp_path)
    (tmp_path / "pre-receive").chmod(0o755)
    check_hooks(tmp_path)
    with pytest.raises(CalzionError, match="absolute"):
        check_hooks(Path("hooks"))
