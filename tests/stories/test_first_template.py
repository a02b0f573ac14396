"""A repository that was made for other tools, from `calzion init` to a deployment."""

from __future__ import annotations

import json
import subprocess

from tests.stories.apps import SERVER
from tests.stories.site import PROGRAM, Site

COMPOSE = """\
x-app: &app
  build: .
  environment: &environment
    DATABASE_URL: postgres://shop:s3cretpw@db:5432/shop
    SECRET_KEY: not-so-secret
    GREETING: "${GREETING:-hello}"
  volumes: [".:/code", "media:/code/media"]
  depends_on: {db: {condition: service_healthy}}
services:
  web:
    <<: *app
    command: python3 manage.py runserver
    ports: ["8000:8000"]
    healthcheck: {test: [CMD, curl, -f, "http://localhost:8000/healthz"], start_period: 5s}
  beat:
    <<: *app
    command: python3 -c 'import time; print("beating", flush=True); time.sleep(600)'
  db:
    image: postgres:13
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: s3cretpw, POSTGRES_DB: shop}
    volumes: ["pgdata:/var/lib/postgresql/data"]
volumes: {media: , pgdata: }
"""
FILES = {
    "docker-compose.yml": COMPOSE,
    "Procfile": 'release: test -n "$DATABASE_URL" && echo migrated\nweb: exec python3 server.py\nconsole: python3\n',
    "Dockerfile": "FROM python:3\nWORKDIR /code\n",
    "app.json": '{"addons": ["heroku-postgresql", "heroku-redis"], "scripts": {"postdeploy": "echo filled"}}',
    "server.py": SERVER,
}


def offline(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_a_compose_file_and_a_procfile_become_a_deployment(site: Site) -> None:
    repository = site.repository("shop", FILES)
    made = offline("init", str(repository.path))
    assert made.returncode == 0, made.stderr
    assert "not carried over: web: the bind mount of . at /app" in made.stderr
    assert "s3cretpw" not in (repository.path / "template.yaml").read_text()
    checked = offline("template", "check", str(repository.path / "template.yaml"))
    assert checked.returncode == 0, checked.stderr
    repository.commit({})
    push = repository.push("shop-staging")
    assert push.status == 0, push
    assert "migrated" in push and "filled" in push, push
    env = json.loads(site.get("web.shop-staging", "/healthz")[1])["env"]
    assert env["GREETING"] == "hello"
    assert env["DATABASE_URL"].startswith("postgres://shop:") and "s3cretpw" not in env["DATABASE_URL"]
    assert len(env["SECRET_KEY"]) == 32
    assert env["REDIS_URL"].startswith("redis://")
    running = {(each["service"], each["type"]) for each in site.json("ps", "shop-staging")}
    assert {("web", "web"), ("beat", "web")} <= running
    assert ("web", "console") not in running
    assert "beating" in site.calzion("logs", "shop-staging:beat").stdout
