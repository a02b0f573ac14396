from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_api import Answer, FakeApi
from test_deploy import DEPLOYMENT, shop

__all__ = ["shop"]

ITEM = {"reasons": [], "code": None, "volumes": {}}
CHANGED = {
    "deployment": "shop",
    "changes": True,
    "services": [
        {**ITEM, "service": "api", "change": "held", "reasons": ["waits for its code"]},
        {**ITEM, "service": "db", "change": "removed", "volumes": {"data": 12_300_000}},
        {
            **ITEM,
            "service": "web",
            "change": "changed",
            "reasons": ["code", "env A"],
            "code": {"from": "1" * 40, "to": "2" * 40},
        },
    ],
    "tasks": [{"name": "seed", "service": "web"}],
}
SAME = {
    **CHANGED,
    "changes": False,
    "services": [{**ITEM, "service": "web", "change": "unchanged"}],
    "tasks": [],
}


@pytest.mark.parametrize("command", [("plan",), ("deploy", "--plan")])
def test_a_plan_is_shown_and_only_asked_for(
    calzion: Callable[..., int],
    api: FakeApi,
    shop: Path,
    capsys: pytest.CaptureFixture[str],
    command: tuple[str, ...],
) -> None:
    api.answers[f"POST {DEPLOYMENT}/plan"] = Answer(CHANGED)
    assert calzion(*command, str(shop / "template.yaml"), "shop") == 10
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("-----> shop: plan of ")
    assert [line.strip() for line in lines[1:]] == [
        "api    held: waits for its code",
        "db     removed: its volume data (12.3 MB) is kept until you remove it",
        "web    changed: code 1111111..2222222, env A",
        "seed   runs once, in web",
        "-----> plan only: nothing was changed",
    ]
    assert [request for request, _ in api.seen] == [f"GET {DEPLOYMENT}/secrets", f"POST {DEPLOYMENT}/plan"]

    api.answers[f"POST {DEPLOYMENT}/plan"] = Answer(SAME)
    assert calzion(*command, str(shop / "template.yaml"), "shop") == 0
    assert "nothing would change" in capsys.readouterr().out


@pytest.mark.parametrize("command", [("plan",), ("deploy", "--plan")])
def test_what_would_be_copied_is_shown(
    calzion: Callable[..., int],
    api: FakeApi,
    shop: Path,
    capsys: pytest.CaptureFixture[str],
    command: tuple[str, ...],
) -> None:
    data = {"from": "staging", "copied": {"web/files": 1_000_000, "db": 12_300_000}, "sanitized": False}
    api.answers[f"POST {DEPLOYMENT}/plan"] = Answer({**SAME, "changes": True, "data": data})
    assert calzion(*command, str(shop / "template.yaml"), "shop", "--from", "staging") == 10
    assert api.seen[-1][1]["from"] == "staging"
    assert [line.strip() for line in capsys.readouterr().out.splitlines()[2:-1]] == [
        "begins with the data of staging: db (12.3 MB), web/files (1.0 MB)",
        "nothing sanitizes the data of staging: no task of 'Run' has 'sanitize: true'",
    ]


def test_the_code_is_described_once_for_those_who_share_it(
    calzion: Callable[..., int], api: FakeApi, shop: Path
) -> None:
    api.answers[f"POST {DEPLOYMENT}/plan"] = Answer(SAME)
    assert calzion("plan", str(shop / "template.yaml"), "shop") == 0
    sent: dict[str, Any] = api.seen[-1][1]
    assert sent["env"] == {"B": "2", "T": "${TOKEN}"} and sent["generate"] == {"KEY": 8}
    assert (
        set(sent["services"]) == {"api", "redis", "twin", "web"} and sent["services"]["api"]["git"] == "api"
    )
    web, api_code = sent["codes"]
    assert (web["services"], api_code["services"]) == (["web"], ["api", "twin"])
    assert web["names"] == ["Procfile", "template.yaml"]
    assert list(web["files"]) == ["Procfile"], "nothing else of the code is sent"
    assert base64.b64decode(web["files"]["Procfile"]) == b"web: shop\n"
    tree = subprocess.run(
        ["git", "-C", shop, "rev-parse", "HEAD^{tree}"], check=True, capture_output=True, text=True
    )
    assert web["digest"] == tree.stdout.strip()


def test_json_stands_alone_on_standard_output(
    calzion: Callable[..., int], api: FakeApi, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answers[f"POST {DEPLOYMENT}/plan"] = Answer(CHANGED)
    (shop / "new").write_text("new")
    assert calzion("plan", str(shop / "template.yaml"), "shop", "--json") == 10
    printed = capsys.readouterr()
    assert json.loads(printed.out) == CHANGED
    assert "1 file differs from HEAD" in printed.err
