"""The configuration of a docker command that gets registries' credentials."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path

from calzion.build.dockerconfig import docker_config, with_logins
from calzion.model import Login

CI = Login(user="ci", password="p:w")
AUTH = {"auth": base64.b64encode(b"ci:p:w").decode()}


def test_logins_beside_what_is_configured() -> None:
    given = {"auths": {"a.example": {"auth": "x"}, "b.example": {"auth": "y"}}, "proxies": {"default": {}}}
    assert with_logins(given, {"b.example": CI, "docker.io": CI}) == {
        "auths": {"a.example": {"auth": "x"}, "b.example": AUTH, "https://index.docker.io/v1/": AUTH},
        "proxies": {"default": {}},
        "credHelpers": {},
    }


def test_logins_go_before_a_program_that_keeps_others() -> None:
    made = with_logins({"credsStore": "pass", "credHelpers": {"b.example": "pass"}}, {"b.example": CI})
    assert made["credHelpers"] == {"b.example": ""}
    assert made["credsStore"] == "pass"


def test_a_directory_for_one_command(tmp_path: Path) -> None:
    given = tmp_path / "given"
    (given / "cli-plugins").mkdir(parents=True)
    (given / "config.json").write_text("no JSON")
    place = tmp_path / "place"
    place.mkdir()
    environ = {"DOCKER_CONFIG": str(given), "A": "b"}
    with docker_config(environ, {"b.example": CI}, place) as made:
        directory = Path(made["DOCKER_CONFIG"])
        assert made["A"] == "b" and directory.parent == place
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert json.loads((directory / "config.json").read_bytes())["auths"] == {"b.example": AUTH}
        assert (directory / "cli-plugins").is_dir()
        files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
        assert files == [given / "config.json"], "the credentials are on no disk"
    assert not os.path.exists(directory / "config.json")  # noqa: PTH110 (where the link leads)


def test_without_logins_nothing_is_made(tmp_path: Path) -> None:
    with docker_config({"A": "b"}, {}, tmp_path) as made:
        assert made == {"A": "b"}
    assert not [*tmp_path.iterdir()]
