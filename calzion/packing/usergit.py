"""The git of the user who deploys: found on their PATH, and run with their configuration."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from calzion.errors import CalzionError
from calzion.gitreceive.git import Git

# What git sets for the hooks and commands that it runs: it would lead away from the directory that is meant.
_OF_ANOTHER = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
)


@dataclass(frozen=True, kw_only=True)
class UserGit(Git):
    environ: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """Raises CalzionError where git is not installed."""
        found = Git.find(environ.get("PATH", ""))
        return cls(program=found.program, search_path=found.search_path, environ=environ)

    def environment(self, protocol: str = "") -> dict[str, str]:
        """The user's, but for the language of messages and for another repository than the one asked about."""
        kept = {name: value for name, value in self.environ.items() if name not in _OF_ANOTHER}
        return kept | {
            "LC_ALL": "C",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            **({"GIT_PROTOCOL": protocol} if protocol else {}),
        }

    def ask(self, directory: Path, *arguments: str) -> bytes:
        """What git prints in `directory`. Raises Refused where it fails."""
        done = subprocess.run(
            [str(self.program), "--no-optional-locks", *arguments],
            cwd=directory,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            raise Refused(lines[0].removeprefix("fatal: ") if lines else f"status {done.returncode}")
        return done.stdout


class Refused(CalzionError):
    """Git did not do what it was asked for; the message is its own."""
