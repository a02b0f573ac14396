"""`calzion deploy` and `calzion redeploy` on a whole server, beside pushes of the same code."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from calzion.controller.store import deployments, secrets
from calzion.controller.store.database import Database
from calzion.controller.vault import Vault
from tests.stories.apps import web
from tests.stories.site import PROGRAM, Repository, Site, eventually
from tests.stories.test_set_service import Api, archive


class Deploy:
    """What `calzion deploy` printed, on both of its streams."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.status = done.returncode
        self.text = done.stdout + done.stderr

    def __contains__(self, words: str) -> bool:
        return words in self.text

    def __repr__(self) -> str:
        return f"calzion deploy ended with {self.status}:\n{self.text}"


def deploy(site: Site, where: Repository | Path, target: str, *options: str) -> Deploy:
    path = where.path if isinstance(where, Repository) else where
    return Deploy(site.calzion("deploy", str(path / "template.yaml"), target, *options))


def slugs(site: Site) -> list[str]:
    return sorted(path.name for path in (site.data / "slugs").iterdir())


def uploads(site: Site) -> list[str]:
    return sorted(path.name for path in (site.data / "uploads").iterdir() if path.name != ".lock")


def instances(site: Site, deployment: str) -> list[str]:
    return [each["instance"] for each in site.json("ps", deployment)]


def text(site: Site, deployment: str) -> str:
    status, body = site.get(deployment)
    assert status == 200, body
    return str(json.loads(body)["text"])


def test_a_deploy_is_what_a_push_of_the_same_commit_is(site: Site) -> None:
    files = web("same")
    files["sub/.gitattributes"] = "secret.txt export-ignore\nversion.txt export-subst\n"
    files["sub/secret.txt"] = "kept"
    files["sub/version.txt"] = "$Format:%H$"
    repository = site.repository("same", files)
    (repository.path / "link").symlink_to("/nowhere/at/all")
    (repository.path / "run.sh").write_text("#!/bin/sh\n")
    (repository.path / "run.sh").chmod(0o755)
    repository.commit({})
    first = deploy(site, repository, "same-staging")
    assert first.status == 0, first
    commit = repository.git("rev-parse", "--short=7", "HEAD")
    assert f"-----> same-staging: release v1 from {commit}" in first
    assert "same-staging v1 is live" in first and text(site, "same-staging") == "same"
    built = slugs(site)

    pushed = repository.push("same-staging")
    assert pushed.status == 0, pushed
    assert "web   unchanged" in pushed and "Nothing has changed" in pushed
    elsewhere = repository.push("same-other")
    assert "web was built before: its slug is used again" in elsewhere, elsewhere
    assert slugs(site) == built

    repository.commit({"new.txt": "new"})
    assert repository.push("same-staging").status == 0
    running = instances(site, "same-staging")
    again = deploy(site, repository, "same-staging")
    assert again.status == 0 and "web   unchanged" in again, again
    assert instances(site, "same-staging") == running
    shown = site.json("releases", "same-staging")
    assert [each["version"] for each in shown] == [4, 3, 2, 1]
    assert shown[0]["commit"] == repository.git("rev-parse", "HEAD") and shown[0]["user"]
    owner = [each for each in site.json("list") if each["name"] == "same-staging"]
    assert owner and repository.remote_ref("same-staging") == shown[0]["commit"]


def test_code_from_elsewhere_and_from_directories(site: Site) -> None:
    template = "web: {git: .}\napi: {git: ../api}\nworker: {git: jobs}\ntwin: {git: ../api/.}\n"
    main = site.repository("elsewhere", web("main", template__yaml=template))
    around = Path(tempfile.mkdtemp(dir=site.root))
    shop = around / "shop"
    shutil.copytree(main.path / ".git", shop / ".git")
    subprocess.run(["git", "-C", shop, "checkout", "--quiet", "--", "."], check=True)
    api = site.repository("api", web("from api"))
    api.path.rename(around / "api")
    missing = deploy(site, shop, "elsewhere")
    assert missing.status == 1 and "worker: git: there is no directory jobs" in missing, missing
    assert "--search-path" in missing
    jobs = around / "services" / "jobs"
    jobs.mkdir(parents=True)
    for name, content in web("from jobs").items():
        (jobs / name).write_text(content)

    before = set(uploads(site))
    done = deploy(site, shop, "elsewhere", "--search-path", str(around / "services"))
    assert done.status == 0, done
    for service, expected in (
        ("web", "main"),
        ("api", "from api"),
        ("worker", "from jobs"),
        ("twin", "from api"),
    ):
        assert text(site, f"{service}.elsewhere") == expected
    assert f"{jobs} belongs to no git repository" in done
    # What has one directory came once.
    assert len(set(uploads(site)) - before) == 3

    again = site.calzion("redeploy", "elsewhere")
    assert again.returncode == 0 and "Nothing has changed" in again.stdout, again
    pushed = main.push("elsewhere-pushed")
    assert pushed.status != 0 and "leads out of the directory" in pushed


def test_what_is_not_committed(site: Site) -> None:
    repository = site.repository("dirty", web("committed"))
    changed = web("changed")["server.py"]
    (repository.path / "server.py").write_text(changed)
    (repository.path / "notes.txt").write_text("new")
    (repository.path / ".gitignore").write_text("ignored\n")
    (repository.path / "ignored").write_text("x" * 1000)
    head = deploy(site, repository, "dirty-staging")
    assert head.status == 0 and text(site, "dirty-staging") == "committed", head
    assert head.text.count(" !     ") == 1
    assert "3 files differ from HEAD: HEAD is deployed" in head

    tree = deploy(site, repository, "dirty-staging", "--working-tree")
    assert tree.status == 0 and text(site, "dirty-staging") == "changed", tree
    assert (
        "Working tree: 3 files differ from HEAD" in tree and " M server.py" in tree and "?? notes.txt" in tree
    )
    assert "ignored" not in tree.text.replace(".gitignore", "")
    assert site.json("releases", "dirty-staging")[0]["commit"] == "", "it is no commit"

    repository.commit({})
    pushed = repository.push("dirty-staging")
    assert "web   unchanged" in pushed, "the working tree was what is committed now"


def test_mistakes_are_told_before_anything_is_sent(site: Site) -> None:
    files = web(template__yaml="Includes: [base.yaml]\nweb: {gti: .}\ndb: {git: nowhere}\n")
    repository = site.repository("wrong", files | {"base.yaml": "web: {git: ., ports: 3}\n"})
    wrong = deploy(site, repository, "wrong-staging")
    assert wrong.status == 1, wrong
    assert "template.yaml:2:7: unknown key 'gti'; did you mean 'git'?" in wrong
    assert "base.yaml:1:" in wrong
    repository.commit({"template.yaml": "web: {git: .}\ndb: {git: nowhere}\n"})
    assert "db: git: there is no directory nowhere" in deploy(site, repository, "wrong-staging")
    assert site.calzion("show", "wrong-staging").returncode == 3
    broken = site.repository("broken", web(Procfile="web: exit 3\n"))
    failed = deploy(site, broken, "broken-staging")
    assert failed.status == 1 and "broken-staging" in failed and "exit code 3" in failed, failed
    assert site.calzion("deploy", "/nowhere/template.yaml", "x").returncode == 3


def test_the_code_of_every_service_is_wanted(site: Site) -> None:
    api = Api(site)
    api.call("PUT", "/deployments/held")
    number = api.call("POST", "/deployments/held/releases", {"user": "carol", "commit": "a" * 40})[1][
        "version"
    ]
    release = f"/deployments/held/releases/{number}"
    assert api.call("PUT", f"{release}/services/web", {"git": "."})[1]["code"] == "wanted"
    assert api.call("PUT", f"{release}/services/redis", {"image": "calzion/redis"})[1]["code"] == "none"
    status, answer = api.call("POST", f"{release}/activate")
    assert status == 422 and "web is held: waits for its code" in answer["message"], answer
    assert api.call("PUT", f"{release}/services/web/code", b"late")[0] == 409
    assert api.call("POST", "/deployments/held/releases", {"commit": "HEAD"})[0] == 400


def test_half_an_upload_and_uploads_that_nobody_needs_leave_nothing(site: Site) -> None:
    repository = site.repository("pruned", web("one"))
    assert deploy(site, repository, "pruned").status == 0
    before = set(uploads(site))
    repository.commit({"server.py": web("two")["server.py"]})
    assert deploy(site, repository, "pruned").status == 0
    after = set(uploads(site))
    _break_off(site)
    eventually(lambda: set(uploads(site)) == after, "what came of half an upload to be gone")
    assert len(after - before) == 1 and after > before, (
        "what a release needs that can be gone back to is kept"
    )


def _break_off(site: Site) -> None:
    """Uploads whose client dies, at the end of a file of the archive."""
    api = Api(site)
    number = api.call("POST", "/deployments/pruned/releases")[1]["version"]
    release = f"/v1/deployments/pruned/releases/{number}/services/web"
    api.call("PUT", release.removeprefix("/v1"), {"git": "."})
    whole = archive(web("half"), compress="")
    for headers, sent in (
        (f"Content-Length: {len(whole)}", whole[:1536]),
        ("Transfer-Encoding: chunked", b"600\r\n" + whole[:1536] + b"\r\n"),
    ):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(site.data / "api.sock"))
            client.sendall(f"PUT {release}/code HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n".encode() + sent)
            eventually(lambda: any(name.startswith(".") for name in uploads(site)), "the upload to begin")
    assert api.call("POST", f"/deployments/pruned/releases/{number}/activate")[0] == 422


def test_ctrl_c_before_the_switch_changes_nothing(site: Site) -> None:
    repository = site.repository("slow", web())
    assert deploy(site, repository, "slow").status == 0
    running = instances(site, "slow")
    endless = "web: {git: ., release: 'echo waiting; while true; do sleep 0.1; done'}\n"
    repository.commit({"template.yaml": endless})
    for left in (signal.SIGINT, signal.SIGKILL):
        command = [
            *PROGRAM,
            "deploy",
            str(repository.path / "template.yaml"),
            "slow",
            "--data",
            str(site.data),
        ]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
        )
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "waiting":
                break
        process.send_signal(left)
        output, _ = process.communicate(timeout=60)
        if left == signal.SIGINT:
            assert process.returncode == 1 and "cancelled" in output and "v1 keeps serving" in output
        eventually(lambda: site.json("releases", "slow")[0]["state"] == "cancelled")
        assert instances(site, "slow") == running and text(site, "slow") == "one"


def test_redeploy_takes_values_as_they_are_now_and_builds_what_is_gone(site: Site) -> None:
    repository = site.repository("again", web("again"))
    assert repository.push("again-staging").status == 0
    running = instances(site, "again-staging")
    same = site.calzion("redeploy", "again-staging")
    assert same.returncode == 0, same
    assert "again-staging: release v2 from" in same.stdout and "web   unchanged" in same.stdout
    assert "Nothing has changed" in same.stdout and instances(site, "again-staging") == running

    for deployed in ("push", "deploy"):
        if deployed == "deploy":
            repository.commit({"again": "deployed"})
            assert deploy(site, repository, "again-staging").status == 0
        else:
            repository.commit({"again": "pushed"})
            assert repository.push("again-staging").status == 0
        (mine,) = [path for path in (site.data / "slugs").iterdir() if (path / "app" / "again").exists()]
        shutil.rmtree(mine)
        rebuilt = site.calzion("redeploy", "again-staging")
        assert rebuilt.returncode == 0, rebuilt
        assert "Building" in rebuilt.stdout or "detected" in rebuilt.stdout, rebuilt.stdout
        assert mine.is_dir() and text(site, "again-staging") == "again"
        shutil.rmtree(mine / "app" / "again", ignore_errors=True)
        (mine / "app" / "again").unlink(missing_ok=True)

    anew = site.calzion("redeploy", "again-staging", "--rebuild")
    assert anew.returncode == 0 and "web   changed: code" in anew.stdout, anew
    assert site.calzion("redeploy", "nothing-here").returncode == 3


def set_secret(site: Site, deployment: str, name: str, value: str) -> None:
    database = Database(f"sqlite:///{site.data}/calzion.db")
    with database.write() as connection:
        found = deployments.find(connection, deployment)
        assert found is not None
        vault = Vault.open(site.data / "secret.key")
        secrets.set_secret(connection, vault, found, name, value, time.time())


def test_redeploy_gives_a_secret_to_those_who_use_it(site: Site) -> None:
    template = "web: {git: ., env: {SEEN: '${TOKEN}'}}\nother: {git: .}\n"
    repository = site.repository("secret", web("secret"))
    assert deploy(site, repository, "secret").status == 0
    repository.commit({"template.yaml": template})
    set_secret(site, "secret", "TOKEN", "first")
    assert repository.push("secret").status == 0
    other = [each["instance"] for each in site.json("ps", "secret") if each["service"] == "other"]
    set_secret(site, "secret", "TOKEN", "second")
    done = site.calzion("redeploy", "secret")
    assert done.returncode == 0 and "web     changed: secrets or generated values" in done.stdout, done
    assert "other   unchanged" in done.stdout and "second" not in done.stdout
    assert json.loads(site.get("web.secret")[1])["env"]["SEEN"] == "second"
    assert [each["instance"] for each in site.json("ps", "secret") if each["service"] == "other"] == other


def test_redeploy_of_what_failed(site: Site) -> None:
    for name in ("deployed", "pushed"):
        files = web(template__yaml="web: {git: ., release: 'exit $CODE'}\nEnv: {CODE: '4'}\n")
        repository = site.repository(name, files)
        if name == "pushed":
            assert repository.push(name).status != 0
        else:
            assert deploy(site, repository, name).status == 1
        again = site.calzion("redeploy", name)
        assert again.returncode == 1 and "exit code 4" in again.stdout + again.stderr, again
