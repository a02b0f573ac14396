"""The tasks of `Run` as they stand in a template, and what is wrong between them and the services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from calzion.model import Label, ServiceName, Task, TaskName
from calzion.template.data import Data, shown
from calzion.template.problem import Problem
from calzion.template.requirement import Required, required_by
from calzion.template.shape import TaskShape

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


def define_task(name: str, shape: TaskShape) -> Task:
    return Task(
        name=TaskName(name),
        service=ServiceName(shape.service),
        cmd=shape.cmd,
        require=tuple(sorted(Label(other) for other in shape.require)),
    )
