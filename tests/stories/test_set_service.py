from __future__ import annotations

import http.client
import io
import json
import socket
import tarfile
from typing import Any, Literal

from tests.stories.apps import web
from tests.stories.site import Site


class Api(http.client.HTTPConnection):
    """The administrator's unix socket."""

    def __init__(self, site: Site) -> None:
        super().__init__("localhost", timeout=60)
        self._path = str(site.data / "api.sock")

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self._path)

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        self.request(method, f"/v1{path}", data, {"Accept": "application/json"})
        answer = self.getresponse()
        return answer.status, json.loads(answer.read())


def archive(files: dict[str, str], compress: Literal["", "gz"] = "gz") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz" if compress else "w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content.encode())
            tar.addfile(info, io.BytesIO(content.encode()))
    return packed.getvalue()


def test_services_in_any_order_are_held_until_they_can_run(site: Site) -> None:
    api = Api(site)
    assert api.call("PUT", "/deployments/api-staging")[0] == 201
    assert api.call("PUT", "/deployments/api-staging")[0] == 200
    services = "/deployments/api-staging/services"
    assert api.call("PUT", f"{services}/web", {"git": ".", "require": ["redis"]})[0] == 200

    def held() -> str:
        shown = api.call("GET", "/deployments/api-staging")[1]["services"]
        return str(next(each["held"] for each in shown if each["name"] == "web"))

    assert "code" in held()
    assert api.call("PUT", f"{services}/web/code", archive(web("by api")))[0] == 200
    assert "waits for redis" in held()
    assert site.get("api-staging")[0] == 404
    status, answer = api.call("PUT", f"{services}/redis", {"image": "calzion/redis"})
    assert status == 200, answer
    assert held() == "" and '"by api"' in site.get("api-staging")[1]
    assert api.call("DELETE", f"{services}/web")[0] == 200
    assert site.get("api-staging")[0] == 404


def test_a_release_is_filled_in_any_order_and_activated_as_one(site: Site) -> None:
    api = Api(site)
    api.call("PUT", "/deployments/whole")
    number = api.call("POST", "/deployments/whole/releases")[1]["version"]
    release = f"/deployments/whole/releases/{number}"
    assert api.call("PUT", f"{release}/services/web", {"git": "app"})[0] == 200
    files = {f"app/{name}": content for name, content in web("as one").items()}
    assert api.call("PUT", f"{release}/source", archive(files))[0] == 200
    assert api.call("PUT", f"{release}/source", archive(files))[0] == 409
    status, answer = api.call("POST", f"{release}/activate")
    assert status == 200, answer
    assert '"as one"' in site.get("whole")[1]
    assert api.call("PUT", f"{release}/services/web", {"git": "app"})[0] == 409


def test_hostile_uploads_and_bodies(site: Site) -> None:
    api = Api(site)
    api.call("PUT", "/deployments/hostile")
    api.call("PUT", "/deployments/hostile/services/web", {"git": "."})
    code = "/deployments/hostile/services/web/code"
    assert api.call("PUT", code, b"no archive")[0] == 400
    assert api.call("PUT", code, archive({"../../escaped": "x"}))[0] == 400
    assert not list(site.root.rglob("escaped"))
    assert api.call("PUT", "/deployments/hostile/services/web", {"git": "../x"})[0] == 422
    assert api.call("PUT", "/deployments/Bad_Name")[0] == 400
    assert api.call("GET", "/deployments/missing")[0] == 404
    assert api.call("GET", "/nowhere")[0] == 404
