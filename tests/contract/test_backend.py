"""What the controller may rely on, whatever runs the instances."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from calzion.backends.protocol import Backend
from calzion.errors import CalzionError
from calzion.model import DeploymentName, Endpoint, Exit, Instance, InstanceState, Stop, Volume
from tests.contract.conftest import (
    ALOOF,
    BUSY,
    DIES,
    FAIL,
    FINE,
    IDLE,
    KEEP,
    KEPT,
    SERVE,
    STUBBORN,
    TALK,
    Stage,
)
from tests.fakes.host import eventually

DEMO = DeploymentName("demo")


class Cancel:
    """A cancellation that a test triggers."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def cancelled(self) -> bool:
        return self.event.is_set()

    def on_cancel(self, call: Callable[[], None]) -> Callable[[], None]:
        return lambda: None


def find(backend: Backend, id_: str) -> Instance | None:
    return next((one for one in backend.instances() if one.id == id_), None)


def reaches(backend: Backend, id_: str, state: InstanceState) -> Instance:
    def look() -> Instance | None:
        found = find(backend, id_)
        return found if found and found.state is state else None

    found = eventually(look)
    assert found is not None
    return found


def test_an_instance_that_was_ordered_runs(stage: Stage) -> None:
    spec = stage.spec(IDLE)
    stage.backend.ensure([spec])
    instance = reaches(stage.backend, spec.id, InstanceState.RUNNING)
    assert (instance.deployment, instance.service, instance.process_type) == ("demo", "web", "web")
    assert (instance.release, instance.ports, instance.restarts) == (7, spec.ports, 0)
    assert instance.pid is not None and not instance.needs_spec


def test_one_that_runs_is_adopted_and_not_restarted(stage: Stage) -> None:
    spec = stage.spec(IDLE)
    stage.backend.ensure([spec])
    before = reaches(stage.backend, spec.id, InstanceState.RUNNING)
    stage.backend.ensure([spec])
    after = find(stage.backend, spec.id)
    assert after is not None and after.started == before.started and after.restarts == 0


def test_one_with_nothing_to_do_rests(stage: Stage) -> None:
    idle, busy = stage.spec(IDLE), stage.spec(BUSY)
    stage.backend.ensure([idle, busy])
    reaches(stage.backend, busy.id, InstanceState.RUNNING)
    eventually(lambda: stage.backend.rests(idle.id))
    eventually(lambda: not stage.backend.rests(busy.id))
    assert not stage.backend.rests("unknown")


@pytest.mark.parametrize(("command", "waiting"), [(SERVE, 0), (ALOOF, 1)])
def test_whether_a_server_accepts_what_comes(stage: Stage, command: str, waiting: int) -> None:
    spec = stage.spec(command)
    stage.backend.ensure([spec])
    (port,) = spec.ports.values()
    eventually(lambda: stage.backend.listening(spec.id) == (port,))
    with contextlib.suppress(ConnectionRefusedError):  # there is nothing behind the fake's ports
        host = find(stage.backend, spec.id).address if stage.backend.containers else "127.0.0.1"
        socket.create_connection((host, port)).close()
    eventually(lambda: stage.backend.unaccepted(spec.id, port) == waiting)


def test_stopping_ends_it_for_good(stage: Stage) -> None:
    spec = stage.spec(IDLE)
    stage.backend.ensure([spec])
    reaches(stage.backend, spec.id, InstanceState.RUNNING)
    stage.backend.stop([spec.id, "unknown"])
    instance = find(stage.backend, spec.id)
    assert instance is not None and instance.state is InstanceState.EXITED
    assert instance.exit == Exit(signal="SIGTERM") and instance.pid is None


def test_stopping_at_once_leaves_nothing(stage: Stage) -> None:
    specs = [stage.spec(IDLE) for _ in range(5)]
    stage.backend.ensure(specs)
    stage.backend.stop([spec.id for spec in specs])
    assert {one.state for one in stage.backend.instances()} == {InstanceState.EXITED}


def test_a_stopped_one_starts_when_ordered_again(stage: Stage) -> None:
    spec = stage.spec(IDLE)
    stage.backend.ensure([spec])
    stage.backend.stop([spec.id])
    stage.backend.ensure([spec])
    assert reaches(stage.backend, spec.id, InstanceState.RUNNING).pid


def test_the_stop_signal_is_the_one_that_was_ordered(stage: Stage) -> None:
    spec = stage.spec(IDLE, stop=Stop(signal="SIGINT", timeout=10))
    stage.backend.ensure([spec])
    reaches(stage.backend, spec.id, InstanceState.RUNNING)
    stage.backend.stop([spec.id])
    instance = find(stage.backend, spec.id)
    assert instance is not None and instance.exit == Exit(signal="SIGINT")


def test_what_ignores_the_stop_signal_is_killed(stage: Stage) -> None:
    spec = stage.spec(STUBBORN, stop=Stop(timeout=0.3))
    stage.backend.ensure([spec])
    eventually(lambda: stage.backend.tail(spec.id, 1) == ["ready"])
    stage.backend.stop([spec.id])
    instance = find(stage.backend, spec.id)
    assert instance is not None and instance.exit == Exit(signal="SIGKILL")


def test_one_that_ends_is_started_again_after_a_pause(stage: Stage) -> None:
    spec = stage.spec(FAIL)
    stage.backend.ensure([spec])
    assert reaches(stage.backend, spec.id, InstanceState.WAITING).exit == Exit(status=3)

    def restarted() -> bool:
        instance = find(stage.backend, spec.id)
        return instance is not None and instance.restarts >= 1

    eventually(restarted)


def test_a_waiting_one_can_be_stopped(stage: Stage) -> None:
    spec = stage.spec(FAIL)
    stage.backend.ensure([spec])
    reaches(stage.backend, spec.id, InstanceState.WAITING)
    stage.backend.stop([spec.id])
    instance = find(stage.backend, spec.id)
    assert instance is not None and instance.state is InstanceState.EXITED


def test_one_that_is_not_to_be_restarted_stays_ended(stage: Stage) -> None:
    spec = stage.spec(DIES, restart=False)
    stage.backend.ensure([spec])
    instance = reaches(stage.backend, spec.id, InstanceState.EXITED)
    assert instance.exit == Exit(signal="SIGSEGV") and instance.restarts == 0


def test_orders_that_nothing_can_carry_out_are_refused(stage: Stage) -> None:
    for spec in (
        stage.spec(IDLE, env={"NO-NAME": "x"}),
        stage.spec(""),
        stage.spec(IDLE, stop=Stop(signal="SIGNONE")),
        stage.spec(IDLE, volumes=(Volume(name="data", path="/etc/data"),)),
        stage.spec(IDLE, volumes=(Volume(name="..", path="/data"),)),
    ):
        with pytest.raises(CalzionError) as caught:
            stage.backend.ensure([spec])
        assert caught.value.code == "start"
        assert find(stage.backend, spec.id) is None


def test_forgetting_leaves_nothing(stage: Stage) -> None:
    spec = stage.spec(TALK)
    stage.backend.ensure([spec])
    eventually(lambda: stage.backend.tail(spec.id, 9) == ["one", "two", "three"])
    stage.backend.stop([spec.id])
    assert stage.backend.tail(spec.id, 2) == ["two", "three"]
    stage.backend.forget([spec.id, "unknown"])
    assert find(stage.backend, spec.id) is None
    assert stage.backend.tail(spec.id, 2) == []


def test_forgetting_by_several_at_once_is_no_failure(stage: Stage) -> None:
    spec = stage.spec(IDLE)
    stage.backend.ensure([spec])
    with ThreadPoolExecutor(max_workers=4) as pool:
        for result in [pool.submit(stage.backend.forget, [spec.id]) for _ in range(4)]:
            result.result()
    assert find(stage.backend, spec.id) is None


def test_an_endpoint_is_told_once_it_accepts(stage: Stage) -> None:
    spec = stage.spec(SERVE)
    port = spec.ports[""]
    assert stage.backend.endpoint(spec.id, port) is None
    stage.backend.ensure([spec])
    host = "127.0.0.1"
    found = eventually(lambda: stage.backend.endpoint(spec.id, port))
    if stage.backend.containers:
        host = reaches(stage.backend, spec.id, InstanceState.RUNNING).address
    assert found == Endpoint(host, port)
    assert stage.backend.listening(spec.id) == (port,)
    stage.backend.stop([spec.id])
    assert stage.backend.endpoint(spec.id, port) is None
    assert stage.backend.listening(spec.id) == ()


def test_one_that_does_not_listen_has_no_endpoint(stage: Stage) -> None:
    spec = stage.spec(IDLE)
    stage.backend.ensure([spec])
    reaches(stage.backend, spec.id, InstanceState.RUNNING)
    assert stage.backend.endpoint(spec.id, spec.ports[""]) is None
    assert stage.backend.listening(spec.id) == ()


def test_logs_of_several_instances(stage: Stage) -> None:
    began = time.time()
    first, second = stage.spec(TALK), stage.spec(TALK)
    stage.backend.ensure([first, second])
    for spec in (first, second):
        eventually(lambda spec=spec: len(stage.backend.tail(spec.id, 9)) == 3)
    lines = list(stage.backend.logs([second.id, first.id], 1, follow=False))
    assert sorted((line.instance, line.text) for line in lines) == [(first.id, "three"), (second.id, "three")]
    times = [line.time for line in lines]
    assert times == sorted(times) and began - 1 <= times[0] <= times[1] <= time.time() + 1


def test_following_logs_ends_when_it_is_closed(stage: Stage) -> None:
    spec = stage.spec(FAIL)
    stage.backend.ensure([spec])
    stream = stage.backend.logs([spec.id], 0, follow=True)
    assert next(stream).text == "failing"  # that of a later start
    stage.backend.stop([spec.id])
    closer = threading.Timer(0.2, stream.close)
    closer.start()
    assert all(line.text == "failing" for line in stream)
    closer.join()


@pytest.mark.parametrize(
    ("command", "exit_", "lines"),
    [(FAIL, Exit(status=3), ["failing"]), (FINE, Exit(status=0), []), (DIES, Exit(signal="SIGSEGV"), [])],
)
def test_a_task_runs_once_and_tells_how_it_ended(
    stage: Stage, command: str, exit_: Exit, lines: list[str]
) -> None:
    output: list[str] = []
    assert stage.backend.run(stage.spec(command), output.append, Cancel()) == exit_
    assert output == lines
    assert stage.backend.instances() == ()


def test_a_task_can_be_cancelled(stage: Stage) -> None:
    cancel = Cancel()

    def output(line: str) -> None:
        if line == "three":
            cancel.event.set()

    assert stage.backend.run(stage.spec(TALK), output, cancel) == Exit(signal="SIGTERM")


def test_a_command_inside_an_instance(stage: Stage) -> None:
    spec = stage.spec(IDLE)
    stage.backend.ensure([spec])
    reaches(stage.backend, spec.id, InstanceState.RUNNING)
    assert stage.backend.check(spec.id, stage.spec(FINE)) == Exit(status=0)
    assert stage.backend.check(spec.id, stage.spec(FAIL)) == Exit(status=3)
    with pytest.raises(CalzionError) as caught:
        stage.backend.check("unknown", stage.spec(FINE))
    assert caught.value.code == "not_found"


def test_changes_are_told(stage: Stage) -> None:
    told = threading.Event()
    stage.backend.watch(told.set)
    eventually(told.is_set)
    told.clear()
    spec = stage.spec(IDLE)
    stage.backend.ensure([spec])
    eventually(told.is_set)
    reaches(stage.backend, spec.id, InstanceState.RUNNING)
    told.clear()
    stage.backend.stop([spec.id])
    eventually(told.is_set)


def test_volumes_stay_until_their_deployment_is_removed(stage: Stage) -> None:
    spec = stage.spec(IDLE, volumes=(Volume(name="web.data", path="/data"),))
    assert stage.backend.volumes(DEMO) == {}
    stage.backend.ensure([spec])
    stage.backend.stop([spec.id])
    stage.backend.forget([spec.id])
    assert list(stage.backend.volumes(DEMO)) == ["web.data"]
    assert stage.backend.volume_names(DEMO) == {"web.data"}
    stage.backend.remove_deployment(DEMO)
    assert stage.backend.volumes(DEMO) == {}


def test_what_an_instance_writes_to_its_volume_is_there_for_the_next(stage: Stage) -> None:
    volumes = (Volume(name="web.data", path="/data"),)
    for command in (KEEP, KEPT):
        spec = stage.spec(command, volumes=volumes, restart=False)
        stage.backend.ensure([spec])
        assert reaches(stage.backend, spec.id, InstanceState.EXITED).exit == Exit(status=0)
        stage.backend.forget([spec.id])


def test_single_volumes_are_removed(stage: Stage) -> None:
    both = (Volume(name="web.data", path="/data"), Volume(name="web.more", path="/more"))
    spec = stage.spec(IDLE, volumes=both)
    stage.backend.ensure([spec])
    assert list(stage.backend.volumes(DEMO, ["web.more", "web.unknown", ".."])) == ["web.more"]
    assert stage.backend.volumes(DEMO, []) == {}
    stage.backend.stop([spec.id])
    stage.backend.forget([spec.id])
    stage.backend.remove_volumes(DEMO, ["web.data", "web.unknown", "../web.more", ".."])
    assert stage.backend.volume_names(DEMO) == {"web.more"}


def test_an_image_that_it_cannot_run_is_refused(stage: Stage) -> None:
    if stage.backend.containers:
        assert stage.backend.resolve("mycompany/rabbitmq") is None
        return
    with pytest.raises(CalzionError) as caught:
        stage.backend.resolve("mycompany/rabbitmq")
    assert caught.value.code == "unsupported" and "mycompany/rabbitmq" in caught.value.message
