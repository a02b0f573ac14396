"""`calzion init` and `calzion template`, which need no server."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, which is the current directory."""
    root = tmp_path / "My Shop"
    (root / ".git").mkdir(parents=True)
    monkeypatch.chdir(root)
    return root


def test_init_writes_a_template_that_passes_the_check(
    calzion: Run, repository: Path, capsys: Capture
) -> None:
    (repository / "Procfile").write_text("web: ./serve\n")
    (repository / "app.json").write_text('{"env": {"API_KEY": "abc", "SECRET_KEY": {"generator": "secret"}}}')
    assert calzion("init") == 0
    said = capsys.readouterr()
    assert said.out == "template.yaml is written: 1 service: my-shop\n"
    assert " !     to be set: calzion secrets set DEPLOYMENT API_KEY" in said.err
    assert "abc" not in (repository / "template.yaml").read_text()
    assert calzion("template", "check") == 0
    assert capsys.readouterr().out == (
        "template.yaml: 1 service: my-shop; 1 generated value\n"
        "       API_KEY of my-shop is to be set: calzion secrets set DEPLOYMENT API_KEY\n"
    )
    assert [path.name for path in repository.iterdir() if path.name.startswith(".template")] == []


def test_init_never_overwrites(calzion: Run, repository: Path, capsys: Capture) -> None:
    (repository / "Procfile").write_text("web: ./serve\n")
    target = repository / "template.yaml"
    target.write_text("mine:\n")
    assert calzion("init") == 4
    assert "template.yaml is there already" in capsys.readouterr().err
    assert target.read_text() == "mine:\n"
    assert calzion("init", "--print") == 0
    assert calzion("init", "-") == 0
    assert "git: ." in capsys.readouterr().out
    assert target.read_text() == "mine:\n"
    assert calzion("init", "--force") == 0
    assert "git: ." in target.read_text()


def test_init_of_another_directory(calzion: Run, repository: Path, capsys: Capture) -> None:
    (repository / "web").mkdir()
    (repository / "web" / "package.json").write_text("{}")
    assert calzion("init", "web") == 0
    assert "web:\n  git: .\n" in (repository / "web" / "template.yaml").read_text()
    assert calzion("init", "nosuch") == 2
    assert calzion("init", "--compose", "a", "--no-compose") == 2
    assert calzion("init", "--compose", "../x.yaml") == 2
    assert "there is no file ../x.yaml" in capsys.readouterr().err


def test_init_of_nothing(calzion: Run, repository: Path, capsys: Capture) -> None:
    assert calzion("init") == 3
    assert "nothing here says what runs" in capsys.readouterr().err


def test_check_tells_every_mistake(calzion: Run, repository: Path, capsys: Capture) -> None:
    (repository / "template.yaml").write_text("web:\n  git: .\n  comand: x\n  port: 0\n")
    assert calzion("template", "check") == 1
    err = capsys.readouterr().err
    assert "template.yaml:3:3: unknown key 'comand'; did you mean 'cmd'?" in err
    assert "template.yaml:4:9: a port is a number" in err
    assert calzion("template", "check", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert [(each["file"], each["line"], each["column"]) for each in told["problems"]] == [
        ("template.yaml", 3, 3),
        ("template.yaml", 4, 9),
    ]


def test_check_as_json(calzion: Run, repository: Path, capsys: Capture) -> None:
    (repository / "template.yaml").write_text(
        "redis:\nweb: {git: ., env: {A: '${B}', C: '${D}'}}\nGenerate: {D: }\nRun: {x: {service: web, cmd: y}}\n"
    )
    assert calzion("template", "check", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "ok": True,
        "problems": [],
        "services": ["redis", "web"],
        "tasks": ["x"],
        "generate": ["D"],
        "secrets": ["B"],
    }


def test_check_reads_what_is_included_and_nothing_outside(
    calzion: Run, repository: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository.parent / "outside.yaml").write_text("evil:\n")
    (repository / "link.yaml").symlink_to(repository.parent / "outside.yaml")
    (repository / "base.yaml").write_text("redis:\n")
    deploy = repository / "deploy"
    deploy.mkdir()
    (deploy / "t.yaml").write_text("Includes: [base.yaml]\nweb: {git: .}\n")
    monkeypatch.chdir(deploy)
    assert calzion("template", "check", "t.yaml") == 0
    assert "2 services" in capsys.readouterr().out
    for name in ("../outside.yaml", "link.yaml", "nosuch.yaml"):
        (deploy / "t.yaml").write_text(f"Includes: [{name}]\nweb: {{git: .}}\n")
        assert calzion("template", "check", "t.yaml") == 1
        assert "deploy/t.yaml:1:12" in capsys.readouterr().err


def test_check_without_a_git_repository(calzion: Run, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "t.yaml").write_text("Includes: [base.yaml]\nweb: {git: .}\n")
    (tmp_path / "base.yaml").write_text("redis:\n")
    assert calzion("template", "check", str(tmp_path / "t.yaml")) == 0


def test_check_of_standard_input(
    calzion: Run, repository: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"web: {gti: .}\n")))
    assert calzion("template", "check", "-") == 1
    assert "standard input:1:7" in capsys.readouterr().err


def test_check_of_no_file(calzion: Run, repository: Path, capsys: Capture) -> None:
    assert calzion("template", "check") == 3
    assert "'calzion init' writes a first template" in capsys.readouterr().err
    assert calzion("template", "check", ".") == 2


def test_schema_and_reference(calzion: Run, capsys: Capture) -> None:
    assert calzion("template", "schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "template.yaml of Calzion"
    assert calzion("template", "reference") == 0
    assert "\n| `git` | the directory of the repository" in capsys.readouterr().out
