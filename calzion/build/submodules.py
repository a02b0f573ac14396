"""The submodules of a source: which of them are wanted, where they come from, and having them placed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from calzion.build.fetch import Task, fetch, task
from calzion.build.recipe import read_source
from calzion.build.scratch import is_real_directory, room
from calzion.build.slugignore import NAME, is_ignored, parse_slugignore
from calzion.build.workshop import Workshop
from calzion.errors import CalzionError
from calzion.host.sandbox import APP
from calzion.model import Cancellation, SourceTree, Submodule
from calzion.template.address import Address, parse_address

FETCH_SECONDS = 30.0
MOST = 50


@dataclass(frozen=True, kw_only=True)
class Wanted:
    submodule: Submodule
    address: Address


def wanted_submodules(source: SourceTree, service: str) -> list[Wanted]:
    """Those that .slugignore leaves in. Raises CalzionError (build) for one that can't be fetched at all."""
    submodules = source.submodules()
    if not submodules:
        return []
    patterns, _ = parse_slugignore(read_source(source, NAME) or b"")
    found = [each for each in submodules if not is_ignored(patterns, each.path)]
    if len(found) > MOST:
        raise _refused(service, f"this source has more than {MOST} submodules")
    return [Wanted(submodule=each, address=_address(each, service)) for each in found]


@contextmanager
def fetched_submodules(
    workshop: Workshop,
    builds: Path,
    wanted: Sequence[Wanted],
    service: str,
    *,
    cancellation: Cancellation,
    told: Callable[[str], None],
) -> Iterator[dict[str, Path]]:
    """Their files, by path, to be moved away. Raises CalzionError (build, cancelled), OSError."""
    if not wanted:
        yield {}
        return
    with room(builds) as place:
        tasks = [_task(each, number) for number, each in enumerate(wanted)]
        answers = fetch(workshop, place, tasks, seconds=FETCH_SECONDS, cancellation=cancellation, told=told)
        for each, answer in zip(wanted, answers, strict=True):
            if answer.error:
                path, found, reason = answer.error.partition(": ")
                raise _failed(service, path if found else each.submodule.path, reason or answer.error)
        yield {each.submodule.path: place.app / str(number) for number, each in enumerate(wanted)}


def place_submodules(fetched: Mapping[str, Path], app: Path) -> None:
    """Move them into an exported source, which has an empty directory for each and no link above it."""
    for path, files in fetched.items():
        if not is_real_directory(files):
            raise OSError(f"what was fetched for {path} is no directory")
        files.rename(app / path)


def _task(wanted: Wanted, number: int) -> Task:
    path = wanted.submodule.path
    return task(
        "submodule",
        wanted.address,
        version=wanted.submodule.commit,
        label=f"the submodule {path!a}",
        into=f"{APP}/{number}",
        path=path,
    )


def _address(submodule: Submodule, service: str) -> Address:
    try:
        return parse_address(_absolute(submodule.url))
    except ValueError as error:
        raise _failed(service, submodule.path, str(error)) from error


def _absolute(url: str) -> str:
    if not url:
        raise ValueError(".gitmodules names no address for it")
    if url.startswith(("./", "../", "/")):
        raise ValueError(
            "its address is relative, and a push does not say to what; use its full https:// address"
        )
    return url


def _failed(service: str, path: str, reason: str) -> CalzionError:
    return _refused(service, f"the submodule {path!a} can't be fetched: {reason}")


def _refused(service: str, reason: str) -> CalzionError:
    return CalzionError(
        f"{service}: {reason}",
        hint="commit its files themselves, list it in .slugignore, or deploy what lies in your directory:"
        " 'calzion deploy --working-tree'",
        code="build",
    )
