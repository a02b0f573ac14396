"""The commands against real HTTP on a unix socket."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_api import Answer, FakeApi, frame

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]

REDIS = {
    "name": "redis",
    "kind": "appliance",
    "image": "calzion/redis",
    "state": "running",
    "held": "",
    "address": "127.64.0.2:7077",
    "processes": {"redis": 1},
    "env": {"REDIS_PASSWORD": "${REDIS_PASSWORD}"},
    "definition": {"image": "calzion/redis"},
}
DEPLOYMENT = {
    "name": "myapp",
    "release": 7,
    "state": "running",
    "repository": "myapp",
    "urls": ["http://myapp.localhost:8080"],
    "services": [REDIS],
    "volumes": {"redis/data": 12345},
    "kept_volumes": [],
}
LISTED = {
    "name": "myapp",
    "release": 7,
    "state": "running",
    "services": ["redis", "web"],
    "urls": ["http://example.com:8080", "http://myapp.localhost:8080"],
    "repository": "myapp",
    "created": "2026-01-02T03:04:05Z",
}
INSTANCE = {
    "name": "my-webapp.web.1",
    "service": "my-webapp",
    "type": "web",
    "instance": "myapp-7-a",
    "release": 7,
    "state": "running",
    "endpoint": "127.0.0.1:20001",
    "started": 1.0,
    "restarts": 2,
    "memory": 3 * 1024 * 1024,
    "exit": "",
}
RELEASE = {
    "version": 7,
    "state": "current",
    "commit": "3f2a91c0000",
    "user": "alice",
    "started": "2026-01-02T03:04:05+00:00",
    "seconds": 4.123,
    "message": "",
    "services": ["redis"],
    "act": "",
    "changes": ["web changed: code", "api added"],
    "rollback": False,
}


def test_nothing_answers(calzion: Run, capsys: Capture, tmp_path: Path) -> None:
    assert calzion("list") == 5
    assert capsys.readouterr().err == (
        f" !     Calzion is not running (no answer at {tmp_path}/api.sock)\n"
        " !     start it with: calzion serve\n"
    )


def test_flags_go_before_variables_and_may_stand_on_either_side(
    calzion: Run, capsys: Capture, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    assert calzion("--data", str(other), "list") == 5
    assert str(other) in capsys.readouterr().err
    assert calzion("list", "--data", str(other)) == 5
    assert str(other) in capsys.readouterr().err


def test_an_error_of_the_api_is_its_sentences_and_its_status(
    calzion: Run, api: FakeApi, capsys: Capture
) -> None:
    body = {
        "code": "not_found",
        "message": "there is no deployment myapp",
        "hint": "see list",
        "detail": ["a"],
    }
    api.answers["GET /deployments/myapp"] = Answer(body, status=404)
    assert calzion("show", "myapp") == 3
    expected = " !     there is no deployment myapp\n       a\n !     see list\n"
    assert capsys.readouterr().err == expected


def test_an_answer_without_a_reason_still_gives_a_sentence(
    calzion: Run, api: FakeApi, capsys: Capture
) -> None:
    api.answers["GET /deployments"] = Answer("what", status=502)
    assert calzion("list") == 1
    assert "the server answered with status 502" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Bad_Name", "../keys", "a/b", "-a", "x" * 64, ""])
def test_names_are_checked_before_anything_is_asked(
    calzion: Run, api: FakeApi, capsys: Capture, name: str
) -> None:
    assert calzion("show", "--", name) == 2
    assert "is no deployment name" in capsys.readouterr().err
    assert api.seen == []


def test_list(calzion: Run, api: FakeApi, capsys: Capture) -> None:
    held = {**LISTED, "name": "other", "release": None, "state": "empty", "services": [], "urls": []}
    api.answers["GET /deployments"] = Answer([LISTED, held])
    assert calzion("list") == 0
    assert capsys.readouterr().out.splitlines() == [
        "NAME   RELEASE  STATE    SERVICES    URL",
        "myapp  v7       running  redis, web  http://example.com:8080 +1",
        "other  -        empty",
    ]
    calzion("list", "--json")
    assert json.loads(capsys.readouterr().out)[0] == {
        "name": "myapp",
        "release": 7,
        "state": "running",
        "services": ["redis", "web"],
        "urls": LISTED["urls"],
        "expires": None,
    }


def test_list_says_what_is_left_of_a_life(calzion: Run, api: FakeApi, capsys: Capture) -> None:
    until = (datetime.now(UTC) + timedelta(days=3, minutes=1)).isoformat()
    ending = {**LISTED, "expires": until, "expires_soon": False}
    api.answers["GET /deployments"] = Answer([ending, {**ending, "name": "soon", "expires_soon": True}])
    assert calzion("list") == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "myapp  v7       running, expires in 3 d    redis, web  http://example.com:8080 +1",
        "soon   v7       running, expires in 3 d !  redis, web  http://example.com:8080 +1",
    ]
    calzion("list", "--json")
    assert json.loads(capsys.readouterr().out)[0]["expires"] == until


def test_ttl(calzion: Run, api: FakeApi, capsys: Capture) -> None:
    api.answers["PUT /deployments/myapp/ttl"] = Answer({"name": "myapp", "expires": "2999-01-01T00:00:00Z"})
    assert calzion("ttl", "myapp", "3d") == 0
    assert "myapp removes itself in " in capsys.readouterr().out
    api.answers["PUT /deployments/myapp/ttl"] = Answer({"name": "myapp", "expires": None})
    assert calzion("ttl", "myapp", "never") == 0
    assert capsys.readouterr().out == "myapp stays until it is destroyed\n"
    assert calzion("ttl", "myapp", "3 days") == 2
    assert "'3 days' is no time to live" in capsys.readouterr().err


def test_an_empty_list_says_so_apart_from_the_output(calzion: Run, api: FakeApi, capsys: Capture) -> None:
    api.answers["GET /deployments"] = Answer([])
    assert calzion("list") == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err.startswith("no deployments yet")) == ("", True)
    calzion("list", "--json")
    assert json.loads(capsys.readouterr().out) == []


def test_ps(calzion: Run, api: FakeApi, capsys: Capture) -> None:
    other = {**INSTANCE, "service": "redis", "name": "redis.redis.1"}
    api.answers["GET /deployments/myapp/instances"] = Answer([INSTANCE, other])
    assert calzion("ps", "myapp:my-webapp") == 0
    out = capsys.readouterr().out
    assert "my-webapp.web.1  v7       running  127.0.0.1:20001" in out
    assert "3.0 MiB" in out
    assert "redis" not in out
    calzion("ps", "myapp", "--json")
    listed = json.loads(capsys.readouterr().out)
    assert list(listed[0])[:6] == ["service", "type", "instance", "release", "state", "endpoint"]


def test_control_characters_do_not_reach_the_terminal(calzion: Run, api: FakeApi, capsys: Capture) -> None:
    api.answers["GET /deployments/myapp/releases"] = Answer([{**RELEASE, "user": "eve\x1b[2J\r\n"}])
    calzion("releases", "myapp")
    assert "\x1b" not in capsys.readouterr().out


def test_releases(calzion: Run, api: FakeApi, capsys: Capture) -> None:
    running = {**RELEASE, "version": 8, "state": "rolling", "seconds": None, "act": "rolls back to v6"}
    failed = {**RELEASE, "version": 6, "state": "failed", "message": "web: exit code 3\nmore"}
    older = {**RELEASE, "version": 5, "state": "superseded", "rollback": True, "changes": ["web added" * 20]}
    api.answers["GET /deployments/myapp/releases"] = Answer([running, RELEASE, failed, older])
    assert calzion("releases", "myapp") == 0
    out = capsys.readouterr().out.splitlines()
    assert out[1].startswith("v8       rolling           3f2a91c  alice")
    assert out[1].endswith("rolls back to v6; web changed: code; api added")
    assert "4.1 s" in out[2] and out[2].endswith("web changed: code; api added")
    assert out[3].endswith("web: exit code 3")
    assert out[4].startswith("v5       superseded  yes   ") and out[4].endswith("\u2026")
    calzion("releases", "myapp", "--json")
    keys = ["version", "state", "commit", "user", "started", "seconds"]
    assert list(json.loads(capsys.readouterr().out)[0])[:6] == keys


def test_show(calzion: Run, api: FakeApi, capsys: Capture) -> None:
    api.answers["GET /deployments/myapp"] = Answer(DEPLOYMENT)
    assert calzion("show", "myapp") == 0
    out = capsys.readouterr().out
    assert "http://myapp.localhost:8080" in out
    assert "redis/data  12 KiB" in out
    assert calzion("show", "myapp:redis") == 0
    assert "REDIS_PASSWORD  ${REDIS_PASSWORD}" in capsys.readouterr().out
    assert calzion("show", "myapp:other") == 3
    assert "it has: redis" in capsys.readouterr().err
    calzion("show", "myapp", "--json")
    assert json.loads(capsys.readouterr().out) == DEPLOYMENT


def test_status(calzion: Run, api: FakeApi, capsys: Capture) -> None:
    part = {"name": "reconciler", "state": "up", "detail": ""}
    api.answers["GET /status"] = Answer(
        {"ok": True, "parts": [part], "protections": ["everything shares root"]}
    )
    assert calzion("status") == 0
    captured = capsys.readouterr()
    assert "reconciler  up" in captured.out
    assert captured.err == " !     everything shares root\n"
    down = {"name": "router", "state": "down", "detail": "no answer"}
    api.answers["GET /status"] = Answer({"ok": False, "parts": [part, down], "protections": []})
    assert calzion("status") == 1
    assert "router      down   no answer" in capsys.readouterr().out


def test_status_without_an_api_tells_what_is_known(calzion: Run, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "run").mkdir()
    parts = {"host": {"pid": 1, "state": "up"}, "sshd": {"pid": None, "state": "down"}}
    (tmp_path / "run" / "parts.json").write_text(json.dumps({"parts": parts}))
    assert calzion("status") == 5
    err = capsys.readouterr().err
    assert "       host: up (pid 1)\n       sshd: down\n" in err


LOGGED = [("my-webapp.web.1", "hello", 1_700_000_000.25), ("redis.redis.1", "ready", 1_700_000_001.5)]
FRAMES = [frame({"instance": name, "text": text, "time": moment}) for name, text, moment in LOGGED]


@pytest.fixture
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC0")
        time.tzset()
        yield
    time.tzset()


def test_logs(calzion: Run, api: FakeApi, capsys: Capture, in_utc: None) -> None:
    request = "GET /deployments/myapp/logs?lines=5&follow=0&service=my-webapp"
    api.answers[request] = Answer(chunks=[": heartbeat\n\n", *FRAMES])
    assert calzion("logs", "myapp:my-webapp", "-n", "5") == 0
    assert capsys.readouterr().out == (
        "2023-11-14 22:13:20.250 my-webapp.web.1 | hello\n2023-11-14 22:13:21.500 redis.redis.1   | ready\n"
    )
    api.answers["GET /deployments/myapp/logs?lines=100&follow=1"] = Answer(chunks=FRAMES)
    assert calzion("logs", "myapp", "-f", "--no-times") == 0
    assert capsys.readouterr().out == "my-webapp.web.1 | hello\nredis.redis.1   | ready\n"
    assert calzion("logs", "myapp", "-f", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0]) == {
        "time": "2023-11-14T22:13:20.250Z",
        "service": "my-webapp",
        "instance": "my-webapp.web.1",
        "text": "hello",
    }


def test_logs_since_a_moment_are_all_lines_from_then_on(calzion: Run, api: FakeApi, in_utc: None) -> None:
    request = "GET /deployments/myapp/logs?lines=10000&follow=0&since=1700000000.000"
    api.answers[request] = Answer(chunks=FRAMES)
    for moment in ("2023-11-14T22:13:20", "2023-11-14T23:13:20+01:00"):
        assert calzion("logs", "myapp", "--since", moment) == 0
    before = time.time()
    calzion("logs", "myapp", "--since", "10m", "-n", "3")
    asked = api.seen[-1][0]
    assert "lines=3" in asked and abs(float(asked.rpartition("=")[2]) - before + 600) < 60
    assert calzion("logs", "myapp", "--since", "yesterday") == 2


def test_logs_of_a_release_are_its_story_and_a_failed_one_is_no_failure(
    calzion: Run, api: FakeApi, capsys: Capture
) -> None:
    api.answers["GET /deployments/myapp/releases"] = Answer([RELEASE])
    error = {"code": "build", "message": "the build failed", "hint": "fix it", "detail": ["line 1"]}
    story = [
        {"kind": "step", "text": "Building"},
        {"kind": "error", "text": error["message"], "detail": error},
    ]
    answer = Answer(chunks=[frame(event) for event in story])
    api.answers["GET /deployments/myapp/releases/7/events"] = answer
    assert calzion("logs", "myapp", "--release") == 0
    shown = "-----> Building\n !     the build failed\n       line 1\n !     fix it\n"
    assert capsys.readouterr().out == shown
    api.answers["GET /deployments/myapp/releases/3/events"] = answer
    assert calzion("logs", "myapp", "--release", "v3") == 0
    assert calzion("logs", "--release", "myapp", "myapp") == 2


EVENTS = [
    {"kind": "step", "text": "Starting my-webapp: web 2"},
    {"kind": "log", "text": "booted", "source": "my-webapp"},
    {"kind": "done", "text": "my-webapp: web 2"},
]


def test_scale_shows_the_stream_live(calzion: Run, api: FakeApi, capsys: Capture) -> None:
    frames = "".join(frame(event) for event in EVENTS)
    # Frames and chunks need not coincide.
    api.answers["POST /deployments/myapp/scale"] = Answer(chunks=[frames[:30], frames[30:31], frames[31:]])
    assert calzion("scale", "myapp", "my-webapp=2", "my-webapp.worker=0") == 0
    assert api.seen[0][1] == {"counts": {"my-webapp": 2, "my-webapp.worker": 0}}
    assert capsys.readouterr().out == (
        "-----> Starting my-webapp: web 2\n       my-webapp: booted\n-----> my-webapp: web 2\n"
    )


@pytest.mark.parametrize(
    "counts",
    [["web"], ["web=-1"], ["web=x"], ["web=²"], ["Web=1"], ["web.=1"], ["web=1001"], ["a=1", "a=2"], []],
)
def test_wrong_counts_are_wrong_use(calzion: Run, api: FakeApi, counts: list[str]) -> None:
    assert calzion("scale", "myapp", *counts) == 2
    assert api.seen == []


def test_restart_of_one_service(calzion: Run, api: FakeApi) -> None:
    api.answers["POST /deployments/myapp/restart"] = Answer(chunks=[frame(EVENTS[-1])])
    assert calzion("restart", "myapp:redis") == 0
    assert calzion("restart", "myapp") == 0
    assert [body for _, body in api.seen] == [{"service": "redis"}, {"service": None}]


def test_an_error_event_decides(calzion: Run, api: FakeApi, capsys: Capture) -> None:
    detail = {"code": "health", "message": "it is not healthy", "hint": "v6 keeps serving", "detail": None}
    error = {"kind": "error", "text": detail["message"], "detail": detail}
    api.answers["POST /deployments/myapp/restart"] = Answer(chunks=[frame(EVENTS[0]), frame(error)])
    assert calzion("restart", "myapp") == 1
    assert capsys.readouterr().err == " !     it is not healthy\n !     v6 keeps serving\n"


@pytest.mark.parametrize("cut", [True, False])
def test_a_stream_without_an_end_has_failed(calzion: Run, api: FakeApi, capsys: Capture, cut: bool) -> None:
    api.answers["POST /deployments/myapp/restart"] = Answer(chunks=[frame(EVENTS[0])], cut=cut)
    assert calzion("restart", "myapp") == 5
    assert "the connection to Calzion was lost before the end" in capsys.readouterr().err


REFUSAL: dict[str, Any] = {
    "code": "refused",
    "message": "destroying myapp loses: redis/data (12 KiB)",
    "hint": "repeat with confirm=myapp",
    "detail": None,
}


def test_destroy_asks_first_and_without_a_terminal_refuses(
    calzion: Run, api: FakeApi, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Path("/dev/null").open())  # noqa: SIM115
    api.answers["DELETE /deployments/myapp"] = Answer(REFUSAL, status=403)
    assert calzion("destroy", "myapp") == 4
    err = capsys.readouterr().err
    assert "loses: redis/data (12 KiB)" in err
    assert "calzion destroy myapp --yes" in err
    assert [request for request, _ in api.seen] == ["DELETE /deployments/myapp"]


def test_destroy_with_yes(calzion: Run, api: FakeApi, capsys: Capture) -> None:
    done = frame({"kind": "done", "text": "myapp is destroyed"})
    api.answers["DELETE /deployments/myapp?confirm=myapp"] = Answer(chunks=[done])
    assert calzion("destroy", "myapp", "--yes") == 0
    assert capsys.readouterr().out == "-----> myapp is destroyed\n"


@pytest.mark.parametrize(("typed", "status"), [("myapp\n", 0), ("yes\n", 4), ("", 130)])
def test_destroy_at_a_terminal_takes_the_name(
    calzion: Run, api: FakeApi, monkeypatch: pytest.MonkeyPatch, typed: str, status: int
) -> None:
    import io

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal(typed))
    api.answers["DELETE /deployments/myapp"] = Answer(REFUSAL, status=403)
    done = frame({"kind": "done", "text": "myapp is destroyed"})
    api.answers["DELETE /deployments/myapp?confirm=myapp"] = Answer(chunks=[done])
    assert calzion("destroy", "myapp") == status
    assert ("DELETE /deployments/myapp?confirm=myapp", None) in api.seen or status != 0


PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample alice@example"
ADDED = {
    "name": "alice",
    "fingerprint": "SHA256:a/b",
    "type": "ssh-ed25519",
    "allow": ["*"],
    "admin": False,
    "added": "2026-01-02T03:04:05Z",
}


def test_keys_add_needs_to_be_told_what_is_allowed(
    calzion: Run, api: FakeApi, capsys: Capture, tmp_path: Path
) -> None:
    key = str(tmp_path / "key.pub")
    (tmp_path / "key.pub").write_text(PUBLIC + "\n")
    assert calzion("keys", "add", "alice", key) == 2
    assert "say what alice may push to: --allow" in capsys.readouterr().err and api.seen == []
    api.answers["POST /keys"] = Answer(ADDED, status=201)
    assert calzion("keys", "add", "alice", key, "--allow", "*") == 0
    sent = {"name": "alice", "key": PUBLIC, "allow": ["*"], "repositories": [], "admin": False}
    assert api.seen[0][1] == sent
    assert "alice may push to every deployment" in capsys.readouterr().out
    api.answers["POST /keys"] = Answer({**ADDED, "allow": ["myapp-*"], "repositories": ["myapp"]}, status=201)
    calzion("keys", "add", "alice", key, "--allow", "myapp-*", "--repository", "myapp", "--admin")
    assert api.seen[1][1] == sent | {"allow": ["myapp-*"], "repositories": ["myapp"], "admin": True}
    captured = capsys.readouterr()
    assert "alice may push to myapp-* of myapp" in captured.out
    assert captured.err == ""


def test_keys_add_finds_the_usual_key(calzion: Run, api: FakeApi, environ: dict[str, str]) -> None:
    assert calzion("keys", "add", "alice", "--allow", "*") == 2
    ssh = Path(environ["HOME"]) / ".ssh"
    ssh.mkdir(parents=True)
    (ssh / "id_rsa.pub").write_text("ssh-rsa AAAA bob\n")
    (ssh / "id_ed25519.pub").write_text(PUBLIC)
    api.answers["POST /keys"] = Answer(ADDED, status=201)
    assert calzion("keys", "add", "alice", "--allow", "*") == 0
    assert api.seen[-1][1]["key"] == PUBLIC


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n", "holds a private key, which must stay with you"),
        (f"{PUBLIC}\n{PUBLIC}\n", "holds several lines, not one SSH public key"),
        ("# nothing\n", "holds no public key"),
        ("hello\n", "holds no public key"),
        (f'command="x" {PUBLIC}\n', "holds no public key"),
    ],
)
def test_what_is_no_public_key_is_not_sent(
    calzion: Run, api: FakeApi, capsys: Capture, tmp_path: Path, text: str, sentence: str
) -> None:
    (tmp_path / "key").write_text(text)
    assert calzion("keys", "add", "alice", str(tmp_path / "key"), "--allow", "*") == 2
    assert sentence in capsys.readouterr().err
    assert api.seen == []


def test_keys_list_and_remove(calzion: Run, api: FakeApi, capsys: Capture) -> None:
    api.answers["GET /keys"] = Answer([ADDED])
    calzion("keys", "list")
    assert "alice  ssh-ed25519  SHA256:a/b   every deployment" in capsys.readouterr().out
    api.answers["DELETE /keys/SHA256%3Aa%2Fb"] = Answer({"removed": [ADDED]})
    assert calzion("keys", "remove", "SHA256:a/b") == 0
    assert capsys.readouterr().out == "removed: alice SHA256:a/b\n"
