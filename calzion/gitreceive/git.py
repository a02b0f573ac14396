"""The git program: where it is, the environment it runs in, and the argument lists it is run with."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calzion.errors import CalzionError

_TOLERATED = (
    "badTimezone",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "zeroPaddedDate",
    "zeroPaddedFilemode",
)
"""Mistakes of old tools that long-lived histories hold, and that no reader is misled by (git-fsck(1))."""

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, kw_only=True)
class Git:
    """`search_path` is the PATH of git and of the hooks that it runs."""

    program: Path
    search_path: str = SEARCH_PATH

    @classmethod
    def find(cls, search_path: str = SEARCH_PATH) -> Git:
        """Raises CalzionError where git is not installed."""
        program = shutil.which("git", path=search_path)
        if program is None:
            raise CalzionError("git is not installed", hint="install it, for example: apt-get install git")
        return cls(program=Path(program), search_path=search_path)

    def environment(self, protocol: str = "") -> dict[str, str]:
        """What git sees: nothing of this process's environment, and no configuration but a repository's own.

        A repository may belong to another user than the one who looks at it. So whatever its configuration says of
        where missing objects come from, nothing is fetched. `protocol` is the client's GIT_PROTOCOL, already checked.
        """
        environment = {
            "PATH": self.search_path,
            "HOME": "/nonexistent",
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "",
        }
        return environment | ({"GIT_PROTOCOL": protocol} if protocol else {})

    def init(self, repository: Path) -> list[str]:
        """Create an empty bare repository, without the hooks and notes of a template directory."""
        quiet = ["init", "--quiet", "--bare", "--template=", "--initial-branch=master"]
        return [str(self.program), *quiet, "--", str(repository)]

    def receive_pack(self, repository: Path, hooks: Path, max_input: int) -> list[str]:
        """Receive a push of at most `max_input` bytes, decided by the hook in the directory `hooks`."""
        settings = [
            f"core.hooksPath={hooks}",
            "receive.advertisePushOptions=true",
            "receive.shallowUpdate=true",
            "receive.denyDeleteCurrent=ignore",
            "receive.fsckObjects=true",
            *(f"receive.fsck.{mistake}=ignore" for mistake in _TOLERATED),
            "receive.autogc=false",
            "core.fsync=committed,reference",
            "core.fsyncMethod=batch",
            f"receive.maxInputSize={max_input}",
        ]
        return self._serve("receive-pack", repository, settings)

    def upload_pack(self, repository: Path) -> list[str]:
        return self._serve("upload-pack", repository, [])

    def set_head(self, repository: Path, ref: str) -> list[str]:
        """Make `ref` what a clone checks out."""
        return self._at(repository, "symbolic-ref", "HEAD", ref)

    def delete_ref(self, repository: Path, ref: str) -> list[str]:
        """Delete a ref whatever it holds."""
        return self._at(repository, "update-ref", "-d", ref)

    def set_ref(self, repository: Path, ref: str, commit: str) -> list[str]:
        """Have a ref hold a commit, whatever it held."""
        return self._at(repository, "-c", "core.fsync=committed,reference", "update-ref", ref, commit)

    def pack_objects(self, repository: Path) -> list[str]:
        """Write a pack of the commits on standard input, and of all that they come from."""
        quiet = ["--quiet", "--delta-base-offset", "--threads=1"]
        return self._at(repository, "pack-objects", "--revs", "--stdout", *quiet)

    def index_pack(self, repository: Path, max_input: int) -> list[str]:
        """Take the pack on standard input, each object of which is checked."""
        limits = ["--strict", f"--max-input-size={max_input}"]
        return self._at(repository, "-c", "core.fsync=committed", "index-pack", "--stdin", *limits)

    def connected(self, repository: Path, commits: Sequence[str]) -> list[str]:
        """Fail where something is missing that the commits come from."""
        return self._at(repository, "rev-list", "--objects", "--quiet", *commits, "--")

    def has_object(self, repository: Path, object_id: str) -> list[str]:
        return self._at(repository, "cat-file", "-e", object_id)

    def cat_file(self, *, stream: bool) -> list[str]:
        """Answer object ids on standard input with header and content; with `stream`, not each at once."""
        return [str(self.program), "cat-file", "--batch", *(["--buffer"] if stream else [])]

    def list_settings(self) -> list[str]:
        """List the settings of a configuration file on standard input, which must not include others."""
        return [str(self.program), "config", "--file", "-", "--no-includes", "--null", "--list"]

    def object_environment(self, repository: Path, quarantine: Path | None) -> dict[str, str]:
        """What git sees that reads objects, also those of a push that is not accepted yet."""
        environment = self.environment() | {"GIT_DIR": str(repository), "GIT_NO_REPLACE_OBJECTS": "1"}
        if quarantine is None:
            return environment
        return environment | {
            "GIT_OBJECT_DIRECTORY": str(quarantine),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(repository / "objects"),
        }

    def _at(self, repository: Path, *words: str) -> list[str]:
        """Without the repository's own hooks, which would run as the user who runs this."""
        safe = ["-c", f"safe.directory={repository}", "-c", "core.hooksPath=/dev/null"]
        return [str(self.program), *safe, "--git-dir", str(repository), *words]

    def _serve(self, service: str, repository: Path, settings: list[str]) -> list[str]:
        safe = [f"safe.directory={repository}", "gc.auto=0", "maintenance.auto=false"]
        options = [word for setting in safe + settings for word in ("-c", setting)]
        return [str(self.program), *options, service, str(repository)]


def _quoted(path: Path) -> str:
    """In double quotes, a path may hold the colon that separates paths (git(1))."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
