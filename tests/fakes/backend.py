"""A backend in memory. It passes the contract suite, so that tests of what stands above it can trust it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from calzion.backends.appliance import contained, resolve
from calzion.backends.protocol import STDOUT
from calzion.errors import CalzionError
from calzion.host.wire import check_spec
from calzion.model import (
    Cancellation,
    Command,
    DeploymentName,
    Endpoint,
    Exit,
    Instance,
    InstanceState,
    LogLine,
    LogStream,
    RunSpec,
    TerminalSize,
)


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a command does: it writes `lines` and ends with `exit`, or, without one, goes on until it is stopped.

    A `stubborn` one ignores its stop signal, a `busy` one never rests, an `aloof` one accepts no connection.
    A `stubborn` one ignores its stop signal. One that `copies` writes what it reads, until the end of its input.
    """

    lines: tuple[str, ...] = ()
    exit: Exit | None = None
    listens: bool = True
    stubborn: bool = False
    busy: bool = False
    aloof: bool = False
    copies: bool = False


class FakeBackend:
    """`programs` says what commands do; others listen on their ports until they are stopped.

    `impossible` holds ids that can't be started. As an engine of `containers` it runs images.
    """

    def __init__(
        self,
        programs: Mapping[Command, Program] | None = None,
        *,
        versions: Mapping[str, str] | None = None,
        pause: float = 0.05,
        containers: bool = False,
    ) -> None:
        self.containers = containers
        self.programs = dict(programs or {})
        self.impossible: set[str] = set()
        self.measured: list[str] = []
        self.specs: dict[str, RunSpec] = {}
        self._versions = {"redis": "6.2.5", "postgres": "18.6"} if versions is None else versions
        self._pause = pause
        self._instances: dict[str, Instance] = {}
        self._output: dict[str, list[str]] = {}
        self._volumes: dict[str, set[str]] = {}
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.RLock()
        self._pids = iter(range(1000, 1 << 30))

    def doctor(self) -> list[str]:
        return []

    def resolve(self, image: str) -> str | None:
        return contained(image) if self.containers else resolve(image, self._versions)

    def ensure(self, specs: Sequence[RunSpec]) -> None:
        for spec in specs:
            check_spec(spec, root=False)
            if spec.id in self.impossible:
                raise CalzionError(f"{spec.deployment}:{spec.service} can't be started", code="start")
        with self._lock:
            for spec in specs:
                self.specs[spec.id] = spec
                running = self._instances.get(spec.id)
                if running is None or running.pid is None:
                    self._start(spec, restarts=0)

    def stop(self, ids: Sequence[str]) -> None:
        with self._lock:
            for id_ in ids:
                if id_ in self._instances:
                    self._stop(id_)

    def forget(self, ids: Sequence[str]) -> None:
        self.stop(ids)
        with self._lock:
            for id_ in ids:
                self._instances.pop(id_, None)
                self._output.pop(id_, None)
        self._changed()

    def instances(self) -> tuple[Instance, ...]:
        with self._lock:
            return tuple(self._instances.values())

    def watch(self, changed: Callable[[], None]) -> None:
        self._listeners.append(changed)
        changed()

    def endpoint(self, id: str, port: int) -> Endpoint | None:
        return Endpoint("127.0.0.1", port) if port in self.listening(id) else None

    def listening(self, id: str) -> tuple[int, ...]:
        with self._lock:
            instance = self._instances.get(id)
            if instance is None or instance.pid is None or not self._program(self.specs[id]).listens:
                return ()
            return tuple(sorted(instance.ports.values()))

    def unaccepted(self, id: str, port: int) -> int:
        return int(port in self.listening(id) and self._program(self.specs[id]).aloof)

    def rests(self, id: str) -> bool:
        with self._lock:
            instance = self._instances.get(id)
            return bool(instance and instance.pid and not self._program(self.specs[id]).busy)

    def run(self, spec: RunSpec, output: Callable[[str], None], cancellation: Cancellation) -> Exit:
        check_spec(spec, root=False)
        program = self._program(spec)
        for line in program.lines:
            output(line)
        while program.exit is None and not cancellation.cancelled():
            time.sleep(0.01)
        return program.exit or self._stop_exit(spec)

    def attach(self, spec: RunSpec, terminal: TerminalSize | None) -> FakeAttached:
        check_spec(spec, root=False)
        with self._lock:
            self.specs[spec.id] = spec
            self._volumes.setdefault(spec.deployment, set()).update(volume.name for volume in spec.volumes)
        return FakeAttached(spec, self._program(spec), terminal)

    def check(self, id: str, spec: RunSpec) -> Exit:
        with self._lock:
            if id not in self._instances or self._instances[id].pid is None:
                raise CalzionError(f"{id} does not run", code="not_found")
        return self._program(spec).exit or Exit(status=0)

    def tail(self, id: str, lines: int) -> list[str]:
        with self._lock:
            return self._output.get(id, [])[-lines:] if lines else []

    def logs(self, ids: Sequence[str], lines: int, follow: bool) -> LogStream:
        return _Stream(self._output, ids, lines, follow)

    def volumes(self, deployment: DeploymentName, names: Collection[str] | None = None) -> dict[str, int]:
        """Keeps in `measured` what was asked for."""
        with self._lock:
            found = self._volumes.get(deployment, set())
            wanted = sorted(found if names is None else found & set(names))
            self.measured += wanted
            return dict.fromkeys(wanted, 0)

    def volume_names(self, deployment: DeploymentName) -> frozenset[str]:
        return frozenset(self._volumes.get(deployment, ()))

    def remove_volumes(self, deployment: DeploymentName, names: Sequence[str]) -> None:
        with self._lock:
            self._volumes.get(deployment, set()).difference_update(names)

    def network(self, deployment: DeploymentName) -> str:
        return ""

    def remove_deployment(self, deployment: DeploymentName) -> None:
        with self._lock:
            self._volumes.pop(deployment, None)

    def crash(self, id: str, exit: Exit) -> None:
        """Have an instance end by itself."""
        with self._lock:
            self._end(self.specs[id], exit)

    def lose_power(self) -> None:
        """Have the whole machine go down: nothing runs any more, and nobody knows what did."""
        with self._lock:
            self._instances.clear()
            self.specs.clear()

    def write(self, id: str, line: str) -> None:
        """Have an instance write a line."""
        with self._lock:
            self._output[id].append(line)

    def _program(self, spec: RunSpec) -> Program:
        return self.programs.get(spec.command, Program())

    def _start(self, spec: RunSpec, restarts: int) -> None:
        program = self._program(spec)
        self._output.setdefault(spec.id, []).extend(program.lines)
        self._volumes.setdefault(spec.deployment, set()).update(volume.name for volume in spec.volumes)
        before = self._instances.get(spec.id)
        self._instances[spec.id] = Instance(
            id=spec.id,
            deployment=spec.deployment,
            service=spec.service,
            process_type=spec.process_type,
            release=spec.release,
            state=InstanceState.RUNNING,
            ports=spec.ports,
            address=spec.address,
            pid=next(self._pids),
            started=time.time(),
            restarts=restarts,
            exit=before.exit if before else None,
        )
        if program.exit is not None:
            self._end(spec, program.exit)
        self._changed()

    def _end(self, spec: RunSpec, exit: Exit) -> None:
        ended = InstanceState.WAITING if spec.restart else InstanceState.EXITED
        self._instances[spec.id] = replace(self._instances[spec.id], state=ended, pid=None, exit=exit)
        if spec.restart:
            timer = threading.Timer(self._pause, self._restart, (spec.id,))
            timer.daemon = True
            timer.start()
        self._changed()

    def _restart(self, id_: str) -> None:
        with self._lock:
            instance = self._instances.get(id_)
            if instance is not None and instance.state is InstanceState.WAITING:
                self._start(self.specs[id_], restarts=instance.restarts + 1)

    def _stop(self, id_: str) -> None:
        instance = self._instances[id_]
        exit_ = self._stop_exit(self.specs[id_]) if instance.pid is not None else instance.exit
        self._instances[id_] = replace(instance, state=InstanceState.EXITED, pid=None, exit=exit_)
        self._changed()

    def _stop_exit(self, spec: RunSpec) -> Exit:
        return Exit(signal="SIGKILL" if self._program(spec).stubborn else spec.stop.signal)

    def _changed(self) -> None:
        for changed in self._listeners:
            changed()


class FakeAttached:
    """`sizes` are those that its terminal had."""

    def __init__(self, spec: RunSpec, program: Program, terminal: TerminalSize | None) -> None:
        self.sizes = [terminal] if terminal else []
        self._spec, self._program = spec, program
        self._exit: Exit | None = program.exit
        self._chunks: queue.Queue[bytes | None] = queue.Queue()
        for line in program.lines:
            self._chunks.put(line.encode() + b"\n")
        if program.exit is not None:
            self._chunks.put(None)

    def read(self) -> tuple[str, bytes] | None:
        chunk = self._chunks.get()
        return (STDOUT, chunk) if chunk is not None else None

    def write(self, data: bytes) -> None:
        if self._program.copies:
            self._chunks.put(data)

    def end_input(self) -> None:
        if self._program.copies:
            self._end(Exit(status=0))

    def resize(self, size: TerminalSize) -> None:
        self.sizes.append(size)

    def signal(self, name: str) -> None:
        self._end(Exit(signal=name))

    def wait(self) -> Exit:
        assert self._exit is not None
        return self._exit

    def hang_up(self) -> None:
        self._end(Exit(signal="SIGKILL" if self._program.stubborn else self._spec.stop.signal))

    def close(self) -> None:
        self.hang_up()

    def _end(self, exit: Exit) -> None:
        if self._exit is None:
            self._exit = exit
            self._chunks.put(None)


class _Stream(Iterator[LogLine]):
    def __init__(self, output: dict[str, list[str]], ids: Sequence[str], lines: int, follow: bool) -> None:
        self._output, self._follow = output, follow
        self._closed = threading.Event()
        self._seen = {id_: max(len(output.get(id_, ())) - lines, 0) for id_ in ids}

    def __next__(self) -> LogLine:
        while not self._closed.is_set():
            for id_, seen in self._seen.items():
                if len(self._output.get(id_, ())) > seen:
                    self._seen[id_] += 1
                    return LogLine(instance=id_, text=self._output[id_][seen], time=time.time())
            if not self._follow:
                break
            self._closed.wait(0.01)
        raise StopIteration

    def close(self) -> None:
        self._closed.set()
