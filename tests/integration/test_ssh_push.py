"""Pushes by the real git and the real OpenSSH client, against a scripted reconciler."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from calzion.errors import CalzionError
from calzion.gitreceive.request import PushRequest
from calzion.gitreceive.source import open_push
from calzion.gitreceive.updates import parse_updates
from tests.fakes.push_peer import Talk, World, accept, eventually


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def judge(talk: Talk) -> None:
    """Decide as the reconciler does."""
    request = PushRequest.from_dict(talk.push)
    try:
        talk.tell("done", type(parse_updates(request.updates, request.options)).__name__)
    except CalzionError as error:
        talk.tell("error", error.message, detail=error.as_dict())


def refuse(talk: Talk) -> None:
    talk.tell("error", "no template.yaml", detail={"hint": "add one", "code": "template"})


def refused(result: subprocess.CompletedProcess[str], says: str) -> bool:
    assert result.returncode != 0, result.stderr
    assert says in result.stderr, result.stderr
    return True


def test_accepted_push_moves_the_ref_and_says_so(world: World) -> None:
    head = world.git("rev-parse", "HEAD")
    result = world.push()
    assert result.returncode == 0, result.stderr
    assert "remote: -----> building" in result.stderr and "remote: -----> live" in result.stderr
    assert world.ref("refs/heads/staging") == head
    talk = world.peer.talk()
    assert talk.heard("ended") == {"op": "ended", "moved": True}
    assert [each["op"] for each in talk.said] == ["ended"]
    assert talk.push["repository"] == "myapp" and talk.push["user"] == "alice"
    assert talk.push["fingerprint"].startswith("SHA256:")
    assert talk.push["path"] == str(world.bare())
    assert talk.push["updates"] == [{"old": "0" * 40, "new": head, "ref": "refs/heads/staging"}]
    assert eventually(lambda: talk.closed)


def test_a_refused_first_push_shows_why_and_leaves_nothing(world: World) -> None:
    world.peer.script = refuse
    result = world.push()
    assert refused(result, "remote:  !     no template.yaml") and "remote:  !     add one" in result.stderr
    assert "[remote rejected]" in result.stderr
    assert list(world.repositories.iterdir()) == []


def test_a_refused_push_leaves_no_objects(world: World) -> None:
    world.push()
    before = sorted((world.bare() / "objects").rglob("*"))
    first = world.ref("refs/heads/staging")
    second = world.commit("two")
    seen: list[bytes] = []

    def look_and_refuse(talk: Talk) -> None:
        with open_push(talk.push["path"], talk.push["quarantine"]) as commits:
            seen.append(commits.read(second, "file"))
        refuse(talk)

    world.peer.script = look_and_refuse
    assert refused(world.push(), "no template.yaml")
    assert seen == [b"two"], "the new commit is readable while the push waits"
    assert sorted((world.bare() / "objects").rglob("*")) == before
    assert world.ref("refs/heads/staging") == first


def test_output_arrives_while_the_rollout_runs(world: World) -> None:
    def slowly(talk: Talk) -> None:
        talk.tell("log", "compiling \x1b[31mred", source="web")
        talk.heard("cancel")
        talk.tell("error", "cancelled", detail={"code": "cancelled"})

    world.peer.script = slowly
    push = world.start_push("master:staging")
    assert push.stderr is not None
    line = next(line for line in push.stderr if "compiling" in line)
    assert line.rstrip() == "remote:        web: compiling red"
    os.killpg(push.pid, signal.SIGKILL)
    push.communicate(timeout=30)
    eventually(lambda: world.peer.talk().closed)
    eventually(lambda: list(world.repositories.iterdir()) == [], "the removal of what was cancelled")


def test_a_client_lost_after_the_switch_changes_nothing_about_it(world: World) -> None:
    """The reconciler may answer done although it heard a cancellation: then the ref moves without its client."""

    def too_late(talk: Talk) -> None:
        talk.tell("step", "switching")
        talk.heard("cancel")
        for number in range(3000):
            talk.tell("log", f"draining {number} {'x' * 100}")
        talk.tell("done", "live")

    world.peer.script = too_late
    push = world.start_push("master:staging")
    assert push.stderr is not None
    next(line for line in push.stderr if "switching" in line)
    os.killpg(push.pid, signal.SIGKILL)
    push.communicate(timeout=30)
    assert world.peer.talk().heard("ended") == {"op": "ended", "moved": True}
    assert world.ref("refs/heads/staging") == world.git("rev-parse", "HEAD")


def test_a_reconciler_that_vanishes_means_no(world: World) -> None:
    world.peer.script = lambda talk: talk.hang_up()
    assert refused(world.push(), "went away before the rollout had ended")
    assert world.ref("refs/heads/staging") == ""


def test_a_reconciler_that_talks_nonsense_means_no(world: World) -> None:
    world.peer.script = lambda talk: talk._connection.sendall(b'{"kind": 1}\n[]\nnull\nx\n')
    assert refused(world.push(), "went away before the rollout had ended")


def test_without_a_reconciler_the_client_is_told(world: World) -> None:
    world.peer.close()
    result = world.try_git("ls-remote", world.url())
    assert result.returncode != 0
    shown = world.ssh("git-upload-pack 'myapp'", loud=True)
    assert "Calzion's controller is not running; try again in a moment" in shown.stderr


def test_a_reconciler_gone_when_the_hook_asks_means_no(world: World) -> None:
    world.peer.after_authorize = lambda question: question["service"] and world.peer.path.unlink()
    assert refused(world.push(), "controller is not running")
    assert list(world.repositories.iterdir()) == []


def test_a_hook_that_git_would_skip_stops_the_push(world: World) -> None:
    hook = world.hooks / "pre-receive"
    hook.chmod(0o644)
    assert refused(world.push(), "is not executable")
    hook.unlink()
    assert refused(world.push(), "is missing")
    assert list(world.repositories.iterdir()) == []


def test_success_of_git_alone_is_none(world: World, caplog: pytest.LogCaptureFixture) -> None:
    (world.hooks / "pre-receive").write_text("#!/bin/sh\nexit 0\n")
    assert world.push().returncode != 0
    assert "whose hook was not run" in caplog.text and "refs/heads/staging" in caplog.text


def test_a_git_that_dies_cancels_the_rollout(world: World) -> None:
    def kill_git(talk: Talk) -> None:
        talk.tell("step", "building")
        for pid in _receive_packs(world.bare()):
            os.killpg(pid, signal.SIGKILL)
        talk.heard("cancel")
        talk.tell("error", "cancelled", detail={"code": "cancelled"})

    world.peer.script = kill_git
    assert world.push().returncode != 0
    assert list(world.repositories.iterdir()) == []


def _receive_packs(bare: Path) -> list[int]:
    """The process groups of this test's own git servers, by the repository they serve."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            words = (directory / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[-3:] == [b"receive-pack", os.fsencode(bare), b""]:
            found.append(int(directory.name))
    assert found
    return found


def test_pushes_from_a_shallow_clone_and_by_force(world: World) -> None:
    world.commit("two")
    world.push()
    world.commit("three")
    shallow = world.root / "shallow"
    world.git("clone", "-q", "--depth", "1", f"file://{world.tree}", str(shallow), cwd=world.root)
    for target in ("+master:staging", "master:other"):
        result = world.try_git("push", world.url(), target, cwd=shallow)
        assert result.returncode == 0, result.stderr
    result = world.try_git("push", world.url("fresh"), "master:staging", cwd=shallow)
    assert result.returncode == 0, result.stderr
    head = world.git("rev-parse", "HEAD")
    assert world.ref("refs/heads/other") == world.ref("refs/heads/staging", "fresh") == head
    with open_push(world.bare("fresh")) as commits:
        assert commits.read(head, "file") == b"three"
    world.git("reset", "-q", "--hard", "HEAD~2")
    world.commit("another two")
    assert refused(world.push(), "non-fast-forward")
    assert world.push("-f", "master:staging").returncode == 0
    assert world.ref("refs/heads/staging") == world.git("rev-parse", "HEAD")


def test_what_a_push_may_not_ask_for(world: World) -> None:
    world.peer.script = judge
    assert world.push().returncode == 0
    head = world.ref("refs/heads/staging")
    assert refused(world.push("master:a", "master:b"), "one push deploys to one deployment")
    assert refused(world.push("master:refs/heads/Feature_X"), "the target branch names the deployment")
    assert refused(world.push("master:refs/for/x"), "only branches")
    assert refused(world.push("-o", "ci.skip", "master:c"), "unknown push option")
    assert world.ref("refs/heads/staging") == head
    assert world.git("--git-dir", str(world.bare()), "for-each-ref").count("\n") == 0


def test_a_deleted_branch_is_asked_for_and_goes(world: World) -> None:
    world.peer.script = judge
    assert world.push().returncode == 0
    deleted = world.push(":staging")
    assert deleted.returncode == 0 and "remote: -----> Destroy" in deleted.stderr
    assert world.ref("refs/heads/staging") == ""


def test_tags_and_options_reach_the_reconciler(world: World) -> None:
    world.peer.script = judge
    world.git("tag", "-a", "v1", "-m", "x")
    assert "remote: -----> Tag" in world.push("v1").stderr
    assert world.push("-o", "template=deploy/a b.yaml", "master:staging").returncode == 0
    assert world.peer.talk().push["options"] == ["template=deploy/a b.yaml"]


def test_an_unchanged_push_asks_nobody(world: World) -> None:
    world.push()
    again = world.push()
    assert again.returncode == 0 and "up-to-date" in again.stderr
    assert len(world.peer.talks) == 1


def test_a_corrupt_pack_is_refused_before_anyone_is_asked(world: World) -> None:
    """A tree that names '.git': the receiving git checks every object."""
    blob = world.git("hash-object", "-w", "file")
    entry = f"100644 blob {blob}\t.git"
    tree = subprocess.run(
        ["git", "mktree"], cwd=world.tree, input=entry, text=True, capture_output=True, check=True
    ).stdout.strip()
    commit = world.git("commit-tree", tree, "-m", "x")
    assert world.push(f"{commit}:refs/heads/staging").returncode != 0
    assert world.peer.talks == [] and list(world.repositories.iterdir()) == []


def test_many_first_pushes_at_once_share_one_repository(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: world.push(f"master:app-{number}"), range(8)))
    assert [result.returncode for result in results] == [0] * 8, results[0].stderr
    assert [world.ref(f"refs/heads/app-{number}") for number in range(8)] == [
        world.git("rev-parse", "HEAD")
    ] * 8


def test_a_large_push_and_clone_arrive_whole(world: World) -> None:
    (world.tree / "large").write_bytes(os.urandom(24 << 20))
    world.commit("large")
    assert world.push().returncode == 0
    copy = world.root / "copy"
    world.git("clone", "-q", "-b", "staging", world.url(), str(copy), cwd=world.root)
    assert (copy / "large").read_bytes() == (world.tree / "large").read_bytes()


def test_more_than_the_limit_is_refused(tmp_path: Path) -> None:
    world = World(tmp_path, max_push=1 << 20)
    try:
        (world.tree / "large").write_bytes(os.urandom(2 << 20))
        world.commit("large")
        assert world.push().returncode != 0
        assert world.peer.talks == [] and list(world.repositories.iterdir()) == []
    finally:
        world.close()


def test_a_stop_lets_a_running_push_finish(tmp_path: Path) -> None:
    world = World(tmp_path)

    def stop_then_accept(talk: Talk) -> None:
        world.server.stop()
        accept(talk)

    world.peer.script = stop_then_accept
    result = world.push()
    assert result.returncode == 0, result.stderr
    world.close()


def test_a_stop_cancels_a_push_that_takes_too_long(tmp_path: Path) -> None:
    world = World(tmp_path, finish_within=0.2)

    def wait(talk: Talk) -> None:
        world.server.stop()
        talk.heard("cancel")
        talk.tell("error", "cancelled", detail={"code": "cancelled"})

    world.peer.script = wait
    assert refused(world.push(), "cancelled")
    world.close()
