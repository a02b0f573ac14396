from __future__ import annotations

import os
import signal
import subprocess

import pytest

from tests.stories.apps import web
from tests.stories.site import Repository, Site, eventually

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(12)
)
TEN_MISTAKES = """\
web: {git: ., bogus: 1}
Web: {}
worker: {git: ../x}
Bad_Name: 1
redis: {image: redis, env: [1]}
one: {git: ., ports: x}
two: {git: ., stop: {signal: SIGNOPE}}
three: {git: ., require: [nobody]}
four: {git: ., env: {A: '${NOTHING}'}}
five: {git: ., volumes: {data: relative}}
"""


@pytest.fixture(scope="module")
def serving(site: Site) -> Repository:
    """A deployment whose release must serve on whatever is pushed after it."""
    repository = site.repository("steady", web("steady"))
    push = repository.push("steady")
    assert push.status == 0, push
    return repository


def web_with(procfile: str, **more: str) -> dict[str, str]:
    return {**web(**more), "Procfile": procfile}


CASES = {
    "no template": ({"template.yaml": None}, ["template.yaml"]),
    "ten mistakes": ({"template.yaml": TEN_MISTAKES}, ["template.yaml:1:", "template.yaml:10:", "bogus"]),
    "a bomb": ({"template.yaml": BOMB}, ["template.yaml"]),
    "a missing directory": ({"template.yaml": "web: {git: nowhere}\n"}, ["web", "nowhere"]),
    "another image": ({"template.yaml": "db: {image: mysql}\n"}, ["db", "mysql", "container engine"]),
    "no language": (
        {"template.yaml": "web: {git: app}\n", "app/readme.txt": "x"},
        ["requirements.txt", "package.json", "readme.txt"],
    ),
    "a dependency that is not there": (
        {"requirements.txt": "calzion-no-such-package-at-all==9\n"},
        ["calzion-no-such-package-at-all", "build failed"],
    ),
    "an exit at boot": ({"Procfile": "web: echo going down; exit 7\n"}, ["exit code 7", "going down"]),
    "another port": (
        {"Procfile": "web: exec python3 -m http.server 23999\n"},
        ["within 5 s", "23999", "PORT"],
    ),
    "no port": ({"Procfile": "web: exec sleep 1000\n"}, ["within 5 s", "nothing listened"]),
    "a release command that fails": (
        {"Procfile": "release: echo migrating; exit 3\nweb: exec python3 server.py\n"},
        ["release command failed (exit code 3)", "migrating"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_bad_push_says_why_and_the_old_release_serves_on(
    site: Site, serving: Repository, name: str
) -> None:
    changes, words = CASES[name]
    before = serving.remote_ref("steady")
    repository = site.repository("steady", {**web("steady"), "note": name})
    for file, content in changes.items():
        if content is None:
            (repository.path / file).unlink()
        else:
            repository.commit({file: content})
    repository.commit({})
    push = repository.push("steady", "--force")
    assert push.status != 0 and "[remote rejected]" in push, push
    for word in [*words, "v1 keeps serving"]:
        assert word in push, push
    assert serving.remote_ref("steady") == before
    assert '"steady"' in site.get("steady")[1]
    assert [each["state"] for each in site.json("ps", "steady")] == ["running"]


def test_a_procfile_with_everything_in_it_works(site: Site) -> None:
    procfile = "# comment\r\n\r\nweb: cd . && echo one; exec python3 server.py\r\n"
    push = site.repository("crlf", web_with(procfile)).push("crlf")
    assert push.status == 0, push
    assert site.get("crlf")[0] == 200


@pytest.mark.parametrize("branch", ["Upper", "under_score", "a.b", "a/b", "x" * 64])
def test_branches_that_name_no_deployment(site: Site, branch: str) -> None:
    push = site.repository("names", web()).push(branch)
    assert push.status != 0 and "deployment" in push, push


@pytest.mark.parametrize("name", ["../etc", "a/../b", "-rf", "x" * 300, "a'b", "a b", "$(id)"])
def test_paths_that_name_no_repository(site: Site, name: str) -> None:
    repository = site.repository("names", web())
    repository.git("remote", "set-url", "calzion", f"ssh://git@127.0.0.1:{site.ssh}/{name}")
    push = repository.push("names")
    assert push.status != 0, push
    assert not (site.data / "repositories" / "names.git").exists()


def test_anything_else_than_git_is_refused(site: Site) -> None:
    ssh = site.repository("names", web()).environment["GIT_SSH_COMMAND"].split()
    for line in ("id", "git-receive-pack 'x'; id", "git-shell -c id", "sh", ""):
        result = subprocess.run(
            [*ssh, "-p", str(site.ssh), "git@127.0.0.1", *([line] if line else [])],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=30,
            check=False,
        )
        assert result.returncode != 0 and "uid=" not in result.stdout, result


def test_a_key_that_may_not(site: Site) -> None:
    key = site.add_key("bob")
    repository = site.repository("bobs", web(), "bob")
    assert repository.push("bobs-prod").status != 0
    added = site.calzion("keys", "add", "bob", f"{key}.pub", "--allow", "bobs-staging")
    assert added.returncode == 0, added.stderr
    push = repository.push("bobs-prod")
    assert push.status != 0 and "may push to: bobs-staging" in push, push
    assert repository.push("bobs-staging").status == 0


def test_another_repository_is_refused(site: Site, serving: Repository) -> None:
    push = site.repository("thief", web("stolen")).push("steady")
    assert push.status != 0 and "belongs to the repository steady" in push, push
    assert '"steady"' in site.get("steady")[1]


def test_several_deployments_deletes_and_unknown_options_are_refused(site: Site, serving: Repository) -> None:
    both = serving.start("push", "calzion", "HEAD:refs/heads/one", "HEAD:refs/heads/two")
    assert both.wait(60) != 0 and "one" in both.communicate()[1]
    delete = serving.start("push", "calzion", ":refs/heads/steady")
    assert delete.wait(60) != 0 and "destroy=steady calzion :steady" in delete.communicate()[1]
    push = serving.push("steady-two", "-o", "nonsense")
    assert push.status != 0 and "nonsense" in push, push


def test_a_lost_client_cancels(site: Site) -> None:
    files = {**web(), "requirements.txt": "", ".buildpacks": "./slow\n"}
    files |= {
        "slow/bin/detect": "#!/bin/sh\necho slow\n",
        "slow/bin/compile": "#!/bin/sh\necho now building; sleep 300\n",
    }
    repository = site.repository("lost", files)
    for name in ("detect", "compile"):
        (repository.path / "slow" / "bin" / name).chmod(0o755)
    repository.commit({})
    process = repository.start("push", "calzion", "HEAD:refs/heads/lost")
    assert process.stderr is not None
    for line in process.stderr:
        if "now building" in line:
            break
    os.killpg(process.pid, signal.SIGINT)  # Ctrl-C reaches git and its ssh
    process.communicate(timeout=60)
    eventually(lambda: site.json("releases", "lost")[0]["state"] == "cancelled")
    assert repository.remote_ref("lost") == ""


def test_two_pushes_at_once_to_one_deployment(site: Site) -> None:
    first, second = (site.repository("race", web(text)) for text in ("first", "second"))
    pushes = [each.start("push", "calzion", "HEAD:refs/heads/race") for each in (first, second)]
    texts = [each.communicate(timeout=120)[1] for each in pushes]
    statuses = [each.returncode for each in pushes]
    assert sorted(status != 0 for status in statuses) == [False, True], texts
    loser = texts[0] if statuses[0] else texts[1]
    assert "moved while you waited" in loser, loser
    winner = ("first", "second")[statuses.index(0)]
    assert f'"{winner}"' in site.get("race")[1]


def test_twenty_pushes_at_once(site: Site) -> None:
    repository = site.repository("crowd", web("crowd"))
    names = [f"crowd-{number}" for number in range(20)]
    pushes = [repository.start("push", "calzion", f"HEAD:refs/heads/{name}") for name in names]
    texts = [each.communicate(timeout=150)[1] for each in pushes]
    assert [each.returncode for each in pushes] == [0] * 20, texts
    assert {site.get(name)[0] for name in names} == {200}
