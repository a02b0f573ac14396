from __future__ import annotations

import io
import os
import pwd
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_api import Answer, FakeApi, frame

DEPLOYMENT = "/deployments/shop"
RELEASE = f"{DEPLOYMENT}/releases/3"
TEMPLATE = """
web: {git: ., env: {A: "1"}}
api: {git: ../api}
twin: {git: ../api}
redis: {image: calzion/redis}
Env: {B: "2", T: "${TOKEN}"}
Generate: {KEY: {length: 8}}
Run: {seed: {service: web, cmd: [x, y], require: [redis]}}
"""


def commit(path: Path) -> str:
    for arguments in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", "x"],
    ):
        subprocess.run(["git", "-C", path, *arguments], check=True)
    done = subprocess.run(
        ["git", "-C", path, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def shop(tmp_path: Path, environ: dict[str, str], api: FakeApi) -> Path:
    environ["PATH"] = os.environ["PATH"]
    shop, other = tmp_path / "shop", tmp_path / "api"
    for path in (shop, other):
        path.mkdir()
        (path / "Procfile").write_text(f"web: {path.name}\n")
    (shop / "template.yaml").write_text(TEMPLATE)
    commit(other)
    commit(shop)
    api.answers |= {
        f"GET {DEPLOYMENT}/secrets": Answer([{"name": "TOKEN"}]),
        f"PUT {DEPLOYMENT}": Answer({}),
        f"POST {DEPLOYMENT}/releases": Answer({"version": 3}),
        f"PUT {RELEASE}/environment": Answer({}),
        f"PUT {RELEASE}/services/redis": Answer({"code": "none"}),
        f"PUT {RELEASE}/services/twin/code": Answer({}),
        f"POST {RELEASE}/cancel": Answer({}),
        f"POST {RELEASE}/activate": Answer(chunks=[frame({"kind": "done", "text": "shop v3 is live"})]),
    }
    for name in ("web", "api", "twin"):
        api.answers[f"PUT {RELEASE}/services/{name}"] = Answer({"code": "wanted"})
    for name, path in (("web", shop), ("api", other)):
        api.answers[f"PUT {RELEASE}/services/{name}/code?commit={head(path)}"] = Answer({})
    return shop


def head(path: Path) -> str:
    done = subprocess.run(
        ["git", "-C", path, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def names(data: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.getnames()


def test_everything_is_sent_and_then_followed(
    calzion: Callable[..., int], api: FakeApi, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calzion("deploy", str(shop / "template.yaml"), "shop") == 0
    assert "shop v3 is live" in capsys.readouterr().out
    sent: dict[str, Any] = dict(api.seen)
    user = pwd.getpwuid(os.getuid()).pw_name
    assert sent[f"POST {DEPLOYMENT}/releases"] == {"user": user, "commit": head(shop)}
    assert sent[f"PUT {RELEASE}/environment"] == {
        "env": {"B": "2", "T": "${TOKEN}"},
        "generate": {"KEY": 8},
        "run": {"seed": {"service": "web", "cmd": ["x", "y"], "require": ["redis"]}},
    }
    assert sent[f"PUT {RELEASE}/services/web"]["git"] == "."
    assert sent[f"PUT {RELEASE}/services/api"]["git"] == "api"
    assert sent[f"PUT {RELEASE}/services/web"]["env"]["A"] == "1"
    shipped = sent[f"PUT {RELEASE}/services/web/code?commit={head(shop)}"]
    assert names(shipped) == ["Procfile", "template.yaml"]
    assert names(sent[f"PUT {RELEASE}/services/api/code?commit={head(shop.parent / 'api')}"]) == ["Procfile"]
    assert sent[f"PUT {RELEASE}/services/twin/code"] == {"same_as": "api"}
    assert api.seen[-1][0] == f"POST {RELEASE}/activate"


def test_a_changed_template_is_taken_and_is_no_commit(
    calzion: Callable[..., int], api: FakeApi, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "template.yaml").write_text("web: {git: .}\n")
    assert calzion("deploy", str(shop / "template.yaml"), "shop") == 0
    assert "template.yaml is not as in HEAD: it is deployed as it is here" in capsys.readouterr().out
    sent = dict(api.seen)
    assert sent[f"POST {DEPLOYMENT}/releases"]["commit"] == ""
    assert f"PUT {RELEASE}/services/web/code?commit={head(shop)}" in sent, "the code is that of the commit"


def test_mistakes_are_all_told_and_nothing_is_sent(
    calzion: Callable[..., int], api: FakeApi, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "template.yaml").write_text("web: {git: /x, prot: 1}\napi: {git: ., env: {A: '${NONE}'}}\n")
    assert calzion("deploy", str(shop / "template.yaml"), "shop") == 1
    told = capsys.readouterr().err
    assert "template.yaml:1:12: '/x' is absolute" in told and "template.yaml:1:16: unknown key 'prot'" in told
    assert "'${NONE}' names nothing" in told
    assert [request for request, _ in api.seen] == [f"GET {DEPLOYMENT}/secrets"]


def test_a_refused_upload_gives_the_release_up(
    calzion: Callable[..., int], api: FakeApi, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = f"PUT {RELEASE}/services/web/code?commit={head(shop)}"
    api.answers[request] = Answer({"code": "usage", "message": "too much"}, status=400)
    assert calzion("deploy", str(shop / "template.yaml"), "shop") == 2
    assert "too much" in capsys.readouterr().err
    assert api.seen[-1][0] == f"POST {RELEASE}/cancel"


def test_what_a_new_deployment_begins_with_and_how_long_it_lives(
    calzion: Callable[..., int], api: FakeApi, shop: Path
) -> None:
    template = str(shop / "template.yaml")
    assert calzion("deploy", template, "shop", "--from", "shop-staging", "--ttl", "3d") == 0
    sent: dict[str, Any] = dict(api.seen)
    opened = sent[f"POST {DEPLOYMENT}/releases"]
    assert (opened["from"], opened["ttl"]) == ("shop-staging", "3d")
    assert calzion("deploy", template, "shop", "--ttl", "soon") == 2


def test_a_deployment_without_secrets_and_a_server_that_is_down(
    calzion: Callable[..., int], api: FakeApi, shop: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    del api.answers[f"GET {DEPLOYMENT}/secrets"]
    assert calzion("deploy", str(shop / "template.yaml"), "shop") == 1, "TOKEN names nothing then"
    environ["CALZION_DATA"] = str(tmp_path / "elsewhere")
    assert calzion("deploy", str(shop / "template.yaml"), "shop") == 5


def test_redeploy(calzion: Callable[..., int], api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    events = [
        frame({"kind": "step", "text": "shop: release v4", "detail": {"release": 4}}),
        frame({"kind": "done", "text": "shop v4 is live"}, 2),
    ]
    api.answers[f"POST {DEPLOYMENT}/redeploy"] = Answer(chunks=events)
    assert calzion("redeploy", "shop", "--rebuild") == 0
    assert "-----> shop: release v4" in capsys.readouterr().out
    user = pwd.getpwuid(os.getuid()).pw_name
    assert api.seen == [(f"POST {DEPLOYMENT}/redeploy", {"rebuild": True, "user": user})]
