"""Tokens and servers elsewhere: what is kept where, and where a token is never sent."""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from fake_api import Answer, FakeApi

from calzion.cli.credentials import credentials_file, find_remote
from calzion.cli.remote import Remote
from calzion.errors import CalzionError

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]
TOKEN = "calzion_0123456789ab_" + "s" * 43


class Elsewhere:
    """A server on TCP that notes what it is shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.shown.append((self.path, self.headers.get("Authorization", "")))
                body = (
                    b'{"user": "ci", "scope": "read", "allow": ["shop"]}'
                    if self.path == "/v1/token"
                    else b"[]"
                )
                if outer.status != 200:
                    body = b'{"code": "refused", "message": "this needs a valid token"}'
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    there = Elsewhere()
    thread = threading.Thread(target=there.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield there
    there.server.shutdown()
    thread.join()
    there.server.server_close()


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(TOKEN + "\n"))


@pytest.mark.usefixtures("given")
def test_login_keeps_the_token_for_its_owner_alone(
    calzion: Run, environ: dict[str, str], elsewhere: Elsewhere, capsys: Capture
) -> None:
    before = os.umask(0)
    try:
        assert calzion("login", elsewhere.url) == 0
    finally:
        os.umask(before)
    file = credentials_file(environ)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["credentials.json"]
    said = capsys.readouterr()
    assert said.out == f"logged in at {elsewhere.url} as ci: read on shop\n"
    assert TOKEN not in said.out + said.err
    assert elsewhere.shown == [("/v1/token", f"Bearer {TOKEN}")]


@pytest.mark.usefixtures("given")
def test_commands_go_where_login_said_unless_an_installation_is_named(
    calzion: Run, environ: dict[str, str], elsewhere: Elsewhere, api: FakeApi, capsys: Capture
) -> None:
    api.answers["GET /deployments"] = Answer([])
    assert calzion("login", elsewhere.url) == 0
    assert calzion("list") == 0
    assert [request for request, _ in api.seen] == ["GET /deployments"]
    data = environ.pop("CALZION_DATA")
    assert calzion("list") == 0
    assert elsewhere.shown[-1] == ("/v1/deployments", f"Bearer {TOKEN}")
    assert calzion("list", "--data", data) == 0
    assert len(api.seen) == 2
    assert calzion("logout") == 0
    assert find_remote(environ) is None
    assert calzion("logout") == 0
    assert capsys.readouterr().out.endswith("you were not logged in\n")


@pytest.mark.usefixtures("given")
def test_a_token_that_is_refused_is_not_kept(
    calzion: Run, environ: dict[str, str], elsewhere: Elsewhere, capsys: Capture
) -> None:
    elsewhere.status = 401
    assert calzion("login", elsewhere.url) == 4
    assert not credentials_file(environ).exists()
    assert "this needs a valid token" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://192.0.2.1:4000",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://[2001:db8::1]",
        "https://user:secret@example.com",
        "https://example.com/?token=x",
        "https://example.com/path",
        "https://",
        "https://example.com:99999",
        "ftp://example.com",
        "example.com",
        "https://exa\nmple.com",
        "",
    ],
)
def test_a_token_is_never_sent_there(url: str) -> None:
    with pytest.raises(CalzionError):
        Remote.parse(url, TOKEN)


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("https://example.com", "https://example.com"),
        ("https://example.com:443/", "https://example.com"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("http://localhost:4000", "http://localhost:4000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://[::1]:4000", "http://[::1]:4000"),
    ],
)
def test_a_token_may_go_there(url: str, seen: str) -> None:
    remote = Remote.parse(url, TOKEN)
    assert remote.url == seen
    assert TOKEN not in repr(remote)
    assert Remote.parse("http://example.com", TOKEN, insecure=True).insecure


def test_variables_go_before_the_file(environ: dict[str, str]) -> None:
    environ |= {"CALZION_URL": "https://example.com", "CALZION_TOKEN": TOKEN}
    found = find_remote(environ)
    assert found is not None
    assert (found.url, found.token) == ("https://example.com", TOKEN)
    with pytest.raises(CalzionError, match="could read the token"):
        find_remote({**environ, "CALZION_URL": "http://example.com"})
    with pytest.raises(CalzionError, match="this is no token"):
        find_remote({**environ, "CALZION_TOKEN": ""})


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"url": "https://a", "token": ["x y"]}', "nonsense"])
def test_credentials_that_are_broken(environ: dict[str, str], content: str) -> None:
    file = credentials_file(environ)
    file.parent.mkdir(parents=True)
    file.touch(mode=0o600)
    file.write_text(content)
    with pytest.raises(CalzionError):
        find_remote(environ)


def test_credentials_that_others_can_read(environ: dict[str, str]) -> None:
    file = credentials_file(environ)
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    file.chmod(0o640)
    with pytest.raises(CalzionError, match="others can read"):
        find_remote(environ)


def test_a_new_token_is_all_of_standard_output(calzion: Run, api: FakeApi, capsys: Capture) -> None:
    made = {
        "id": "1",
        "user": "ci",
        "scope": "deploy",
        "allow": ["shop"],
        "expires": None,
        "problem": "no port",
    }
    api.answers["POST /tokens"] = Answer({**made, "token": TOKEN}, status=201)
    assert calzion("tokens", "add", "ci", "--scope", "deploy", "--allow", "shop", "--expires", "never") == 0
    said = capsys.readouterr()
    assert said.out == f"{TOKEN}\n"
    assert "ci: deploy on shop, without an end; id 1" in said.err
    assert " !     no port" in said.err
    assert api.seen[0][1] == {"user": "ci", "scope": "deploy", "allow": ["shop"], "ttl": "never"}


def test_tokens_are_listed_and_removed(calzion: Run, api: FakeApi, capsys: Capture) -> None:
    one = {"id": "1", "user": "ci", "scope": "admin", "allow": [], "expires": "2030-01-01T00:00:00Z"}
    api.answers["GET /tokens"] = Answer([{**one, "created": "2026-01-01T00:00:00Z"}])
    api.answers["DELETE /tokens/a%2Fb"] = Answer({"removed": [one]})
    assert calzion("tokens", "list") == 0
    assert "admin on everything" in capsys.readouterr().out
    assert calzion("tokens", "remove", "a/b") == 0
    assert capsys.readouterr().out == "removed: ci 1\n"
