"""What `calzion deploy` is going to deploy: read on this machine, and complete before a server hears of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from calzion.cli.templatefiles import TemplateFiles, read_template
from calzion.errors import CalzionError
from calzion.model import ServiceDefinition, ServiceName, Task, Template
from calzion.packing.file import PackedFile
from calzion.packing.place import Place, Surveyor
from calzion.packing.usergit import UserGit
from calzion.packing.worktree import Change, WorkTree
from calzion.progress import LOG, STEP, WARNING, Event
from calzion.template import parse_template
from calzion.template.directory import within

_LISTED = 20


@dataclass(frozen=True, kw_only=True)
class Code:
    """The code of services that have the same directory. `commit` is '' where it is not just what was committed."""

    services: tuple[ServiceName, ...]
    files: Iterator[PackedFile]
    commit: str


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """`template` is as the server is told; `notes` are what the user should know before."""

    template: Template
    codes: tuple[Code, ...]
    commit: str
    notes: tuple[Event, ...]


def propose(
    file: Path, secrets: frozenset[str], environ: Mapping[str, str], search: Sequence[Path], *, as_it_is: bool
) -> Proposal:
    """Raises CalzionError (template) with every mistake of the template, or where code is missing."""
    text = read_template(file)
    git = UserGit.of(environ)
    directory = file.parent.resolve()
    worktree = WorkTree.find(directory, git)
    files = TemplateFiles(worktree.top if worktree else directory)
    name = files.name_of(directory / file.name)
    template = parse_template(text, name, secrets=secrets, read=files.read, outside=True)
    surveyor = Surveyor(git=git, template=directory, worktree=worktree, search=search, as_it_is=as_it_is)
    survey = _Survey(_places(surveyor, template), worktree, (name, *files.names), as_it_is=as_it_is)
    return Proposal(
        template=_for_server(template),
        codes=tuple(survey.codes()),
        commit=survey.commit(),
        notes=tuple(survey.notes()),
    )


def _places(surveyor: Surveyor, template: Template) -> dict[ServiceName, Place]:
    found: dict[ServiceName, Place] = {}
    problems: list[CalzionError] = []
    for service in template.services:
        if service.code is None:
            continue
        try:
            found[service.name] = surveyor.find(service.code)
        except CalzionError as error:
            message = f"{service.name}: {service.code_key}: {error.message}"
            problems.append(CalzionError(message, hint=error.hint, code=error.code))
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise CalzionError(
            "the code of these services can't be found:",
            detail=[problem.message for problem in problems],
            hint=problems[0].hint,
            code="template",
        )
    return found


def _for_server(template: Template) -> Template:
    return replace(template, services=tuple(map(_within, template.services)))


def _within(service: ServiceDefinition) -> ServiceDefinition:
    if service.build is not None:
        return replace(service, build=within(service.build))
    return service if service.git is None else replace(service, git=within(service.git))


def template_sections(template: Template) -> dict[str, Any]:
    """`Env`, `Generate` and `Run` as the API takes them."""
    return {
        "env": dict(template.env),
        "generate": {rule.name: rule.length for rule in template.generate},
        "run": {task.name: _task(task) for task in template.tasks},
    }


def _task(task: Task) -> dict[str, Any]:
    command = list(task.cmd) if isinstance(task.cmd, tuple) else task.cmd
    data = {"service": task.service, "cmd": command, "require": list(task.require)}
    return data | ({"sanitize": True} if task.sanitize else {})


class _Survey:
    """The places of a template's code, and how they differ from what was committed."""

    def __init__(
        self,
        places: Mapping[ServiceName, Place],
        worktree: WorkTree | None,
        template: Iterable[str],
        *,
        as_it_is: bool,
    ) -> None:
        self._places = places
        self._worktree = worktree
        self._as_it_is = as_it_is
        worktrees = [worktree, *(place.worktree for place in places.values())]
        self._changes = {each.top: each.changes() for each in worktrees if each}
        self._template = frozenset(template)

    def codes(self) -> Iterator[Code]:
        together: dict[Path, list[ServiceName]] = {}
        for name, place in self._places.items():
            together.setdefault(place.directory.resolve(), []).append(name)
        for names in together.values():
            place = self._places[names[0]]
            clean = not (self._as_it_is and self._differing(place))
            yield Code(
                services=tuple(names),
                files=place.files(as_it_is=self._as_it_is),
                commit=place.worktree.head() if place.worktree and clean else "",
            )

    def commit(self) -> str:
        """The commit that the release is made from: none where something of it is not committed."""
        if self._worktree is None or self._changed_template():
            return ""
        mine = [place for place in self._places.values() if place.worktree == self._worktree]
        if self._as_it_is and any(self._differing(place) for place in mine):
            return ""
        try:
            return self._worktree.head()
        except CalzionError:
            return ""

    def notes(self) -> Iterator[Event]:
        for top in self._changes:
            places = [each for each in self._places.values() if each.worktree and each.worktree.top == top]
            different = sorted({str(change) for place in places for change in self._differing(place)})
            if different:
                yield from self._differences(top, different)
        for name in self._changed_template():
            yield Event(kind=WARNING, text=f"{name} is not as in HEAD: it is deployed as it is here")
        for place in self._places.values():
            if place.worktree is None:
                text = f"{place.directory} belongs to no git repository: it is deployed as it is"
                yield Event(kind=WARNING, text=text)

    def _differences(self, top: Path, different: Sequence[str]) -> Iterator[Event]:
        where = "" if self._worktree and top == self._worktree.top else f" in {top}"
        files = "1 file differs" if len(different) == 1 else f"{len(different)} files differ"
        if not self._as_it_is:
            text = f"{files} from HEAD{where}: HEAD is deployed; --working-tree takes what lies there"
            yield Event(kind=WARNING, text=text)
            return
        yield Event(kind=STEP, text=f"Working tree{where}: {files} from HEAD")
        for line in different[:_LISTED]:
            yield Event(kind=LOG, text=line)
        if len(different) > _LISTED:
            yield Event(kind=LOG, text=f"and {len(different) - _LISTED} more")

    def _differing(self, place: Place) -> list[Change]:
        changes = self._changes.get(place.worktree.top, []) if place.worktree else []
        mine = self._worktree and place.worktree and place.worktree.top == self._worktree.top
        template = self._template if mine and not self._as_it_is else frozenset()
        return [change for change in changes if place.holds(change.path) and change.path not in template]

    def _changed_template(self) -> list[str]:
        changes = self._changes.get(self._worktree.top, []) if self._worktree else []
        return sorted(self._template & {change.path for change in changes})
