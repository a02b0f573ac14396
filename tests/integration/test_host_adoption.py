"""What survives the death of the host daemon, and what is found after it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from calzion.host import procfs
from calzion.model import Exit, InstanceState, Volume
from tests.fakes.host import Host, eventually


class Never:
    def cancelled(self) -> bool:
        return False

    def on_cancel(self, call: Callable[[], None]) -> Callable[[], None]:
        return lambda: None


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path / "data")
    yield host
    host.close()


def runs(host: Host, id_: str) -> bool:
    return host.instance(id_).state is InstanceState.RUNNING


def test_instances_outlive_the_daemon_and_are_adopted(host: Host) -> None:
    specs = [host.spec("exec python3 serve.py") for _ in range(3)]
    host.backend.ensure(specs)
    for spec in specs:
        eventually(lambda spec=spec: host.backend.endpoint(spec.id, spec.ports[""]))
    before = {one.id: one.pid for one in host.backend.instances()}
    host.restart()
    adopted = host.backend.instances()
    assert {one.id: one.pid for one in adopted} == before
    assert all(one.needs_spec and one.state is InstanceState.RUNNING for one in adopted)
    assert host.backend.endpoint(specs[0].id, specs[0].ports[""])
    host.backend.ensure(specs)
    after = host.backend.instances()
    assert {one.id: one.pid for one in after} == before and not any(one.needs_spec for one in after)


def test_an_adopted_instance_is_started_again_when_it_dies(host: Host) -> None:
    spec = host.spec("exec sleep 1000", env={"SECRET": "kept in memory"})
    host.backend.ensure([spec])
    eventually(lambda: runs(host, spec.id))
    host.restart()
    host.backend.ensure([spec])
    pid = host.instance(spec.id).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: runs(host, spec.id) and host.instance(spec.id).restarts == 1)
    assert host.instance(spec.id).exit == Exit(signal="SIGKILL")


def test_without_its_order_an_adopted_instance_waits_when_it_dies(host: Host) -> None:
    spec = host.spec("exec sleep 1000")
    host.backend.ensure([spec])
    eventually(lambda: runs(host, spec.id))
    host.restart()
    pid = host.instance(spec.id).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: host.instance(spec.id).state is InstanceState.WAITING)
    assert host.instance(spec.id).needs_spec
    host.backend.ensure([spec])
    eventually(lambda: runs(host, spec.id))


def test_how_instances_ended_while_no_daemon_watched(host: Host) -> None:
    ended = host.spec("sleep 1000; exit 5", restart=False)
    killed = host.spec("exec sleep 1000")
    host.backend.ensure([ended, killed])
    eventually(lambda: runs(host, ended.id) and runs(host, killed.id))
    pids = {one.id: one.pid for one in host.backend.instances()}
    bash, sleep = pids[ended.id], pids[killed.id]
    assert bash is not None and sleep is not None
    child = eventually(lambda: procfs.children(bash))[0]
    host.kill()
    os.kill(child, signal.SIGTERM)
    os.kill(sleep, signal.SIGTERM)
    eventually(lambda: procfs.start_time(bash) is None and procfs.start_time(sleep) is None)
    host.start()
    assert host.instance(ended.id).state is InstanceState.EXITED
    assert host.instance(ended.id).exit == Exit(status=5)
    assert host.instance(killed.id).state is InstanceState.WAITING
    assert host.instance(killed.id).exit == Exit(signal="SIGTERM")


def test_a_task_goes_on_when_the_daemon_is_started_again(host: Host) -> None:
    host.write("wait.sh", "echo begun; while [ ! -e /data/go ]; do sleep 0.05; done; echo done; exit 4\n")
    spec = host.spec("sh wait.sh", volumes=(Volume(name="web.data", path="/data"),))
    output: list[str] = []
    exits: list[Exit] = []
    runner = threading.Thread(
        target=lambda: exits.append(host.backend.run(spec, output.append, Never())), daemon=True
    )
    runner.start()
    eventually(lambda: output == ["begun"])
    host.restart()
    eventually(lambda: [one.id for one in host.backend.instances()] == [spec.id])
    (host.layout.volumes / "demo" / "web.data" / "go").touch()
    runner.join(30)
    assert exits == [Exit(status=4)] and output == ["begun", "done"]


def test_the_watch_goes_on_with_the_next_daemon(host: Host) -> None:
    told = threading.Event()
    host.backend.watch(told.set)
    eventually(told.is_set)
    told.clear()
    host.restart()
    eventually(told.is_set)


def test_sigterm_ends_the_daemon_alone(host: Host) -> None:
    spec = host.spec("exec sleep 1000")
    host.backend.ensure([spec])
    eventually(lambda: runs(host, spec.id))
    pid = host.instance(spec.id).pid
    host.daemon.terminate()
    assert host.daemon.wait(10) == 0
    assert pid is not None and procfs.start_time(pid) is not None
    host.start()
    assert host.instance(spec.id).pid == pid


def test_a_second_daemon_of_the_same_directory_is_refused(host: Host) -> None:
    host.backend.instances()
    second = subprocess.run(
        [sys.executable, "-m", "calzion.host", "--data", str(host.layout.data)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 1 and "already" in second.stderr
    assert host.backend.instances() == ()


def test_shutting_down_stops_everything(host: Host) -> None:
    specs = [host.spec("exec sleep 1000") for _ in range(3)]
    host.backend.ensure(specs)
    eventually(lambda: all(runs(host, spec.id) for spec in specs))
    pids = [one.pid for one in host.backend.instances()]
    host.backend.shut_down()
    assert host.daemon.wait(10) == 0
    assert not any(procfs.start_time(pid or 0) for pid in pids)


def test_what_tells_nothing_is_removed(host: Host) -> None:
    host.kill()
    torn = host.layout.instances / "demo.web.torn"
    torn.mkdir(parents=True)
    (torn / "record.json").write_text('{"id": "demo')
    host.start()
    assert host.backend.instances() == ()
    eventually(lambda: not torn.exists())
