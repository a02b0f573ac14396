"""All instances of one installation, as the daemon keeps them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from calzion.errors import CalzionError
from calzion.host.directory import InstanceDirectory
from calzion.host.instance import Supervised
from calzion.host.record import Record
from calzion.host.start import Surroundings, appliance_of
from calzion.host.streams import Streams
from calzion.host.wire import check_spec, instance_to_json
from calzion.model import Exit, RunSpec

Call = Callable[[], None]

ORPHAN_PATIENCE = 30.0
"""Seconds that a task goes on without anyone who asks for it; its client may be starting again."""


class Fleet:
    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._instances: dict[str, Supervised] = {}

    def adopt(self) -> None:
        """Find what earlier daemons started, and remove what tells nothing."""
        for path in sorted(self._around.layout.instances.iterdir()):
            record = Record.read(InstanceDirectory(path).record)
            if record is None or record.id != path.name:
                self._around.clean(path)
                continue
            instance = Supervised(self._around, record.id, task=record.task)
            instance.adopt(record)
            self._instances[record.id] = instance
            if record.task:
                self._around.loop.later(ORPHAN_PATIENCE, _orphan_check(self, instance))

    def ensure(self, specs: Sequence[RunSpec]) -> None:
        """Raises CalzionError (start) for the first that can't be started; those before it run."""
        for spec in specs:
            self._check(spec)
        for spec in specs:
            self._ensure(spec, task=False)

    def run(self, spec: RunSpec, ended: Callable[[Exit], None], streams: Streams | None = None) -> None:
        """Run a task once, and tell how it ended; `stop` cancels it. Raises CalzionError (start)."""
        self._check(spec)
        if spec.id in self._instances:
            raise CalzionError(f"{spec.id} exists already", code="start")
        self._ensure(spec, task=True, streams=streams)
        self._instances[spec.id].on_exit = ended

    def attach(self, id_: str, ended: Callable[[Exit], None]) -> None:
        """Go on with a task that an earlier daemon started. Raises CalzionError (start) where it is unknown."""
        instance = self._instances.get(id_)
        if instance is None or not instance.task:
            raise CalzionError("the task was lost when the host daemon ended", code="start")
        if instance.running:
            instance.on_exit = ended
        else:
            ended(instance.exit or Exit(signal="SIGKILL"))

    def stop(self, ids: Iterable[str], done: Call) -> None:
        """End these, all at the same time; `done` is called when none is left."""
        _gather([self._instances[id_].stop for id_ in ids if id_ in self._instances], done)

    def stop_all(self, done: Call) -> None:
        self.stop(list(self._instances), done)

    def forget(self, ids: Iterable[str], done: Call) -> None:
        """Stop these where they still run, and remove what is left of them."""
        known = [self._instances[id_] for id_ in ids if id_ in self._instances]

        def discard() -> None:
            for instance in known:
                self._instances.pop(instance.id, None)
            self._around.changed()
            _gather([instance.discard for instance in known], done)

        _gather([instance.stop for instance in known], discard)

    def report(self) -> list[dict[str, Any]]:
        """Every instance, with the user and the first process of its sandbox."""
        return [_report(instance) for instance in self._instances.values()]

    def report_one(self, id_: str) -> dict[str, Any] | None:
        instance = self._instances.get(id_)
        return _report(instance) if instance else None

    def find(self, id_: str) -> Supervised | None:
        return self._instances.get(id_)

    def logs(self) -> Iterable[InstanceDirectory]:
        return [instance.directory for instance in self._instances.values()]

    def _check(self, spec: RunSpec) -> None:
        check_spec(spec, root=self._around.facilities.root)
        appliance = appliance_of(spec)
        if appliance and spec.command:
            appliance.check_client(spec.command, self._around.facilities.machine.path)
        if not self._around.facilities.sandbox:
            raise CalzionError(
                "bubblewrap is missing, or this user may not use it",
                hint="install the package bubblewrap; 'calzion doctor' tells more",
                code="start",
            )

    def _ensure(self, spec: RunSpec, *, task: bool, streams: Streams | None = None) -> None:
        instance = self._instances.get(spec.id)
        instance = instance or Supervised(self._around, spec.id, task=task, streams=streams)
        try:
            instance.ensure(spec)
        except (CalzionError, OSError) as error:
            if spec.id not in self._instances:
                self._around.clean(instance.directory.bury())
            if isinstance(error, CalzionError):
                raise
            raise CalzionError(
                f"{spec.deployment}:{spec.service} can't be started: {error}", code="start"
            ) from error
        self._instances[spec.id] = instance


def _report(instance: Supervised) -> dict[str, Any]:
    return {
        "instance": instance_to_json(instance.observe()),
        "uid": instance.record.uid if instance.record else 0,
        "init": instance.init,
    }


def _orphan_check(fleet: Fleet, instance: Supervised) -> Call:
    def check() -> None:
        if instance.on_exit is None:
            fleet.forget([instance.id], lambda: None)

    return check


def _gather(calls: Sequence[Callable[[Call], None]], done: Call) -> None:
    """Begin all; `done` is called once each has called back, at once where there are none."""
    left = len(calls)
    if not left:
        done()

    def one() -> None:
        nonlocal left
        left -= 1
        if not left:
            done()

    for call in calls:
        call(one)
