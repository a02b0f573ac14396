"""The command line itself: help, what is loaded, wrong use, output that nobody reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from calzion.cli.program import COMMANDS, program
from calzion.config import SETTINGS

ROOT = Path(__file__).resolve().parents[3]
Run = Callable[..., int]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_loads_and_is_described(name: str) -> None:
    found = program.get_command(click.Context(program), name)
    assert found is not None
    assert found.name == name
    assert found.help


def test_every_command_is_documented() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    for name in COMMANDS:
        assert f"`calzion {name}" in page, name


def test_help_loads_no_command_and_no_http() -> None:
    script = (
        "import sys; from calzion.cli.main import run; run(['--help'], {}); "
        "print([name for name in ('http.client', 'rich', 'sqlalchemy', 'paramiko', 'calzion.cli.keys', "
        "'calzion.wiring') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_part_loads_no_command_line() -> None:
    script = (
        "import sys; from calzion.cli.main import run; "
        "run(['serve', 'nosuch'], {'CALZION_PART': 'nosuch', 'CALZION_DATA': '/dev/null/x'}); "
        "print('click' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "False"


def test_wrong_use_exits_2(calzion: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert calzion("nosuch") == 2
    assert " !     No such command 'nosuch'" in capsys.readouterr().err
    assert calzion("lst") == 2
    assert "list" in capsys.readouterr().err
    assert calzion("logs", "shop:web.worker") == 2
    assert "write shop:web" in capsys.readouterr().err
    assert calzion("ps") == 2
    assert calzion("serve", "nosuch") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["completion"], " !     Missing argument 'SHELL'. Choose from: bash, zsh, fish\n"),
        (["secrets"], "\nCommands:\n  list "),
    ],
)
def test_wrong_use_is_answered_with_what_is_right(
    calzion: Run, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert calzion(*arguments) == 2
    assert said in capsys.readouterr().err


def test_all_wrong_settings_are_told_at_once(calzion: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert calzion("config", "--ssh", "x", "--build-parallel", "0") == 2
    err = capsys.readouterr().err
    assert "ssh (--ssh): 'x' is no HOST:PORT" in err
    assert "build-parallel" in err


def test_config_tells_where_each_value_came_from(
    calzion: Run, environ: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "calzion.toml"
    file.write_text('domain = "example.com"\nssh = "127.0.0.1:22"\n')
    environ["CALZION_SSH"] = "127.0.0.1:2200"
    assert calzion("config", "--config", str(file), "--http", "127.0.0.1:80") == 0
    rows = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()[1:]}
    assert rows["domain"] == ["example.com", str(file)]
    assert rows["ssh"] == ["127.0.0.1:2200", "CALZION_SSH"]
    assert rows["http"] == ["127.0.0.1:80", "--http"]
    assert rows["backend"] == ["auto", "default"]
    assert rows["build-memory"] == ["2G", "default"]
    assert list(rows) == [setting.name for setting in SETTINGS]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://a:hush@host:5432/d", "postgresql://a:***@host:5432/d"),
        ("postgresql://a:hu/s:h@host/d", "postgresql://a:***@host/d"),
        ("postgresql://a@host/d?password=hush&x=1", "postgresql://a@host/d?password=***&x=1"),
        ("sqlite:////srv/a:b/store.db", "sqlite:////srv/a:b/store.db"),
    ],
)
def test_config_shows_no_password(
    calzion: Run, capsys: pytest.CaptureFixture[str], url: str, shown: str
) -> None:
    assert calzion("config", "--store", url) == 0
    rows = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines()[1:]}
    assert rows["store"] == shown


def test_output_that_nobody_reads_is_no_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "calzion", "--help"],
            cwd=ROOT,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writer)
    assert done.stderr == ""


def test_run_by_path_uses_no_module_of_the_current_directory(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise SystemExit('hostile')")
    (tmp_path / "calzion.py").write_text("raise SystemExit('hostile')")
    done = subprocess.run(
        [sys.executable, "-P", str(ROOT / "calzion" / "__main__.py"), "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("calzion ")


def test_stop_without_a_serve_says_so(calzion: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert calzion("stop") == 0
    assert "is not running" in capsys.readouterr().out


def test_config_reads_the_file_in_data_and_the_one_that_a_variable_names(
    calzion: Run, environ: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "calzion.toml").write_text('domain = "data.example"\n')
    assert calzion("config", "--json") == 0
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert found["domain"]["value"] == "data.example"
    assert found["domain"]["origin"] == str(tmp_path / "calzion.toml")
    environ["CALZION_CONFIG"] = str(tmp_path / "other.toml")
    assert calzion("config") == 2
    assert f"{tmp_path}/other.toml can't be read" in capsys.readouterr().err
    assert calzion("config", "--example") == 0
    assert '# domain = "localhost"' in capsys.readouterr().out
