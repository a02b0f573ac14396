"""Repositories in the shapes that come from Heroku: Procfiles and app.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from calzion.errors import CalzionError
from calzion.scaffold import Checkout, make_scaffold

Make = Callable[..., Any]


def test_one_app_with_a_procfile(make: Make) -> None:
    made = make({"Procfile": "web: gunicorn app:app\nworker: python worker.py\nrelease: ./migrate\n"})
    assert list(made.services) == ["shop"]
    assert made.services["shop"].git == "."
    assert made.services["shop"].processes is None
    assert made.scaffold.sources == ("Procfile",)


def test_a_repository_with_several_apps(make: Make) -> None:
    made = make(
        {
            "services/api/Procfile": "web: ./api\n",
            "services/Web_UI/Procfile": "web: npm start\n",
            "jobs/Procfile": "clock: python clock.py\n",
            "node_modules/other/Procfile": "web: no\n",
            ".hidden/Procfile": "web: no\n",
            "package.json": '{"workspaces": ["services/*"]}',
        }
    )
    assert {name: each.git for name, each in made.services.items()} == {
        "jobs": "jobs",
        "web-ui": "services/Web_UI",
        "api": "services/api",
    }
    assert "jobs: its Procfile has no 'web', so no host name leads to it" in made.scaffold.decided


def test_directories_of_the_same_name_get_names_of_their_own(make: Make) -> None:
    made = make({"a/app/Procfile": "web: a\n", "b/app/Procfile": "web: b\n"})
    assert sorted(made.services) == ["app", "app-2"]


@pytest.mark.parametrize("file", ["package.json", "requirements.txt", "index.html"])
def test_an_app_that_only_a_buildpack_knows(make: Make, file: str) -> None:
    assert make({file: "{}"}).services["shop"].git == "."


def test_apps_right_below_the_root(make: Make) -> None:
    made = make({"frontend/package.json": "{}", "backend/requirements.txt": "", "notes/todo.txt": ""})
    assert sorted(made.services) == ["backend", "frontend"]


def test_a_dockerfile_gives_the_command_or_the_build(make: Make) -> None:
    dockerfile = 'FROM x\nWORKDIR /srv/code\nCMD ["uvicorn", "app:app", \\\n  "--app-dir", "/srv/code/src"]\n'
    made = make({"requirements.txt": "uvicorn", "Dockerfile": dockerfile})
    assert made.services["shop"].cmd == "uvicorn app:app --app-dir /app/src"


def test_a_dockerfile_alone(make: Make) -> None:
    made = make({"Dockerfile": "FROM x\n", "main.rs": ""})
    assert made.services["shop"].build == "."


def test_programs_of_an_image_are_on_path(make: Make) -> None:
    dockerfile = (
        'FROM x\nWORKDIR /shop\nENTRYPOINT ["/shop/bin/gunicorn", "-w", "4"]\nCMD ["/shop/bin/conf.run"]\n'
    )
    made = make({"requirements.txt": "gunicorn", "Dockerfile": dockerfile})
    assert made.services["shop"].cmd == "gunicorn -w 4 /app/bin/conf.run"


def test_processes_that_no_one_wants_always(make: Make) -> None:
    made = make({"Procfile": "web: a\nconsole: b\nworker: c\nrelease: d\n"})
    assert made.services["shop"].processes == ("web", "worker")
    assert "shop: not running: console ('processes' says what runs)" in made.scaffold.decided


def test_a_procfile_that_can_t_be_read_is_said(make: Make) -> None:
    made = make({"Procfile": "this is none\n", "package.json": "{}"})
    assert "Procfile:1" in made.scaffold.left[0]


APP_JSON = {
    "name": "Small Sharp Tool",
    "description": "does one thing",
    "keywords": ["x"],
    "repository": "https://example.com/x",
    "logo": "https://example.com/x.svg",
    "success_url": "/welcome",
    "stack": "heroku-24",
    "image": "heroku/nodejs",
    "scripts": {"postdeploy": "bundle exec rake bootstrap", "pr-predestroy": "x"},
    "env": {
        "SECRET_TOKEN": {"description": "for cookies", "generator": "secret"},
        "WEB_CONCURRENCY": {"value": "5"},
        "RAILS_ENV": "production",
        "LEGACY": {"default": 3},
        "ADMIN_EMAIL": {"description": "who"},
        "STRIPE_KEY": "sk_live_123456",
        "OPTIONAL": {"required": False},
        "not a name": "x",
    },
    "formation": {"web": {"quantity": 2, "size": "standard-1x"}, "clock": {"quantity": 0}},
    "addons": [
        "heroku-postgresql",
        {"plan": "heroku-redis:mini", "as": "CACHE"},
        "papertrail:choklad",
    ],
    "buildpacks": [
        {"url": "heroku/nodejs"},
        {"url": "https://github.com/heroku/heroku-buildpack-python.git"},
    ],
    "environments": {"test": {"scripts": {"test": "x"}}},
}


def test_app_json(make: Make) -> None:
    made = make(
        {"app.json": json.dumps(APP_JSON), "Procfile": "web: a\nworker: b\nclock: c\n", "package.json": "{}"}
    )
    shop = made.services["shop"]
    assert made.env("shop") == {
        "SECRET_TOKEN": "${SECRET_TOKEN}",
        "WEB_CONCURRENCY": "5",
        "RAILS_ENV": "production",
        "LEGACY": "3",
        "ADMIN_EMAIL": "${ADMIN_EMAIL}",
        "STRIPE_KEY": "${STRIPE_KEY}",
    }
    assert made.scaffold.generate == ("SECRET_TOKEN",)
    assert made.scaffold.wanted == ("ADMIN_EMAIL", "STRIPE_KEY")
    assert shop.buildpacks == ("node", "python")
    assert shop.processes == ("web", "worker")
    assert made.services["postgres"].image == "postgres"
    assert made.services["cache"].image == "redis"
    assert [(task.name, task.cmd) for task in made.template.tasks] == [
        ("postdeploy", "bundle exec rake bootstrap")
    ]
    left = "\n".join(made.scaffold.left)
    for said in (
        "papertrail:choklad",
        "pr-predestroy",
        "environments",
        "shop.web=2",
        "size of web",
        "OPTIONAL",
        "image",
    ):
        assert said in left, said
    assert "sk_live" not in made.text


def test_the_detected_buildpack_needs_no_word(make: Make) -> None:
    made = make({"app.json": '{"buildpacks": [{"url": "heroku/python"}]}', "requirements.txt": ""})
    assert made.services["shop"].buildpacks is None


@pytest.mark.parametrize("content", ["{", "[]", "[" * 100_000, '{"env": ' * 40 + "1" + "}" * 40])
def test_an_app_json_that_can_t_be_read(tmp_path: Path, content: str) -> None:
    (tmp_path / "app.json").write_text(content)
    (tmp_path / "package.json").write_text("{}")
    with pytest.raises(CalzionError, match=r"app\.json can't be read") as raised:
        make_scaffold(Checkout(tmp_path), "shop")
    assert raised.value.code == "usage"


def test_an_app_json_of_any_shape_is_borne(make: Make) -> None:
    strange = {"env": [1], "addons": {"a": 1}, "formation": "x", "scripts": 4, "buildpacks": [4, {}, None]}
    assert make({"app.json": json.dumps(strange), "package.json": "{}"}).services["shop"].git == "."


def test_nothing_to_begin_with(tmp_path: Path) -> None:
    with pytest.raises(CalzionError, match="nothing here says what runs") as raised:
        make_scaffold(Checkout(tmp_path), "shop")
    assert raised.value.code == "not_found"


def test_symbolic_links_lead_nowhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "Procfile").write_text("web: x\n")
    (outside / ".env").write_text("NAME=value\n")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "linked").symlink_to(outside)
    (inside / "Procfile").symlink_to(outside / "Procfile")
    tree = Checkout(inside)
    assert tree.names("linked") == () == tree.names("../outside")
    assert tree.read("linked/.env") is None
    assert tree.read("../outside/.env") is None
    assert tree.read("Procfile") is None


def test_a_site_that_is_only_built_is_served_as_one(make: Make) -> None:
    made = make({"package.json": '{"scripts": {"dev": "vite", "build": "vite build"}}', "index.html": ""})
    assert made.services["shop"].buildpacks == ("node", "static")
    assert made.scaffold.decided


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"requirements.txt": "flask"}, True),
        ({"package.json": "{}"}, True),
        ({"package.json": '{"scripts": 3}'}, True),
        ({"package.json": "{}", "server.js": ""}, False),
        ({"package.json": '{"scripts": {"start": "node ."}}'}, False),
        ({"index.html": ""}, False),
    ],
)
def test_what_nothing_starts_is_said(make: Make, files: dict[str, str], said: bool) -> None:
    left = make(files).scaffold.left
    assert ["nothing says how it starts" in each for each in left] == [True] * said
