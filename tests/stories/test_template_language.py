"""The whole language in real pushes: tasks, requirements, includes, exposed addresses, overlap, build variables."""

from __future__ import annotations

import json

from tests.stories.apps import web
from tests.stories.site import Site


def environment(site: Site, host: str) -> dict[str, str]:
    status, body = site.get(host)
    assert status == 200, body
    found: dict[str, str] = json.loads(body)["env"]
    return found


def test_a_task_runs_once_before_what_requires_it(site: Site) -> None:
    template = """
web: {git: ., require: [seed]}
api: {git: .}
Run:
  seed: {service: web, cmd: 'echo seeded $DEPLOYMENT as $SERVICE; exit $CODE', require: [api]}
Env: {CODE: "3"}
"""
    repository = site.repository("tasks", web(template__yaml=template))
    failed = repository.push("tasks-one")
    assert failed.status != 0
    assert "the task seed failed (exit code 3)" in failed and "seeded tasks-one as web" in failed
    assert "Starting web" not in failed, "what requires the task must wait for it"
    assert site.json("ps", "tasks-one") == []

    repository.commit({"template.yaml": template.replace('"3"', '"0"')})
    done = repository.push("tasks-one")
    assert done.status == 0, done
    assert done.text.index("Starting api") < done.text.index("seeded tasks-one as web")
    assert done.text.index("seeded tasks-one as web") < done.text.index("Starting web")

    repository.commit({"template.yaml": template.replace('"3"', '"1"')})
    again = repository.push("tasks-one")
    assert again.status == 0 and "seeded" not in again, again

    other = repository.push("tasks-two")
    assert "the task seed failed (exit code 1)" in other, "another deployment has done nothing yet"


def test_included_files_and_exposed_addresses(site: Site) -> None:
    files = web(template__yaml="Includes: [ops/base.yaml]\nweb:\n  env: {TEXT: mine}\n")
    files["ops/base.yaml"] = (
        "calzion/redis:\nweb:\n  git: .\n  expose: {redis: CACHE}\n  env: {TEXT: base, KEPT: yes}\n"
    )
    repository = site.repository("includes", files)
    push = repository.push("includes-one")
    assert push.status == 0, push
    env = environment(site, "includes-one")
    assert env["TEXT"] == "mine" and env["KEPT"] == "yes"
    assert env["CACHE_PORT"] == "6379" and env["CACHE_URL"] == env["REDIS_URL"]
    assert env["CACHE_URL"].startswith("redis://") and "REDIS_HOST" not in env

    repository.commit({"ops/base.yaml": "web: {git: ., imge: x}\n"})
    wrong = repository.push("includes-one")
    assert "ops/base.yaml:1:15: unknown key 'imge'; did you mean 'image'?" in wrong
    assert "v1 keeps serving" in wrong


def test_what_needs_a_container_engine_says_so(site: Site) -> None:
    repository = site.repository("engine", web(template__yaml="web: {build: .}\n"))
    assert "web: 'build' needs a container engine" in repository.push("engine-one")
    repository.commit({"template.yaml": "web: {git: ., privileged: true}\n"})
    assert "web: 'privileged' needs a container engine" in repository.push("engine-one")


ALONE = """
import socket
alone = socket.socket(socket.AF_UNIX)
alone.bind(f"\\0calzion alone in {__import__('os').environ['DEPLOYMENT']} {SITE}")
"""


def test_what_can_not_overlap_is_stopped_before_its_successor_starts(site: Site) -> None:
    files = web(template__yaml="web: {git: ., overlap: false}\n")
    files["server.py"] = ALONE.replace("{SITE}", site.root.name) + files["server.py"]
    repository = site.repository("overlap", files)
    assert repository.push("overlap-one").status == 0
    repository.commit({"more": "x"})
    second = repository.push("overlap-one")
    assert second.status == 0, second

    repository.commit({"template.yaml": "web: {git: .}\n", "more": "y"})
    beside = repository.push("overlap-one")
    assert beside.status != 0 and "Address already in use" in beside and "v2 keeps serving" in beside


def test_a_build_sees_what_build_env_names(site: Site) -> None:
    template = """
web:
  git: .
  build_env: [TOKEN]
  env: {TOKEN: "${KEY}", HIDDEN: "${KEY}", PLAIN: here}
Generate: {KEY: {length: 20}}
"""
    files = web(template__yaml=template)
    files[".buildpacks"] = "./look\nprocfile\n"
    files["look/bin/detect"] = "#!/bin/sh\necho look\n"
    files["look/bin/compile"] = '#!/bin/sh\necho "sees: $(ls $3 | tr "\\n" " ")"; wc -c < $3/TOKEN\n'
    push = site.repository("buildenv", files).push("buildenv-one")
    assert push.status == 0, push
    assert "sees: PLAIN TOKEN" in push and "web: 20" in push
