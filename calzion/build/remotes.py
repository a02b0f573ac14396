"""Buildpacks from elsewhere: which version a reference means now, and its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from calzion.build.afterwards import Stop
from calzion.build.copies import Copies
from calzion.build.fetch import Answer, Task, fetch, task
from calzion.build.scratch import Scratch, is_real_directory, room
from calzion.build.workshop import Workshop
from calzion.errors import CalzionError
from calzion.host.sandbox import APP
from calzion.model import Cancellation
from calzion.template.buildpack import Remote


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """A reference whose `version` names its content; `note` is what to say about it."""

    remote: Remote
    version: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Remotes:
    """`look_seconds` are for seeing what references mean, before it is known whether to build at all."""

    workshop: Workshop
    copies: Copies
    builds: Path
    look_seconds: float = 15.0
    fetch_seconds: float = 60.0

    def pin(self, remotes: Sequence[Remote]) -> dict[Remote, Pinned]:
        """See what each means now, within `look_seconds`. A full commit is what it says, without a look.

        Where the network is away, what was last seen counts as long as its copy is there. Raises CalzionError
        (build), OSError.
        """
        pinned = {remote: known for remote in remotes if (known := self._known(remote))}
        asked = [remote for remote in dict.fromkeys(remotes) if remote not in pinned]
        if asked:
            with room(self.builds) as place:
                tasks = [_look(remote, _into(number)) for number, remote in enumerate(asked)]
                answers = self._fetch(place, tasks, self.look_seconds, Stop(), lambda _line: None)
                for number, (remote, answer) in enumerate(zip(asked, answers, strict=True)):
                    pinned[remote] = self._seen(remote, answer, place.app / str(number))
        return pinned

    def provide(
        self, pinned: Sequence[Pinned], cancellation: Cancellation, told: Callable[[str], None]
    ) -> dict[Pinned, Path]:
        """The files of each, fetched where no copy is there. Raises CalzionError (build, cancelled), OSError."""
        found = {each: path for each in pinned if (path := self.copies.find(each.remote, each.version))}
        missing = [each for each in dict.fromkeys(pinned) if each not in found]
        if missing:
            with room(self.builds) as place:
                tasks = [_files(each, _into(number)) for number, each in enumerate(missing)]
                answers = self._fetch(place, tasks, self.fetch_seconds, cancellation, told)
                for number, (each, answer) in enumerate(zip(missing, answers, strict=True)):
                    found[each] = self._take(each, answer, place.app / str(number))
        return found

    def _known(self, remote: Remote) -> Pinned | None:
        version = remote.commit
        if not version and remote.may_be_commit and self.copies.last(remote) == remote.ref:
            version = remote.ref
        return Pinned(remote=remote, version=version) if version else None

    def _seen(self, remote: Remote, answer: Answer, files: Path) -> Pinned:
        if answer.error:
            return self._last_seen(remote, answer)
        version = answer.version or (remote.ref if remote.may_be_commit else "")
        if not version:
            what = f"no branch or tag {remote.ref!r}" if remote.ref else "no commit"
            raise _failed(remote, f"it has {what}")
        note = ""
        if remote.archive and not self.copies.find(remote, version):
            self._put(remote, version, files)
            note = f"fetched {remote.label} at {version[:12]}"
        self.copies.remember(remote, version)
        return Pinned(remote=remote, version=version, note=note)

    def _last_seen(self, remote: Remote, answer: Answer) -> Pinned:
        version = self.copies.last(remote) if answer.away else ""
        if not version:
            raise _failed(remote, answer.error)
        note = f"{remote.label}: {answer.error}: what was fetched before is used ({version[:12]})"
        return Pinned(remote=remote, version=version, note=note)

    def _take(self, pinned: Pinned, answer: Answer, files: Path) -> Path:
        if answer.error:
            raise _failed(pinned.remote, answer.error)
        if pinned.remote.archive and answer.version != pinned.version:
            raise _failed(pinned.remote, "it has changed meanwhile; push again")
        return self._put(pinned.remote, pinned.version, files)

    def _put(self, remote: Remote, version: str, files: Path) -> Path:
        if not is_real_directory(files):
            raise _failed(remote, "it holds no files")
        return self.copies.put(remote, version, files)

    def _fetch(
        self,
        place: Scratch,
        tasks: Sequence[Task],
        seconds: float,
        cancellation: Cancellation,
        told: Callable[[str], None],
    ) -> list[Answer]:
        return fetch(self.workshop, place, tasks, seconds=seconds, cancellation=cancellation, told=told)


def _into(number: int) -> str:
    return f"{APP}/{number}"


def _look(remote: Remote, into: str) -> Task:
    if remote.archive:
        return task("archive", remote.address, label=remote.label, into=into)
    return task("resolve", remote.address, version=remote.ref)


def _files(pinned: Pinned, into: str) -> Task:
    remote = pinned.remote
    kind = "archive" if remote.archive else "repository"
    return task(kind, remote.address, version=pinned.version, label=remote.label, into=into)


def _failed(remote: Remote, reason: str) -> CalzionError:
    return CalzionError(
        f"the buildpack {remote.label} can't be fetched: {reason}",
        hint="put the buildpack into the source and name its directory (./buildpack) where it can't be had from here",
        code="build",
    )
