from __future__ import annotations

from calzion.controller.failures import MEND, Sighting, command_failed, ended, late
from calzion.model import DeploymentName, Exit, RunSpec, ServiceName


def spec(**more: object) -> RunSpec:
    values = {
        "id": "1",
        "deployment": DeploymentName("shop"),
        "service": ServiceName("web"),
        "process_type": "web",
        "release": 7,
        "env": {"INSTANCE": "web.1", "PORT": "20001"},
        "ports": {"": 20001},
    }
    return RunSpec(**(values | more))  # type: ignore[arg-type]  # any field may be replaced


def test_one_that_ended_without_a_known_cause():
    seen = Sighting(spec=spec(), lines=["one", "", "two"], port="")
    error = ended(seen, "ended right after its start: exit code 3", Exit(status=3))
    assert error.message == "web: start failed: web.web.1 ended right after its start: exit code 3"
    assert error.code == "start" and error.hint == MEND
    assert error.detail == [
        "expected on port 20001 (PORT): nothing had listened there",
        "its last lines:",
        "one",
        "two",
    ]


def test_only_the_last_thirty_lines_are_shown_but_more_are_read():
    lines = ["bash: line 1: API_KEY: unbound variable", *(f"line {number}" for number in range(100))]
    error = ended(Sighting(spec=spec(), lines=lines), "ended (exit code 1)", Exit(status=1))
    assert error.detail == [f"it said: {lines[0]}", "its last lines:", *lines[-30:]]
    assert error.message.endswith("the environment variable API_KEY is not set")


def test_one_that_listens_elsewhere():
    ports = {"": 20001, "admin": 20002}
    seen = Sighting(spec=spec(ports=ports), lines=[], port="admin", listening=(5000, 8000))
    error = late(seen, 60.0)
    assert error.message == (
        "web: health check failed: web.web.1 did not become healthy within 60 s:"
        " it listens on port 5000, 8000, not on port 20002 ($PORT_ADMIN)"
    )
    assert error.detail == [
        "expected on port 20002 (PORT_ADMIN): it listened on 5000, 8000 instead",
        "it wrote nothing",
    ]


def test_one_that_listens_inside_its_container_alone():
    error = late(Sighting(spec=spec(), lines=[], port="", listening=(20001,), enclosed=True), 5.0)
    assert error.message == (
        "web: health check failed: web.web.1 did not become healthy within 5 s:"
        " it listens on port 20001 of 127.0.0.1 alone, which nothing outside of its container reaches"
    )
    assert error.hint.startswith("let it listen on 0.0.0.0, such as 'gunicorn -b 0.0.0.0:$PORT app:app'")


def test_one_that_answers_badly():
    seen = Sighting(
        spec=spec(),
        lines=["x"],
        port="",
        path="/healthz",
        listening=(20001,),
        status=503,
        reason="/healthz answered 503",
    )
    error = late(seen, 5.0)
    assert error.message.endswith("within 5 s: /healthz answers 503")
    assert error.detail[0] == "expected on port 20001 (PORT): it listened there; /healthz answered 503"


def test_a_health_command_has_nothing_to_do_with_ports():
    error = late(Sighting(spec=spec(), lines=["x"], reason="the health command ended with exit code 1"), 5.0)
    assert error.message.endswith("within 5 s (the health command ended with exit code 1)")
    assert error.detail == ["its last lines:", "x"]


def test_an_appliance_is_not_told_of_ports_that_it_does_not_choose():
    seen = Sighting(
        spec=spec(appliance="postgres"), lines=[], port="", reason="127.64.0.2:5432 gave no answer"
    )
    error = late(seen, 5.0)
    assert error.message.endswith("within 5 s: 127.64.0.2:5432 gave no answer")


def test_a_command_and_what_its_process_had():
    lines = ["bash: line 1: API_KEY: unbound variable"]
    failed = command_failed(spec(), "web: the release command", "bash x", Exit(status=1), lines)
    assert failed.message == (
        "web: the release command failed (exit code 1): the environment variable API_KEY is not set"
    )
    assert failed.detail == ["command: bash x", "its last lines:", *lines]
    had = spec(env={"API_KEY": "1"})
    assert command_failed(had, "it", "x", Exit(status=1), lines).message == "it failed (exit code 1)"
