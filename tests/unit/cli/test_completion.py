"""What a shell gets when it asks; bash is the real one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_api import Answer, FakeApi

from calzion.cli.completion import joined_at_colons

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]
Ask = Callable[..., list[str]]

LISTED = [
    {"name": "myapp-staging", "services": ["web", "redis"]},
    {"name": "myapp-pr42", "services": ["web"]},
    {"name": "shop", "services": ["web", "db"]},
]


@pytest.fixture
def ask(calzion: Run, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Ask:
    """What bash is answered for these words, the last of which is not finished."""

    def ask(*words: str) -> list[str]:
        environ["_CALZION_COMPLETE"] = "bash_complete"
        monkeypatch.setenv("COMP_WORDS", "\n".join(["calzion", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        assert calzion() == 0
        return [line.partition(",")[2] for line in capsys.readouterr().out.splitlines() if line]

    return ask


def test_commands_and_options(ask: Ask) -> None:
    assert ask("res") == ["restart", "restore"]
    assert set(ask("re")) >= {"releases", "redeploy", "restart"}
    assert {"serve", "keys", "template"} <= set(ask(""))
    assert ask("keys", "") == ["add", "list", "remove"]
    assert ask("template", "check", "--j") == ["--json"]
    assert ask("completion", "") == ["bash", "zsh", "fish"]
    assert ask("serve", "ro") == ["router"]


def test_names_of_deployments_come_from_the_server(ask: Ask, api: FakeApi) -> None:
    api.answers["GET /deployments"] = Answer(LISTED)
    assert ask("releases", "") == ["myapp-staging", "myapp-pr42", "shop"]
    assert ask("releases", "my") == ["myapp-staging", "myapp-pr42"]
    assert ask("logs", "myapp") == ["myapp-staging", "myapp-pr42"]
    assert ask("logs", "-f", "sh") == ["shop", "shop:web", "shop:db"]
    assert ask("scale", "shop", "") == ["web=", "db="]


def test_bash_splits_at_colons(ask: Ask, api: FakeApi) -> None:
    api.answers["GET /deployments"] = Answer(LISTED)
    assert ask("logs", "shop", ":") == ["web", "db"]
    assert ask("logs", "shop", ":", "d") == ["db"]
    assert joined_at_colons(["calzion", "a", ":", "b", "c"]) == ["calzion", "a:b", "c"]
    assert joined_at_colons(["calzion", "a", ":", ""]) == ["calzion", "a:"]
    assert joined_at_colons(["calzion", ""]) == ["calzion", ""]


def test_without_a_server_there_are_no_names(ask: Ask, environ: dict[str, str]) -> None:
    assert ask("releases", "") == []
    environ["CALZION_SSH"] = "not an address"
    assert ask("releases", "") == []


@pytest.mark.parametrize("body", [None, {"a": 1}, [1], [{"name": "x"}], "text"])
def test_answers_of_another_shape_are_no_names(ask: Ask, api: FakeApi, body: object) -> None:
    api.answers["GET /deployments"] = Answer(body)
    assert ask("releases", "") == []


def test_a_shell_that_is_not_known(calzion: Run, environ: dict[str, str]) -> None:
    for instruction in ("tcsh_complete", "bash_nonsense", "x"):
        environ["_CALZION_COMPLETE"] = instruction
        assert calzion() == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_asks_by_the_variable(calzion: Run, capsys: Capture, shell: str) -> None:
    assert calzion("completion", shell) == 0
    assert f"_CALZION_COMPLETE={shell}_complete" in capsys.readouterr().out
    assert calzion("completion", "tcsh") == 2


def test_bash_completes_with_the_script(api: FakeApi, tmp_path: Path) -> None:
    api.answers["GET /deployments"] = Answer(LISTED)
    script = """
        eval "$(calzion completion bash)"
        COMP_WORDS=(calzion logs shop : d); COMP_CWORD=4
        _calzion_completion calzion; echo "${COMPREPLY[@]}"
        COMPREPLY=(); COMP_WORDS=(calzion stat); COMP_CWORD=1
        _calzion_completion calzion; echo "${COMPREPLY[@]}"
    """
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={"PATH": path, "HOME": str(tmp_path), "CALZION_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == ["db", "status"]
    assert done.stderr == ""
