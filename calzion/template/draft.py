"""A template that was read and not yet accepted: its entries, sections, and what is wrong between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from calzion.model import Generate, ServiceDefinition, ServiceName, Template
from calzion.template.check import check
from calzion.template.data import Data, described, shown
from calzion.template.definition import define
from calzion.template.exposure import exposure_problems
from calzion.template.image import ImageReference
from calzion.template.interpolation import BUILT_IN
from calzion.template.naming import (
    circle_problems,
    interpolated,
    texts_of,
    unfinished_references,
    unknown_references,
)
from calzion.template.problem import Misfit, Path, Problem
from calzion.template.requirement import Required, required_by, requirement_problems
from calzion.template.rules import broken_rules
from calzion.template.shape import SectionsShape, ServiceShape
from calzion.template.sources import Sources
from calzion.template.task import RUN, define_task, task_problems, task_requirements
from calzion.template.text import service_name

MAX_SERVICES = 200


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One service as it stands in the file. `name` and `shape` are None where they are wrong."""

    key: str
    path: Path
    keys: dict[str, Data]
    name: ServiceName | None
    shape: ServiceShape | None
    problems: tuple[Problem, ...]

    @classmethod
    def read(cls, key: str, data: Data, path: Path, context: str | None = None) -> Entry:
        keys = data if isinstance(data, dict) else {}
        shape, problems = check(ServiceShape, {} if data is None else data, path, context)
        name, misfit = _name(key, keys)
        if misfit:
            problems.append(misfit.at(path, on_key=True))
        problems += broken_rules(keys, path)
        return cls(key=key, path=path, keys=keys, name=name, shape=shape, problems=tuple(problems))

    def definition(self, env: Mapping[str, str]) -> ServiceDefinition:
        """The accepted service; only for an entry without problems."""
        if self.name is None or self.shape is None:
            raise ValueError(f"the entry {self.key!r} has problems")
        return define(self.name, self.shape, image=self.key, env=env)


def _name(key: str, keys: Mapping[str, Data]) -> tuple[ServiceName | None, Misfit | None]:
    """A key is the service's name; without `image` and `git` it may be a reference that ends in one."""
    try:
        if any(source in keys for source in ("image", "git", "build")):
            return service_name(key), None
        return service_name(ImageReference.parse(key).name), None
    except Misfit as misfit:
        return None, misfit


class Draft:
    """Reads the merged data at once; `problems` and `template` are what can be made of it."""

    def __init__(
        self, data: Data, sources: Sources, secrets: frozenset[str] | None, context: str | None = None
    ) -> None:
        self._data = data
        self._sources = sources
        root = data if isinstance(data, dict) else {}
        self._entries = [
            Entry.read(key, value, (key,), context) for key, value in root.items() if not _is_section(key)
        ]
        self._written = {key: value for key, value in root.items() if _is_section(key)}
        self._sections, self._section_problems = check(SectionsShape, self._written, ())
        self._secrets = secrets
        self._first = (secrets or frozenset()) | _names(self._written.get("Generate"))

    def problems(self) -> Iterator[Problem]:
        """Every mistake of the template, in no order."""
        if self._data is None:
            yield Problem(sentence="the template is empty: name a service, such as my-app: {git: .}")
            return
        if not isinstance(self._data, dict):
            found = described(self._data)
            yield Problem(sentence=f"a template is a map of services and sections, found {found}")
            return
        if not self._entries:
            yield Problem(sentence="the template names no service")
        if len(self._entries) > MAX_SERVICES:
            sentence = f"{len(self._entries)} services; at most {MAX_SERVICES} are allowed"
            yield Problem(sentence=sentence, path=self._entries[MAX_SERVICES].path, on_key=True)
        yield from self._section_problems
        for entry in self._entries:
            yield from entry.problems
        yield from self._shared_names()
        yield from self._relations()
        yield from self._references()

    def template(self) -> Template:
        """The accepted template; only for a draft without problems."""
        sections = self._sections or SectionsShape()
        services = tuple(entry.definition(sections.Env) for entry in self._entries)
        return define_sections(sections, services)

    def _shared_names(self) -> Iterator[Problem]:
        first: dict[str, Entry] = {}
        for entry in self._entries:
            if entry.name is None:
                continue
            other = first.setdefault(entry.name, entry)
            if other is not entry:
                line = self._sources.line_of(other.path)
                sentence = f"a second service is named {shown(entry.name)}: {shown(other.key)} on {line}"
                yield Problem(sentence=f"{sentence} is the first", path=entry.path, on_key=True)

    def _relations(self) -> Iterator[Problem]:
        tasks = self._written.get(RUN)
        named = [(entry.name, entry) for entry in self._entries if entry.name]
        services = tuple(sorted(name for name, _ in named))
        required: Required = {name: required_by(entry.keys, entry.path) for name, entry in named}
        yield from requirement_problems({**task_requirements(tasks), **required})
        yield from task_problems(
            tasks, {name: "git" in entry.keys or "build" in entry.keys for name, entry in named}
        )
        for name, entry in named:
            yield from exposure_problems(name, entry.keys, entry.path, services)
            yield from self._unknown_build_variables(entry)

    def _unknown_build_variables(self, entry: Entry) -> Iterator[Problem]:
        wanted = entry.keys.get("build_env")
        names = tuple(sorted(_names(entry.keys.get("env")) | _names(self._written.get("Env"))))
        for index, name in enumerate(wanted if isinstance(wanted, list) else ()):
            if isinstance(name, str) and name not in names:
                yield Problem(
                    sentence=f"neither 'env' nor 'Env' gives the variable {shown(name)}",
                    path=(*entry.path, "build_env", index),
                    word=name,
                    allowed=names,
                )

    def _references(self) -> Iterator[Problem]:
        env = self._written.get("Env")
        known = self._first | _names(env) | frozenset(BUILT_IN)
        texts = list(self._interpolated(env))
        yield from unfinished_references(texts)
        if self._secrets is not None:
            yield from unknown_references(texts, known)
        yield from circle_problems({str(path[-1]): text for path, text in texts_of(env, ())}, self._first)

    def _interpolated(self, env: Data) -> Iterator[tuple[Path, str]]:
        yield from texts_of(env, ("Env",))
        for entry in self._entries:
            yield from interpolated(entry.keys, entry.path)


def define_sections(sections: SectionsShape, services: tuple[ServiceDefinition, ...] = ()) -> Template:
    generate = sorted(sections.Generate.items())
    return Template(
        services=services,
        env=tuple(sorted(sections.Env.items())),
        generate=tuple(Generate(name=name, length=value.length) for name, value in generate),
        tasks=tuple(define_task(name, shape) for name, shape in sorted(sections.Run.items())),
    )


def _is_section(key: str) -> bool:
    return key[:1].isupper()


def _names(section: Data) -> frozenset[str]:
    return frozenset(section) if isinstance(section, dict) else frozenset()
