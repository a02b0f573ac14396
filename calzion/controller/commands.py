"""Commands that a rollout runs to their end in new code: release commands, and tasks once for all."""

from __future__ import annotations

import shlex
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from calzion.causes.report import LINES_TO_SEARCH
from calzion.controller.failures import command_failed
from calzion.controller.locks import check_cancelled
from calzion.controller.parts import Parts
from calzion.controller.store import tasks
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.releases import Release
from calzion.controller.store.tasks import TaskState
from calzion.controller.surroundings import Member, Surroundings
from calzion.errors import CalzionError
from calzion.model import Cancellation, Command, Slug, Task
from calzion.progress import Story


@dataclass(frozen=True, kw_only=True)
class Commands:
    """Runs them for one release, in the surroundings that it gives its services."""

    parts: Parts
    deployment: Deployment
    release: Release
    surroundings: Surroundings
    story: Story
    cancellation: Cancellation

    def release_command(self, member: Member, slug: Slug, command: str) -> None:
        """Raises CalzionError (release) where it fails."""
        self.story.step(f"Running the release command of {member.name}: {command}")
        self._run(member, slug, command, f"{member.name}: the release command")

    def task(self, task: Task, slug: Slug) -> None:
        """A task that ends well is done for the deployment's life. Raises CalzionError (release) where it fails."""
        self.story.step(f"Running the task {task.name} in {task.service}: {command_text(task.cmd)}")
        self._mark(task, TaskState.RUNNING)
        try:
            member = self.surroundings.members[task.service]
            self._run(member, slug, task.cmd, f"the task {task.name}", volumes=task.sanitize)
        except CalzionError:
            self._forget(task)
            raise
        self._mark(task, TaskState.DONE)

    def _run(self, member: Member, slug: Slug, command: Command, what: str, *, volumes: bool = False) -> None:
        check_cancelled(self.cancellation)
        spec = self.surroundings.task(
            member, slug, command, id=self.parts.new_id(), release=self.release.number
        )
        if volumes:  # nothing else runs that could write to them
            spec = replace(spec, volumes=self.surroundings.volumes(member))
        output = Output(self.story.log)
        self.parts.tasks.add(spec.id)
        try:
            result = self.parts.backend.run(spec, output, self.cancellation)
        finally:
            self.parts.tasks.discard(spec.id)
        check_cancelled(self.cancellation)
        if result.status != 0:
            raise command_failed(spec, what, command_text(command), result, output.last)

    def _mark(self, task: Task, state: TaskState) -> None:
        with self.parts.database.write() as connection:
            tasks.set_state(connection, self.deployment.id, task.name, state, self.parts.now())

    def _forget(self, task: Task) -> None:
        with self.parts.database.write() as connection:
            tasks.forget(connection, self.deployment.id, task.name)


class Output:
    """Passes lines on, and keeps the last of them."""

    def __init__(self, told: Callable[[str], None]) -> None:
        self._told = told
        self.last: deque[str] = deque(maxlen=LINES_TO_SEARCH)

    def __call__(self, line: str) -> None:
        self.last.append(line)
        self._told(line)


def command_text(command: Command) -> str:
    """A command as it would be typed."""
    return command if isinstance(command, str) else shlex.join(command)
