"""A repository elsewhere, of which one commit is fetched."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from calzion.build.fetching.failed import NO_SUCH_COMMIT, TOO_LONG, Failed, from_git
from calzion.build.fetching.gitmodules import urls_by_path
from calzion.build.fetching.limits import Limits
from calzion.build.fetching.place import Place

_HEAD = "HEAD"
_FULL = 40
_SETTINGS = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "gc.auto=0", "maintenance.auto=false")
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head")
_EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


class Repository:
    """`git_dir` is an existing empty directory that takes its objects; nothing but `resolve` does without."""

    def __init__(self, place: Place, git_dir: str, limits: Limits) -> None:
        self.place = place
        self._git_dir = git_dir
        self._limits = limits

    def resolve(self, ref: str) -> str:
        """The commit of a tag, a branch or ('') HEAD; '' where there is none of this name."""
        names = [ref] if ref.startswith("refs/") else [f"refs/tags/{ref}", f"refs/heads/{ref}"]
        names = names if ref else [_HEAD]
        peeled = [f"{name}^{{}}" for name in names]
        listing = self._run("ls-remote", "--quiet", "--", self.place.url, *names, *peeled)
        lines = (
            line.split("\t", 1) for line in listing.decode("utf-8", "replace").splitlines() if "\t" in line
        )
        found = {name: commit for commit, name in lines}
        return next(
            (found[name] for pair in zip(peeled, names, strict=True) for name in pair if name in found), ""
        )

    def checkout(self, version: str, into: Path) -> str:
        """Write the files of a commit, whose id may be abbreviated; returns its full id."""
        self._run("init", "--quiet", "--bare", "--template=", self._git_dir)
        commit = self._fetch_alone(version) or self._fetch_with_everything(version)
        self._check_size(commit)
        into.mkdir(parents=True, exist_ok=True)
        work_tree = ("-c", "core.bare=false", f"--work-tree={into}")
        self._run(*work_tree, "read-tree", "--reset", "-u", "--no-recurse-submodules", commit)
        return commit

    def gitlinks(self, commit: str) -> list[tuple[str, str]]:
        """Path and commit of each submodule."""
        listing = self._run("ls-tree", "-r", "-z", commit)
        entries = [entry.split(b"\t", 1) for entry in listing.split(b"\0") if entry.startswith(b"160000 ")]
        return [(os.fsdecode(path), facts.split()[2].decode()) for facts, path in entries]

    def submodule_urls(self, commit: str) -> dict[str, str]:
        """The addresses that .gitmodules names, by path; none where it can't be read."""
        try:
            blob = f"--blob={commit}:.gitmodules"
            return urls_by_path(self._run("config", "--no-includes", "-z", "--list", blob))
        except Failed:
            return {}

    def _fetch_alone(self, version: str) -> str:
        if len(version) < _FULL:
            return ""
        try:
            self._run(*_FETCH, "--depth=1", "--", self.place.url, version)
        except Failed as error:
            if str(error) == NO_SUCH_COMMIT:
                return ""
            raise
        return self._commit(version)

    def _fetch_with_everything(self, version: str) -> str:
        """For servers that give out nothing but what a branch or tag names, and for abbreviated ids."""
        self._run(*_FETCH, "--", self.place.url, *_EVERYTHING)
        return self._commit(version)

    def _commit(self, version: str) -> str:
        try:
            return self._run("rev-parse", "--verify", "--quiet", f"{version}^{{commit}}").decode().strip()
        except Failed:
            raise Failed(NO_SUCH_COMMIT) from None

    def _check_size(self, commit: str) -> None:
        listing = self._run("ls-tree", "-r", "-l", "-z", commit)
        sizes = [entry.split(b"\t", 1)[0].split()[3] for entry in listing.split(b"\0") if entry]
        self._limits.check(len(sizes), sum(int(size) for size in sizes if size.isdigit()))

    def _run(self, *arguments: str) -> bytes:
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        with subprocess.Popen(
            ["git", f"--git-dir={self._git_dir}", *settings, *arguments],
            env=self.place.git_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as git:
            try:
                output, errors = git.communicate(timeout=self._limits.left())
            except (subprocess.TimeoutExpired, Failed):
                with suppress(ProcessLookupError):
                    os.killpg(git.pid, signal.SIGKILL)
                raise Failed(TOO_LONG, away=True) from None
        if git.returncode:
            raise from_git(errors.decode("utf-8", "replace"))
        return output
