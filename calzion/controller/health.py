"""Waiting until new instances are up, or saying why one is not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from calzion.causes.report import LINES_TO_SEARCH
from calzion.controller import failures
from calzion.controller.failures import Sighting
from calzion.controller.locks import check_cancelled
from calzion.controller.parts import Parts
from calzion.discovery.health import Check, ProbeKind
from calzion.errors import CalzionError
from calzion.model import Cancellation, Endpoint, Healthcheck, Instance, InstanceState, RunSpec, Sink, Stop

EARLY_WARNING = 5.0
"""Seconds after which an instance that listens elsewhere is told of, long before its time is up."""

_FIRST_WAIT, _LONGEST_WAIT = 0.02, 0.25
_DOWN = frozenset({InstanceState.WAITING, InstanceState.EXITED})


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A new instance and how it shows that it is up; without `healthcheck` it only has to stay alive."""

    spec: RunSpec
    name: str
    healthcheck: Healthcheck | None


@dataclass(frozen=True)
class Healthy:
    id: str
    endpoints: dict[str, Endpoint]


def await_healthy(
    parts: Parts, candidates: Sequence[Candidate], sink: Sink, cancellation: Cancellation
) -> list[Healthy]:
    """Wait for all. Raises CalzionError (start: it ended; health: its time was up) for the first that fails."""
    if not candidates:
        return []
    failed = _Failure(cancellation)
    with ThreadPoolExecutor(max_workers=min(32, len(candidates)), thread_name_prefix="health") as pool:
        futures = [
            pool.submit(failed.guard, _Wait(parts, candidate, sink, failed)) for candidate in candidates
        ]
        results = [future.result() for future in futures]
    if failed.error:
        raise failed.error
    return [result for result in results if result]


class _Failure:
    """Stops the other waits at the first failure."""

    def __init__(self, cancellation: Cancellation) -> None:
        self._cancellation = cancellation
        self.error: CalzionError | None = None

    def guard(self, wait: _Wait) -> Healthy | None:
        try:
            return wait.run()
        except CalzionError as error:
            self.error = self.error or error
            return None

    def check(self) -> None:
        check_cancelled(self._cancellation)
        if self.error:
            raise self.error


class _Wait:
    """The wait for one instance."""

    def __init__(self, parts: Parts, candidate: Candidate, sink: Sink, failure: _Failure) -> None:
        self._parts = parts
        self._candidate = candidate
        self._sink = sink
        self._failure = failure
        self._began = time.monotonic()
        self._warned = False
        self._reason = "it did not answer"
        self._status: int | None = None
        self._listening: tuple[int, ...] = ()

    def run(self) -> Healthy:
        pause = _FIRST_WAIT
        while True:
            self._failure.check()
            instance = self._parts.observed.instances().get(self._candidate.spec.id)
            if instance and (instance.state in _DOWN or instance.restarts):
                raise ended(self._parts, self._candidate, instance, self._listening)
            if instance and self._is_up(instance):
                return Healthy(self._candidate.spec.id, self._endpoints())
            if self._waited > self._grace:
                raise self._late()
            self._warn_early()
            self._parts.observed.wait(pause)
            pause = min(pause * 1.5, _LONGEST_WAIT)

    @property
    def _waited(self) -> float:
        return time.monotonic() - self._began

    @property
    def _grace(self) -> float:
        check = self._candidate.healthcheck
        if check is None:
            return self._parts.timeouts.settle + self._parts.timeouts.boot
        return min(check.grace, self._parts.timeouts.boot)

    def _is_up(self, instance: Instance) -> bool:
        if instance.state is not InstanceState.RUNNING:
            return False
        check = self._candidate.healthcheck
        if check is None:
            return self._waited >= self._parts.timeouts.settle
        if check.cmd is not None:
            return self._command_succeeds(check)
        return self._answers(check)

    def _answers(self, check: Healthcheck) -> bool:
        spec = self._candidate.spec
        port = spec.ports.get(check.port) or next(iter(spec.ports.values()))
        endpoint = self._parts.backend.endpoint(spec.id, port)
        # Somebody else's listener on the port must never pass for this instance.
        self._listening = self._parts.backend.listening(spec.id)
        if endpoint is None or port not in self._listening:
            self._reason = f"nothing listened on port {port} ($PORT)"
            return False
        result = self._parts.probe(endpoint, self._check(check))
        self._reason, self._status = result.reason, result.status
        return result.up

    def _check(self, check: Healthcheck) -> Check:
        spec = self._candidate.spec
        if spec.appliance:
            return Check(kind=ProbeKind(spec.appliance), timeout=check.timeout)
        kind = ProbeKind.HTTP if check.path else ProbeKind.PORT
        return Check(kind=kind, path=check.path or "/", timeout=check.timeout)

    def _command_succeeds(self, check: Healthcheck) -> bool:
        assert check.cmd is not None
        limit = Stop(timeout=check.timeout)
        spec = replace(self._candidate.spec, command=check.cmd, stop=limit)
        try:
            result = self._parts.backend.check(spec.id, spec)
        except CalzionError as error:
            self._reason = error.message
            return False
        self._reason = f"the health command ended with {result}"
        return result.status == 0

    def _endpoints(self) -> dict[str, Endpoint]:
        spec = self._candidate.spec
        found = {name: self._parts.backend.endpoint(spec.id, number) for name, number in spec.ports.items()}
        return {name: endpoint for name, endpoint in found.items() if endpoint}

    def _warn_early(self) -> None:
        if self._warned or self._waited < EARLY_WARNING or self._candidate.healthcheck is None:
            return
        self._warned = True
        self._sink.log(f"{self._candidate.name} is not up yet: {self._reason}{self._elsewhere()}")

    def _elsewhere(self) -> str:
        spec = self._candidate.spec
        others = [port for port in self._parts.backend.listening(spec.id) if port not in spec.ports.values()]
        return f"; it listens on {', '.join(map(str, others))}" if others else ""

    def _late(self) -> CalzionError:
        seen = replace(
            _sighting(self._parts, self._candidate),
            listening=self._listening,
            status=self._status,
            reason=self._reason,
        )
        return failures.late(seen, self._grace)


def ended(
    parts: Parts, candidate: Candidate, instance: Instance, listening: tuple[int, ...] = ()
) -> CalzionError:
    """What to say of a new instance that did not stay; `listening` are the ports on which it was seen."""
    seen = replace(_sighting(parts, candidate), listening=listening)
    how = f"ended right after its start: {instance.exit or 'an unknown exit code'}"
    return failures.ended(seen, how, instance.exit)


def _sighting(parts: Parts, candidate: Candidate) -> Sighting:
    check = candidate.healthcheck
    return Sighting(
        spec=candidate.spec,
        lines=parts.backend.tail(candidate.spec.id, LINES_TO_SEARCH),
        port=check.port if check and check.cmd is None else None,
        path=(check.path if check else None) or "",
    )
