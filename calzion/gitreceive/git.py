"""The git program: where it is, the environment it runs in, and the argument lists it is run with."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from calzion.errors import CalzionError

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

        `protocol` is the client's GIT_PROTOCOL, already checked.
        """
        environment = {
            "PATH": self.search_path,
            "HOME": "/nonexistent",
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
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
        safe = ["-c", f"safe.directory={repository}", "--git-dir", str(repository)]
        return [str(self.program), *safe, "symbolic-ref", "HEAD", ref]

    def delete_ref(self, repository: Path, ref: str) -> list[str]:
        """Delete a ref whatever it holds."""
        safe = ["-c", f"safe.directory={repository}", "--git-dir", str(repository)]
        return [str(self.program), *safe, "update-ref", "-d", ref]

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

    def _serve(self, service: str, repository: Path, settings: list[str]) -> list[str]:
        safe = [f"safe.directory={repository}", "gc.auto=0", "maintenance.auto=false"]
        options = [word for setting in safe + settings for word in ("-c", setting)]
        return [str(self.program), *options, service, str(repository)]


def _quoted(path: Path) -> str:
    """In double quotes, a path may hold the colon that separates paths (git(1))."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
