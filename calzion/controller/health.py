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
_RESTS, _LONGEST_SETTLING = 3, 5.0
"""Looks in a row that find a process without a port at rest, and the time (times `settle`) after which one that
never rests counts as up."""

_DOWN = frozenset({InstanceState.WAITING, InstanceState.EXITED})


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A new instance and how it shows that it is up; without `healthcheck` it only has to stay alive.

    `others` are the process types that its service would still run without its own.
    """

    spec: RunSpec
    name: str
    healthcheck: Healthcheck | None
    others: tuple[str, ...] = ()


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


def check_alive(parts: Parts, candidates: Sequence[Candidate]) -> None:
    """Look again at those that were up. Raises CalzionError (start) for the first that has ended meanwhile."""
    observed = parts.observed.instances()
    for candidate in candidates:
        instance = observed.get(candidate.spec.id)
        if instance and _has_ended(instance):
            raise ended(parts, candidate, instance)


def _has_ended(instance: Instance) -> bool:
    return instance.state in _DOWN or instance.restarts > 0


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
        self._rests = 0
        self._knocked = False
        self._reason = "it did not answer"
        self._status: int | None = None
        self._listening: tuple[int, ...] = ()

    def run(self) -> Healthy:
        pause = _FIRST_WAIT
        while True:
            self._failure.check()
            instance = self._parts.observed.instances().get(self._candidate.spec.id)
            if instance and _has_ended(instance):
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
            return self._parts.timeouts.settle * _LONGEST_SETTLING + self._parts.timeouts.boot
        return min(check.grace, self._parts.timeouts.boot)

    def _is_up(self, instance: Instance) -> bool:
        if instance.state is not InstanceState.RUNNING:
            return False
        check = self._candidate.healthcheck
        if check is None:
            return self._has_settled()
        if check.cmd is not None:
            return self._command_succeeds(check)
        return self._answers(check)

    def _has_settled(self) -> bool:
        """It has lived a while and rests: one that still loads its code may yet fail."""
        settle = self._parts.timeouts.settle
        self._rests = self._rests + 1 if self._parts.backend.rests(self._candidate.spec.id) else 0
        if self._waited < settle:
            return False
        return self._rests >= _RESTS or self._waited >= settle * _LONGEST_SETTLING

    def _answers(self, check: Healthcheck) -> bool:
        spec = self._candidate.spec
        port = spec.ports.get(check.port) or next(iter(spec.ports.values()))
        if self._knocked:
            return self._opens(port)
        endpoint = self._parts.backend.endpoint(spec.id, port)
        # Somebody else's listener on the port must never pass for this instance.
        self._listening = self._parts.backend.listening(spec.id)
        if endpoint is None or port not in self._listening:
            self._reason = f"nothing listened on port {port} ($PORT)"
            if port in self._listening:
                self._reason = f"port {port} is open on 127.0.0.1 alone: have it listen on 0.0.0.0"
            return False
        question = self._check(check)
        result = self._parts.probe(endpoint, question)
        self._reason, self._status = result.reason, result.status
        return result.up and (question.kind is not ProbeKind.PORT or self._opens(port))

    def _opens(self, port: int) -> bool:
        """Whether the connection was accepted: a server's master may listen long before its workers are there."""
        id_, backend = self._candidate.spec.id, self._parts.backend
        self._knocked = backend.unaccepted(id_, port) > 0
        if self._knocked:
            self._reason = f"port {port} is open, but nothing accepts its connections"
        return not self._knocked and port in backend.listening(id_)

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
        known = [endpoint for endpoint in found.values() if endpoint]
        # A further port may open later: it is looked for where the others are.
        return {
            name: endpoint or Endpoint(known[0].host, spec.ports[name])
            for name, endpoint in found.items()
            if known
        }

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
    hint, also = failures.MEND, ""
    if instance.exit and instance.exit.background:
        how = "went into the background, where it was ended"
        hint = "have it stay in the foreground, and push again"
    if candidate.others:
        service, others = candidate.spec.service, ", ".join(candidate.others)
        also = f"or leave it out: 'processes: [{others}]' at {service} in the template"
    return failures.ended(seen, how, instance.exit, hint=hint, also=also)


def _sighting(parts: Parts, candidate: Candidate) -> Sighting:
    check = candidate.healthcheck
    return Sighting(
        spec=candidate.spec,
        lines=parts.backend.tail(candidate.spec.id, LINES_TO_SEARCH),
        port=check.port if check and check.cmd is None else None,
        path=(check.path if check else None) or "",
    )
