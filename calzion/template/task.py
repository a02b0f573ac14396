"""The tasks of `Run` as they stand in a template, and what is wrong between them and the services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from calzion.model import Label, ServiceName, Task, TaskName
from calzion.template.data import Data, shown
from calzion.template.problem import Misfit, Problem
from calzion.template.requirement import Required, required_by
from calzion.template.shape import TaskShape
from calzion.template.text import flag

RUN = "Run"


def task_requirements(tasks: Data) -> Required:
    """Task -> what it requires, wherever that can be read."""
    return {
        name: required_by(keys if isinstance(keys, dict) else {}, (RUN, name))
        for name, keys in (tasks.items() if isinstance(tasks, dict) else ())
    }


def task_problems(tasks: Data, apps: Mapping[str, bool]) -> Iterator[Problem]:
    """`apps` says of every service whether it is an app, in whose code a task can run."""
    names = tuple(sorted(apps))
    for name, keys in tasks.items() if isinstance(tasks, dict) else ():
        if name in apps:
            sentence = f"a service is named {shown(name)} too; 'require' could not tell them apart"
            yield Problem(sentence=sentence, path=(RUN, name), on_key=True)
        service = keys.get("service") if isinstance(keys, dict) else None
        if not isinstance(service, str):
            continue
        path = (RUN, name, "service")
        if service not in apps:
            sentence = f"no service is named {shown(service)}"
            yield Problem(sentence=sentence, path=path, word=service, allowed=names)
        elif not apps[service]:
            sentence = (
                f"{shown(service)} is no app: a task runs in the code of a service with 'git' or 'build'"
            )
            yield Problem(sentence=sentence, path=path)
    yield from _sanitize_problems(tasks if isinstance(tasks, dict) else {}, apps)


def _sanitize_problems(tasks: dict[str, Data], apps: Mapping[str, bool]) -> Iterator[Problem]:
    """A task that sanitizes runs before any app and any other task: it can't wait for one."""
    first = {name for name, keys in tasks.items() if isinstance(keys, dict) and _is_set(keys.get("sanitize"))}
    later = {name for name, app in apps.items() if app} | (tasks.keys() - first)
    for name in sorted(first):
        keys = tasks[name]
        required = keys.get("require") if isinstance(keys, dict) else None
        for index, other in enumerate(required if isinstance(required, list) else ()):
            if isinstance(other, str) and other in later:
                sentence = f"{shown(other)} comes after a task with 'sanitize', which sees copied data first"
                yield Problem(sentence=sentence, path=(RUN, name, "require", index))


def _is_set(value: Data) -> bool:
    try:
        return flag(value)
    except Misfit:
        return False


def define_task(name: str, shape: TaskShape) -> Task:
    return Task(
        name=TaskName(name),
        service=ServiceName(shape.service),
        cmd=shape.cmd,
        require=tuple(sorted(Label(other) for other in shape.require)),
        sanitize=bool(shape.sanitize),
    )
