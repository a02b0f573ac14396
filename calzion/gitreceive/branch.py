"""Removing the branch of a destroyed deployment, and a repository that is left without any."""

from __future__ import annotations

import subprocess
from pathlib import Path

from calzion.errors import CalzionError
from calzion.gitreceive.git import Git
from calzion.gitreceive.refname import BRANCHES
from calzion.gitreceive.repository import Repositories
from calzion.model import DeploymentName, RepositoryName


def remove_branch(repositories: Path, repository: str, deployment: DeploymentName) -> None:
    """Delete the branch, and the repository with its last ref; one that is gone already is no error.

    Raises CalzionError (failed) where git can't.
    """
    path = repositories / f"{repository}.git"
    if not path.is_dir():
        return
    git = Git.find()
    result = subprocess.run(
        git.delete_ref(path, f"{BRANCHES}{deployment}"),
        env=git.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise CalzionError(f"the branch of {deployment} can't be removed: {result.stderr.strip()}")
    Repositories(repositories, git).settle(RepositoryName(repository))
