from __future__ import annotations

import dataclasses
import os
import subprocess

import pytest

from calzion.routing.process import BackOff, HaproxyProcess, ProcessIdentity


def test_back_off_grows_and_is_forgotten() -> None:
    back_off = BackOff()
    assert [back_off.pause(lived=0.1) for _ in range(9)] == [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert back_off.pause(lived=2) == 0


def test_a_process_is_itself_and_no_other() -> None:
    me = ProcessIdentity.of(os.getpid())
    assert me is not None
    assert me.alive
    assert not dataclasses.replace(me, start=me.start + 1).alive
    assert not dataclasses.replace(me, boot="another").alive


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert ProcessIdentity.of(child.pid) is None
    child.wait()


def test_an_adopted_process_that_is_another_is_refused() -> None:
    me = ProcessIdentity.of(os.getpid())
    assert me is not None
    with pytest.raises(ProcessLookupError):
        HaproxyProcess(dataclasses.replace(me, start=me.start + 1))


def test_end_kills_what_does_not_end_in_time() -> None:
    child = subprocess.Popen(["sh", "-c", "trap '' USR1; echo ready; exec sleep 60"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    identity = ProcessIdentity.of(child.pid)
    assert identity is not None
    HaproxyProcess(identity, child).end(grace=0.1)
    assert child.returncode == -9
    child.stdout.close()
