"""One instance over its life: started, watched, started again after a growing pause, stopped."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace

from calzion.errors import CalzionError
from calzion.host import procfs
from calzion.host.cgroup import Cgroup
from calzion.host.directory import InstanceDirectory, remove_tree
from calzion.host.loop import Timer
from calzion.host.process import Process
from calzion.host.record import Record
from calzion.host.start import Surroundings, start
from calzion.host.status import Status, exit_of_code
from calzion.host.streams import Streams
from calzion.model import Exit, Instance, InstanceState, RunSpec

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
SETTLED = 60.0
"""Seconds after which an instance that ran counts as healthy: the next pause is the first again."""
_MEMORY_AGE = 2.0
_SIGNAL_PAUSE = 0.02


class Supervised:
    """An instance that was ordered (`ensure`) or found (`adopt`), until it is forgotten.

    A task runs once and is told of its end by `on_exit`; it may have `streams` instead of a log.
    """

    def __init__(
        self, around: Surroundings, id_: str, *, task: bool = False, streams: Streams | None = None
    ) -> None:
        self.id = id_
        self.task = task
        self._streams = streams
        self.directory = InstanceDirectory(around.layout.instances / id_)
        self.state = InstanceState.EXITED
        self.exit: Exit | None = None
        self.record: Record | None = None
        self.spec: RunSpec | None = None
        self.on_exit: Callable[[Exit], None] | None = None
        self._around = around
        self._process: Process | None = None
        self._pause: Timer | None = None
        self._deadline: Timer | None = None
        self._failures = 0
        self._again = False
        self._when_stopped: list[Callable[[], None]] = []
        self._cgroup: Cgroup | None = None
        self._kills_before = 0
        self._memory = (float("-inf"), 0)

    def ensure(self, spec: RunSpec) -> None:
        """Have it run by this order. One that runs goes on. Raises CalzionError (start), OSError."""
        waits = self.spec is not None and self._pause is not None
        self.spec = spec
        if self.state is InstanceState.STOPPING:
            self._again = True
        elif self._process is None and not waits:
            self._start(spec, restarts=self.record.restarts + 1 if self.record else 0)

    def stop(self, done: Callable[[], None]) -> None:
        """End it for good; `done` is called when nothing of it runs."""
        self._cancel_pause()
        self._again = False
        if self._process is None:
            self._become(InstanceState.EXITED)
            done()
            return
        self._when_stopped.append(done)
        if self.state is not InstanceState.STOPPING:
            self._begin_stop(self._process)

    def signal(self, name: str) -> None:
        """Send a signal to all of its processes."""
        if self._process:
            self._process.signal(name, main_only=False)

    def adopt(self, record: Record) -> None:
        """Take over what an earlier daemon started, or find out how it ended."""
        self.record = record
        self._around.logs.add(self.directory)
        self._open_cgroup()
        if record.boot == procfs.boot_id() and procfs.start_time(record.pid) == record.start:
            with contextlib.suppress(ProcessLookupError):
                self._process = self._supervise(record.pid)
        if self._process is None:
            self._adopt_end(record)
            return
        self.state = InstanceState.STARTING
        self._process.watch_start()

    def discard(self, done: Callable[[], None]) -> None:
        """Remove what is left of it, which does not run; `done` is called when nothing is."""
        directory, cgroup = self.directory.path, self._cgroup
        self._around.logs.remove(self.directory)

        def work() -> None:
            with contextlib.suppress(OSError):
                remove_tree(directory)
            if cgroup:
                cgroup.remove()

        self._around.loop.aside(work, done)

    @property
    def running(self) -> bool:
        return self._process is not None

    def observe(self) -> Instance:
        """The instance as it is now. It was started, or adopted."""
        record = self.record
        assert record is not None
        return Instance(
            id=self.id,
            deployment=record.deployment,
            service=record.service,
            process_type=record.process_type,
            release=record.release,
            state=self.state,
            ports=record.ports,
            address=record.address,
            pid=(self._process.main() or self._process.pid) if self._process else None,
            started=record.started,
            restarts=record.restarts,
            exit=self.exit,
            memory=self._memory_in_use(),
            needs_spec=self.spec is None,
        )

    @property
    def init(self) -> int | None:
        """The sandbox's first process."""
        return self._process.init if self._process else None

    def _start(self, spec: RunSpec, restarts: int) -> None:
        self._cancel_pause()
        record = start(
            self._around, spec, self.directory, restarts=restarts, task=self.task, streams=self._streams
        )
        self.record = record
        if self._streams is None:
            self._around.logs.add(self.directory)
        self._open_cgroup()
        self._process = self._supervise(record.pid)
        self._become(InstanceState.STARTING)
        self._process.watch_start()

    def _supervise(self, pid: int) -> Process:
        return Process(self._around.loop, self.directory, pid, ready=self._ready, ended=self._ended)

    def _ready(self) -> None:
        if self.state is InstanceState.STARTING:
            self._become(InstanceState.RUNNING)

    def _ended(self, exit_: Exit) -> None:
        self._process = None
        self.exit = replace(exit_, oom=True) if self._out_of_memory(exit_) else exit_
        self._around.clean(self.directory.retire())
        if self.state is InstanceState.STOPPING:
            self._end_stop()
        elif self.record and self.record.restart and not self.task:
            self._wait_and_start()
        else:
            self._become(InstanceState.EXITED)
        if self.on_exit:
            self.on_exit(self.exit)

    def _wait_and_start(self) -> None:
        """An adopted instance has no order yet: it waits until it is given again."""
        assert self.record is not None
        if time.time() - self.record.started >= SETTLED:
            self._failures = 0
        pause = min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE)
        self._failures = min(self._failures + 1, 10)
        if self.spec is not None:
            self._pause = self._around.loop.later(pause, self._start_again)
        self._become(InstanceState.WAITING)

    def _start_again(self) -> None:
        self._pause = None
        assert self.spec is not None and self.record is not None
        try:
            self._start(self.spec, restarts=self.record.restarts + 1)
        except (CalzionError, OSError) as error:
            self._log(f"it can't be started again: {error}")
            self._wait_and_start()

    def _begin_stop(self, process: Process) -> None:
        assert self.record is not None
        self._become(InstanceState.STOPPING)
        process.be_patient()
        self._deadline = self._around.loop.later(self.record.stop_timeout, process.kill)
        self._signal(process)

    def _signal(self, process: Process) -> None:
        """A sandbox exists a moment before its first process of the instance does."""
        assert self.record is not None
        sent = process.signal(self.record.stop_signal, main_only=self.record.appliance is not None)
        if not sent and process is self._process:
            self._around.loop.later(_SIGNAL_PAUSE, lambda: self._signal(process))

    def _end_stop(self) -> None:
        if self._deadline:
            self._deadline.cancel()
        self._become(InstanceState.EXITED)
        waiting, self._when_stopped = self._when_stopped, []
        for done in waiting:
            done()
        if self._again and self.spec is not None:
            self._again = False
            self._pause = self._around.loop.later(0, self._start_again)

    def _adopt_end(self, record: Record) -> None:
        status = Status.read(self.directory.status)
        self.exit = exit_of_code(status.code) if status.code is not None else Exit(signal="SIGKILL")
        self._around.clean(self.directory.retire())
        ended_for_good = record.task or not record.restart
        self.state = InstanceState.EXITED if ended_for_good else InstanceState.WAITING

    def _open_cgroup(self) -> None:
        self._cgroup = self._around.cgroup(self.id)
        self._kills_before = self._cgroup.out_of_memory_kills() if self._cgroup else 0

    def _out_of_memory(self, exit_: Exit) -> bool:
        if exit_.status == 0 or self._cgroup is None:
            return False
        return self._cgroup.out_of_memory_kills() > self._kills_before

    def _memory_in_use(self) -> int:
        if self._process is None:
            return 0
        taken, size = self._memory
        if time.monotonic() - taken >= _MEMORY_AGE:
            size = self._cgroup.memory() if self._cgroup else procfs.memory(self._process.members())
            self._memory = (time.monotonic(), size)
        return size

    def _cancel_pause(self) -> None:
        if self._pause:
            self._pause.cancel()
            self._pause = None

    def _log(self, text: str) -> None:
        with contextlib.suppress(OSError), self.directory.log.open("a") as log:
            log.write(text + "\n")

    def _become(self, state: InstanceState) -> None:
        self.state = state
        self._around.changed()
