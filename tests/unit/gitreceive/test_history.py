"""Histories that move from one set of repositories to another, with real git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from calzion.errors import CalzionError
from calzion.gitreceive.history import GitHistories
from calzion.gitreceive.refs import current_ref
from calzion.model import DeploymentName

SHOP = DeploymentName("shop")


def git(directory: Path, *arguments: str) -> str:
    identity = {f"GIT_{who}_{what}": "t@t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **identity, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", "-C", str(directory), *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Three commits; /old/shop.git has them as master."""
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "--quiet", "--initial-branch=master")
    for number in range(3):
        (work / "api").mkdir(exist_ok=True)
        (work / "api" / "Procfile").write_text(f"web: serve {number}\n")
        git(work, "add", "--all")
        git(work, "commit", "--quiet", "--message", str(number))
    old = tmp_path / "old" / "shop.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(work), str(old))
    return work


def moved(tmp_path: Path, commits: list[str], old: str = "old") -> Path:
    """A scratch repository of what the old repositories gave."""
    old_ones, new_ones = GitHistories(tmp_path / old), GitHistories(tmp_path / "new")
    pack, scratch = tmp_path / "pack", tmp_path / "scratch"
    with pack.open("wb") as file:
        old_ones.pack("shop", commits, file.write)
    new_ones.unpack(pack, commits, old_ones.shallow("shop"), scratch)
    return scratch


def test_a_history_moves_whole(tmp_path: Path, clone: Path) -> None:
    head = git(clone, "rev-parse", "HEAD")
    scratch = moved(tmp_path, [head])
    histories = GitHistories(tmp_path / "new")
    with histories.open(scratch, head, "api") as tree:
        assert tree.read("Procfile") == b"web: serve 2\n"
    for _ in range(2):  # doing it again changes nothing
        histories.accept(scratch, "shop", SHOP, head)
    new = tmp_path / "new" / "shop.git"
    assert git(new, "rev-list", "--count", "shop") == "3" and git(new, "fsck", "--strict") == ""
    assert (new / "HEAD").read_text() == "ref: refs/heads/shop\n"


def test_a_repository_that_is_there_keeps_what_it_has(tmp_path: Path, clone: Path) -> None:
    new = tmp_path / "new" / "shop.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(clone), str(new))
    head = git(clone, "rev-parse", "HEAD")
    (clone / "more").write_text("more")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "more")
    git(clone, "push", "--quiet", str(tmp_path / "old" / "shop.git"), "master")
    commit = git(clone, "rev-parse", "HEAD")
    GitHistories(tmp_path / "new").accept(moved(tmp_path, [commit]), "shop", SHOP, commit)
    assert current_ref(new, "refs/heads/master") == head and current_ref(new, "refs/heads/shop") == commit
    assert git(new, "fsck", "--strict") == ""


def test_a_shallow_history_moves_as_far_as_it_goes(tmp_path: Path, clone: Path) -> None:
    shallow = tmp_path / "shallow" / "shop.git"
    git(tmp_path, "clone", "--quiet", "--bare", "--depth=1", f"file://{clone}", str(shallow))
    head = git(clone, "rev-parse", "HEAD")
    scratch = moved(tmp_path, [head], old="shallow")
    GitHistories(tmp_path / "new").accept(scratch, "shop", SHOP, head)
    new = tmp_path / "new" / "shop.git"
    assert git(new, "rev-list", "--count", "shop") == "1" and git(new, "fsck", "--strict") == ""


def test_a_shallow_history_does_not_cut_off_a_whole_one(tmp_path: Path, clone: Path) -> None:
    new = tmp_path / "new" / "shop.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(clone), str(new))
    shallow = tmp_path / "shallow" / "shop.git"
    git(tmp_path, "clone", "--quiet", "--bare", "--depth=1", f"file://{clone}", str(shallow))
    head = git(clone, "rev-parse", "HEAD")
    GitHistories(tmp_path / "new").accept(moved(tmp_path, [head], old="shallow"), "shop", SHOP, head)
    assert git(new, "rev-list", "--count", "shop") == "3" and not (new / "shallow").exists()


def test_a_history_that_lacks_something_is_refused(tmp_path: Path, clone: Path) -> None:
    head = git(clone, "rev-parse", "HEAD")
    pack = tmp_path / "pack"
    pack.write_bytes(
        subprocess.run(
            ["git", "-C", str(clone), "pack-objects", "--stdout", "--quiet"],
            input=f"{head}\n".encode(),
            capture_output=True,
            check=True,
        ).stdout
    )
    with pytest.raises(CalzionError) as refused:
        GitHistories(tmp_path / "new").unpack(pack, [head], (), tmp_path / "scratch")
    assert refused.value.code == "usage"


@pytest.mark.parametrize("content", [b"", b"PACK", b"PACK" + b"\xff" * 100])
def test_a_pack_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pack").write_bytes(content)
    with pytest.raises(CalzionError, match="its commits are damaged"):
        GitHistories(tmp_path / "new").unpack(tmp_path / "pack", ["a" * 40], (), tmp_path / "scratch")


def test_a_commit_that_is_gone_can_not_be_packed(tmp_path: Path, clone: Path) -> None:
    with pytest.raises(CalzionError, match="can't be read"):
        GitHistories(tmp_path / "old").pack("shop", ["a" * 40], lambda _: None)
