"""The API as it answers the network: nothing without a token, with one what its scope admits, of others not a word."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import falcon
import pytest
from falcon import testing
from falcon.inspect import inspect_app

from calzion.controller.api import app as api
from calzion.controller.api.app import ApiParts, local_app, routes, token_app
from calzion.controller.api.client import ReconcilerClient
from calzion.controller.api.door import SETTLED
from calzion.controller.api.gate import Gate
from calzion.controller.api.limits import Limits, Rate
from calzion.controller.api.permission import Need, declared
from calzion.controller.auditbook import AuditBook
from calzion.controller.scope import Right
from calzion.controller.store import deployments, tokens
from calzion.controller.store.database import Database
from calzion.controller.token import new_token
from calzion.controller.vault import Vault
from calzion.model import DeploymentName, ServiceName
from tests.fakes.stores import new_store

DAY = 86_400.0


class Reconciler(ReconcilerClient):
    """Answers what every test of a door may see, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def answer(self, op: str, **message: Any) -> Any:
        self.asked.append((op, message))
        if op == "deployments":
            return [{"name": "shop"}, {"name": "hidden"}]
        return {"answered": op}

    def stream(self, op: str, **message: Any) -> Any:
        self.asked.append((op, message))
        yield {"kind": "done", "text": "done", "detail": {}}


class Registered:
    """Tells whose instances were asked for."""

    def instances(self, deployment: DeploymentName, service: ServiceName | None) -> Any:
        return [{"deployment": deployment, "service": service}]

    def stream(self, deployment: DeploymentName, service: ServiceName | None) -> Iterator[bytes]:
        yield b": nothing\n\n"


class Rig:
    def __init__(self, tmp_path: Path) -> None:
        self.directory = tmp_path
        self.database, self.reconciler = Database(new_store(tmp_path)), Reconciler()
        self.parts = ApiParts(
            database=self.database,
            vault=Vault.open(tmp_path / "secret.key"),
            reconciler=self.reconciler,
            uploads=tmp_path / "uploads",
            audit=AuditBook(self.database, tmp_path / "audit"),
            keep_releases=3,
            checks=(),
            gate=Gate(None, lambda: False),
            registered=Registered(),
        )
        self.local = testing.TestClient(local_app(self.parts))
        self.remote = testing.TestClient(token_app(self.parts))
        for name in ("shop", "hidden"):
            with self.database.write() as connection:
                deployments.create(connection, DeploymentName(name), None, 1.0)

    def token(self, right: Right, *allow: str, lasts: float | None = None) -> str:
        now = time.time()
        token, shown = new_token("ci", right, allow, now, None if lasts is None else now + lasts)
        with self.database.write() as connection:
            tokens.add(connection, token)
        return shown

    def ask(self, method: str, path: str, token: str, **more: Any) -> testing.Result:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.remote.simulate_request(method, path, headers=headers, **more)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def every_endpoint(rig: Rig) -> list[tuple[str, str, Need | None]]:
    return [
        (path, method, need)
        for path, resource in routes(rig.parts).items()
        for method, need in declared(resource).items()
    ]


def real(path: str, deployment: str) -> str:
    values = {
        "{number:int}": "1",
        "{service}": "web",
        "{volume}": "data",
        "{name}": "x",
        "{host}": "example.com",
    }
    for placeholder, value in values.items():
        path = path.replace(placeholder, value)
    return path.replace("{deployment}", deployment)


def test_every_endpoint_says_what_it_needs(rig: Rig) -> None:
    endpoints = every_endpoint(rig)
    assert [(path, method) for path, method, need in endpoints if need is None] == []
    served = {
        (route.path, method.method)
        for route in inspect_app(token_app(rig.parts)).routes
        for method in route.methods
        if not method.internal
    }
    assert served == {(path, method) for path, method, _ in endpoints}
    public = {path for path, _, need in endpoints if need and need.right is Right.NONE}
    assert public == {"/v1/deployments", "/v1/token", "/v1/openapi.json"}


def test_an_endpoint_without_a_word_is_not_served(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgotten:
        def on_get(self, _request: falcon.Request, _response: falcon.Response) -> None: ...

    monkeypatch.setattr(api, "routes", lambda _parts: {"/v1/forgotten": Forgotten()})
    with pytest.raises(TypeError, match="/v1/forgotten: nothing says what GET needs"):
        token_app(rig.parts)


def test_no_endpoint_answers_without_a_token(rig: Rig) -> None:
    answers = {
        (answer.status_code, answer.text)
        for path, method, _ in every_endpoint(rig)
        for answer in [
            rig.remote.simulate_request(method, real(path, "shop"), remote_addr=f"192.0.2.{len(path)}")
        ]
    }
    assert len(answers) == 1
    (status, text), *_ = answers
    assert status == 401
    assert json.loads(text)["message"] == "this needs a valid token: 'calzion login URL' keeps one"
    assert rig.reconciler.asked == []


def test_wrong_tokens_are_all_told_the_same(rig: Rig) -> None:
    good, old = rig.token(Right.ADMIN), rig.token(Right.ADMIN, lasts=-1)
    wrong = good[:-1] + ("A" if good[-1] != "A" else "B")
    headers: list[dict[str, str]] = [
        {"Authorization": value}
        for value in (
            f"Bearer {wrong}",
            f"Bearer {old}",
            "Bearer",
            "Bearer ",
            f"Basic {good}",
            good,
            f"Bearer {good} {good}",
            "Bearer calzion_000000000000_" + "a" * 43,
            "Bearer ' OR 1=1 --",
        )
    ]
    for each in ({}, {"X-Api-Key": good}, *headers):
        for path in ("/v1/status", "/v1/nothing", "/"):
            answer = rig.remote.simulate_get(path, headers=each, remote_addr=f"192.0.2.{len(str(each))}")
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="calzion"')
            assert answer.json["message"] == "this needs a valid token: 'calzion login URL' keeps one"
    assert rig.remote.simulate_get(f"/v1/status?token={good}&access_token={good}").status_code == 401
    assert rig.ask("GET", "/v1/token", good).json == {"user": "ci", "scope": "admin", "allow": []}
    assert (
        rig.remote.simulate_get("/v1/token", headers={"Authorization": f"bearer {good}"}).status_code == 200
    )


def test_a_deployment_out_of_sight_answers_as_one_that_is_not_there(rig: Rig) -> None:
    token = rig.token(Right.DEPLOY, "shop", "try-*")
    for path, method, _ in every_endpoint(rig):
        if "{deployment}" in path:
            answers = [
                rig.ask(method, real(path, name), token, body="{}").text.replace(name, "NAME")
                for name in ("hidden", "absent")
            ]
            assert answers[0] == answers[1], (method, path)
            assert json.loads(answers[0])["message"] == "there is no deployment NAME", (method, path)
    assert rig.reconciler.asked == []


def test_a_name_in_sight_that_is_not_there_hints_at_no_other(rig: Rig) -> None:
    token = rig.token(Right.DEPLOY, "hidde*", "hidden-*", "shop")
    with rig.database.write() as connection:
        deployments.create(connection, DeploymentName("shoq"), None, 1.0)
    answer = rig.ask("GET", "/v1/deployments/shop/releases", token)
    assert answer.status_code == 200
    limited = rig.token(Right.DEPLOY, "shopp")
    for path in ("/v1/deployments/shopp", "/v1/deployments/shopp/logs", "/v1/deployments/Shop"):
        text = rig.ask("GET", path, limited).text
        assert "did you mean" not in text
        assert "shoq" not in text


def test_reading_changes_nothing_and_deploying_administers_nothing(rig: Rig) -> None:
    reader, deployer = rig.token(Right.READ, "*"), rig.token(Right.DEPLOY, "*")
    for path, method, need in every_endpoint(rig):
        assert need is not None
        for token, right in ((reader, Right.READ), (deployer, Right.DEPLOY)):
            if need.right > right:
                answer = rig.ask(method, real(path, "shop"), token, body="{}")
                assert answer.status_code == 403, (method, path)
                assert answer.json["code"] == "refused"
    assert all(op == "deployments" for op, _ in rig.reconciler.asked)


def test_an_origin_needs_the_same_right(rig: Rig) -> None:
    token = rig.token(Right.DEPLOY, "shop")
    for path, body in (
        ("promote", {"from": "hidden"}),
        ("promote", {"from": "absent"}),
        ("releases", {"from": "hidden"}),
        ("plan", {"from": "hidden"}),
    ):
        answer = rig.ask("POST", f"/v1/deployments/shop/{path}", token, json=body)
        assert (answer.status_code, answer.json["message"]) == (404, f"there is no deployment {body['from']}")
    assert rig.reconciler.asked == []


def test_the_list_names_what_is_in_sight(rig: Rig) -> None:
    assert rig.ask("GET", "/v1/deployments", rig.token(Right.READ, "sh*")).json == [{"name": "shop"}]
    assert len(rig.local.simulate_get("/v1/deployments").json) == 2


def test_a_token_speaks_for_its_own_user(rig: Rig) -> None:
    body = {"user": "alice"}
    opened = rig.ask("POST", "/v1/deployments/shop/releases", rig.token(Right.DEPLOY, "shop"), json=body)
    assert (opened.status_code, opened.json["user"]) == (201, "ci")
    assert rig.local.simulate_post("/v1/deployments/shop/releases", json=body).json["user"] == "alice"


def test_the_machine_s_socket_needs_no_token(rig: Rig) -> None:
    assert rig.local.simulate_get("/v1/keys").json == []


def test_tokens_are_shown_once_and_taken_away(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = {"user": "ci", "scope": "read", "allow": ["shop"], "ttl": "90d"}
    made = rig.local.simulate_post("/v1/tokens", json=body)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    shown = made.json["token"]
    assert rig.ask("GET", "/v1/token", shown).json["scope"] == "read"
    listed = rig.local.simulate_get("/v1/tokens")
    secret = shown.split("_", 2)[2]
    assert secret not in listed.text
    assert [each["id"] for each in listed.json] == [made.json["id"]]
    assert secret.encode() not in b"".join(file.read_bytes() for file in rig.directory.glob("calzion.db*"))
    assert secret not in caplog.text
    assert rig.local.simulate_delete(f"/v1/tokens/{made.json['id']}").status_code == 200
    assert rig.ask("GET", "/v1/token", shown).status_code == 401
    assert rig.local.simulate_delete("/v1/tokens/ci").status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"scope": "root"},
        {"scope": "none"},
        {"allow": []},
        {"allow": ["*a"]},
        {"allow": "shop"},
        {"allow": [["shop"]]},
        {"scope": "admin"},
        {"ttl": "1"},
        {"ttl": None},
        {"user": "a b"},
        {"user": "-x"},
        {"user": "a\n"},
    ],
)
def test_tokens_that_can_not_be(rig: Rig, change: dict[str, Any]) -> None:
    body = {"user": "ci", "scope": "read", "allow": ["shop"], "ttl": "90d", **change}
    assert rig.local.simulate_post("/v1/tokens", json=body).status_code == 400
    assert rig.local.simulate_get("/v1/tokens").json == []


def test_who_guesses_is_slowed_and_who_knows_is_not(rig: Rig) -> None:
    good = rig.token(Right.READ, "*")
    limits = Limits(failures=Rate(burst=3, per_second=0.001))
    client = testing.TestClient(token_app(rig.parts, limits))
    guesses = [client.simulate_get("/v1/token", remote_addr="192.0.2.1") for _ in range(4)]
    assert [each.status_code for each in guesses] == [401, 401, 401, 429]
    assert int(guesses[-1].headers["retry-after"]) > 0
    headers = {"Authorization": f"Bearer {good}"}
    assert client.simulate_get("/v1/token", headers=headers, remote_addr="192.0.2.1").status_code == 200
    assert client.simulate_get("/v1/token", remote_addr="192.0.2.2").status_code == 401


def test_a_token_asks_only_so_often(rig: Rig) -> None:
    client = testing.TestClient(token_app(rig.parts, Limits(requests=Rate(burst=2, per_second=0.001))))
    first, second = ({"Authorization": f"Bearer {rig.token(Right.READ, '*')}"} for _ in range(2))
    asked = [client.simulate_get("/v1/token", headers=first).status_code for _ in range(3)]
    assert asked == [200, 200, 429]
    assert client.simulate_get("/v1/token", headers=second).status_code == 200


def test_the_gate_is_told_whose_connection_it_is(rig: Rig) -> None:
    told: list[tuple[str, float | None]] = []
    shown = rig.token(Right.READ, "*", lasts=DAY)
    extras = {SETTLED: lambda *said: told.append(said)}
    rig.ask("GET", "/v1/token", shown, extras=extras)
    rig.ask("GET", "/v1/token", shown + "x", extras=extras)
    assert [id for id, _ in told] == [shown.split("_")[1]]
    assert told[0][1] is not None
    assert 0 < told[0][1] <= DAY


def test_what_breaks_tells_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_op: str, **_message: Any) -> Any:
        raise RuntimeError("hidden at /var/lib/calzion")

    monkeypatch.setattr(rig.reconciler, "answer", broken)
    answer = rig.ask("GET", "/v1/deployments", rig.token(Right.READ, "*"))
    assert (answer.status_code, answer.json["message"]) == (500, "Calzion itself failed: RuntimeError")


def test_a_body_that_does_not_fit_is_told_where(rig: Rig) -> None:
    answer = rig.local.simulate_post("/v1/deployments/shop/scale", json={"counts": {"web": True, "x": "1"}})
    assert (answer.status_code, answer.json["code"]) == (400, "usage")
    assert answer.json["detail"] == [
        "counts.web: Input should be a valid integer",
        "counts.x: Input should be a valid integer",
    ]


def test_a_wrong_secret_is_not_repeated(rig: Rig) -> None:
    for value in (12345678, ["12345678"], {"a": 12345678}, "12345678\0"):
        answer = rig.local.simulate_put("/v1/deployments/shop/secrets/KEY", json={"value": value})
        assert answer.status_code == 400
        assert "12345678" not in answer.text


def test_the_document_is_there_for_who_has_a_token(rig: Rig) -> None:
    assert rig.ask("GET", "/v1/openapi.json", rig.token(Right.READ, "x")).json["openapi"] == "3.1.0"
    assert rig.ask("GET", "/v1/openapi.json", "").status_code == 401


def test_changes_are_recorded_without_values(rig: Rig) -> None:
    admin = rig.token(Right.ADMIN)
    values = [{"value": "hush-hush"}, {"user": "u", "password": "hush-hush"}]
    for path, value in zip(("deployments/shop/secrets/KEY", "registries/r.example"), values, strict=True):
        assert rig.ask("PUT", f"/v1/{path}", admin, json=value).status_code == 200
    asked = {"user": "x", "scope": "admin", "ttl": "1d"}
    shown = rig.ask("POST", "/v1/tokens", admin, json=asked).json["token"]
    assert rig.local.simulate_delete("/v1/deployments/shop/secrets/KEY").status_code == 200
    assert rig.local.simulate_delete("/v1/deployments/shop/secrets/KEY").status_code == 404
    found = rig.ask("GET", "/v1/audit", admin).json
    acts = [(each["act"], each["user"], each["via"]) for each in found]
    assert acts == [
        ("secrets removed", "administrator", "socket"),
        ("token added", "ci", "api"),
        ("registry set", "ci", "api"),
        ("secrets set", "ci", "api"),
    ]
    assert found[0]["deployment"] == "shop" and found[0]["detail"] == {"names": ["KEY"]}
    assert found[1]["address"] == "127.0.0.1" and found[1]["key"] in admin
    text = rig.ask("GET", "/v1/audit?user=ci&most=50", admin).text
    assert "hush-hush" not in text and shown.rpartition("_")[2] not in text
    head = rig.ask("GET", "/v1/audit/inspection", admin).json["head"]
    known = f"{head['number']}:{head['digest']}"
    assert rig.ask("GET", f"/v1/audit/inspection?known={known}", admin).json["whole"]
    assert not rig.ask("GET", f"/v1/audit/inspection?known=9:{head['digest']}", admin).json["whole"]
    assert rig.ask("GET", "/v1/audit/inspection?known=x", admin).status_code == 400
    assert rig.ask("GET", "/v1/audit", rig.token(Right.DEPLOY, "*")).status_code == 403
