"""Removing the branch of a destroyed deployment."""

from __future__ import annotations

import subprocess
from pathlib import Path

from calzion.errors import CalzionError
from calzion.gitreceive.git import Git
from calzion.gitreceive.refname import BRANCHES
from calzion.model import DeploymentName


def remove_branch(repositories: Path, repository: str, deployment: DeploymentName) -> None:
    """Delete the branch; one that is gone already is no error. Raises CalzionError (failed) where git can't."""
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
