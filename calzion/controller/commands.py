"""Commands that a rollout runs to their end in new code: release commands, and tasks once for all."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

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
            self._run(self.surroundings.members[task.service], slug, task.cmd, f"the task {task.name}")
        except CalzionError:
            self._forget(task)
            raise
        self._mark(task, TaskState.DONE)

    def _run(self, member: Member, slug: Slug, command: Command, what: str) -> None:
        check_cancelled(self.cancellation)
        spec = self.surroundings.task(
            member, slug, command, id=self.parts.new_id(), release=self.release.number
        )
        self.parts.tasks.add(spec.id)
        try:
            result = self.parts.backend.run(spec, self.story.log, self.cancellation)
        finally:
            self.parts.tasks.discard(spec.id)
        check_cancelled(self.cancellation)
        if result.status != 0:
            raise CalzionError(
                f"{what} failed ({result}): {command_text(command)}",
                hint="its output stands above; mend the cause and push again",
                code="release",
            )

    def _mark(self, task: Task, state: TaskState) -> None:
        with self.parts.database.write() as connection:
            tasks.set_state(connection, self.deployment.id, task.name, state, self.parts.now())

    def _forget(self, task: Task) -> None:
        with self.parts.database.write() as connection:
            tasks.forget(connection, self.deployment.id, task.name)


def command_text(command: Command) -> str:
    """A command as it would be typed."""
    return command if isinstance(command, str) else shlex.join(command)
