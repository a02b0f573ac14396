from __future__ import annotations

import os
from pathlib import Path

import pytest

from calzion.errors import CalzionError
from calzion.gitreceive.git import Git
from calzion.gitreceive.repository import Repositories
from calzion.model import RepositoryName

NAME = RepositoryName("myapp")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "repositories"


@pytest.fixture
def repositories(root: Path) -> Repositories:
    repositories = Repositories(root, Git.find())
    repositories.sweep()
    return repositories


def accept(path: Path) -> None:
    (path / "refs/heads/x").write_text("a" * 40 + "\n")


def test_a_first_push_that_is_refused_leaves_nothing(repositories: Repositories, root: Path) -> None:
    with repositories.receiving(NAME) as repository:
        assert (repository.path / "HEAD").read_text() == "ref: refs/heads/master\n"
        assert not (repository.path / "hooks").exists()
    assert list(root.iterdir()) == []


def test_two_first_pushes_share_one_repository(repositories: Repositories, root: Path) -> None:
    with repositories.receiving(NAME) as first:
        with repositories.receiving(NAME) as second:
            assert first.path == second.path
        assert first.path.exists(), "refused, but the other is still running"
        accept(first.path)
    assert [path.name for path in root.iterdir()] == ["myapp.git"]


def test_nothing_can_be_fetched_before_the_first_accepted_push(repositories: Repositories) -> None:
    with pytest.raises(CalzionError, match="no such repository: myapp"), repositories.fetching(NAME):
        pass
    with repositories.receiving(NAME) as repository:
        with pytest.raises(CalzionError, match="no such repository: myapp"), repositories.fetching(NAME):
            pass
        accept(repository.path)
    with repositories.fetching(NAME) as repository:
        assert repository.path.exists()


def test_a_sweep_removes_what_crashes_left_and_nothing_else(repositories: Repositories, root: Path) -> None:
    with repositories.receiving(NAME) as repository:
        accept(repository.path)
    (root / ".0123").mkdir()
    for name in ("refused", "running"):
        (root / f"{name}.git" / "refs").mkdir(parents=True)
    with Repositories(root, Git.find()).receiving(RepositoryName("running")) as running:
        repositories.sweep()
        assert running.path.exists()
        assert sorted(path.name for path in root.iterdir()) == ["myapp.git", "running.git"]


@pytest.mark.parametrize("owner", [os.geteuid(), *([2222] if os.geteuid() == 0 else [])])
def test_what_root_writes_is_the_owners_of_all_repositories(
    repositories: Repositories, root: Path, owner: int
) -> None:
    outside = root.parent / "outside"
    outside.touch()
    os.chown(root, owner, owner)
    with repositories.receiving(NAME) as repository:
        accept(repository.path)
        (repository.path / "link").symlink_to(outside)
    found = [repository.path, *repository.path.rglob("*")]
    assert {path.lstat().st_uid for path in found} == {owner}
    assert outside.stat().st_uid == os.geteuid()
