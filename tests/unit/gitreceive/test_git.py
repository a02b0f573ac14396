"""git in a repository whose owner, the SSH server, was taken over: nothing of it runs as the reconciler's user."""

import os
import subprocess

import pytest

from calzion.errors import CalzionError
from calzion.gitreceive.branch import remove_branch
from calzion.gitreceive.git import Git
from calzion.gitreceive.objects import Objects
from calzion.model import DeploymentName

ABSENT = "1" * 40
BRANCH = "refs/heads/shop"


@pytest.fixture
def repository(tmp_path):
    path = tmp_path / "repositories" / "shop.git"
    subprocess.run(Git.find().init(path), check=True)
    return path


@pytest.fixture
def trap(tmp_path):
    """A program that leaves a mark."""
    program = tmp_path / "hooks" / "reference-transaction"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho sprung >>{tmp_path}/mark\n")
    program.chmod(0o755)
    return program


def sprung(trap):
    return (trap.parent.parent / "mark").exists()


def configure(repository, **settings):
    for name, value in settings.items():
        key = name.replace("__", ".")
        subprocess.run(["git", "--git-dir", repository, "config", key, value], check=True)


def commit(repository):
    identity = ["-c", "user.name=a", "-c", "user.email=a@localhost"]
    tree = output(repository, "mktree")
    made = output(repository, *identity, "commit-tree", "-m", "one", tree)
    output(repository, "update-ref", BRANCH, made)


def output(repository, *words):
    command = ["git", "--git-dir", repository, *words]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_missing_object_is_fetched_from_nowhere(repository, trap):
    configure(
        repository,
        core__repositoryformatversion="1",
        extensions__partialClone="origin",
        remote__origin__url=str(repository),
        remote__origin__uploadpack=str(trap),
        protocol__file__allow="always",
    )
    objects = Objects(Git.find(), repository, None)
    with pytest.raises(CalzionError):
        objects.read(ABSENT, 100)
    objects.close()
    assert not sprung(trap)
    unguarded = {**os.environ, "GIT_DIR": str(repository)}
    subprocess.run(["git", "cat-file", "-e", ABSENT], env=unguarded, check=False, capture_output=True)
    assert sprung(trap)


def test_a_branch_is_removed_without_the_hooks_that_the_repository_names(repository, trap):
    commit(repository)
    output(repository, "branch", "kept", "shop")
    configure(repository, core__hooksPath=str(trap.parent))
    remove_branch(repository.parent, "shop", DeploymentName("shop"))
    assert output(repository, "for-each-ref", "--format=%(refname)") == "refs/heads/kept"
    assert not sprung(trap)


def test_nothing_is_left_of_a_repository_whose_last_branch_is_removed(repository):
    commit(repository)
    remove_branch(repository.parent, "shop", DeploymentName("shop"))
    assert not repository.exists()
