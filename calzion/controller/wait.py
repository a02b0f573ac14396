"""The wait for one new instance."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from calzion.controller import failures
from calzion.controller.astray import Astray
from calzion.controller.candidate import Candidate, Healthy, ended, has_ended, sighting
from calzion.controller.parts import Parts
from calzion.discovery.health import Check, ProbeKind
from calzion.errors import CalzionError
from calzion.model import Endpoint, Healthcheck, Instance, InstanceState, Sink, Stop

EARLY_WARNING = 5.0
"""Seconds after which an instance that listens elsewhere is told of, long before its time is up."""

SHORTEST_PAUSE, _LONGEST_PAUSE = 0.005, 0.25
_SHARE = 0.05
"""Of the time waited so far: no kernel tells when a port is opened, but one is not seen later than by this share."""
_COST = 2
"""A pause is at least as many times as long as the look before it took: what is expensive is asked less often."""
_ELSEWHERE_SHARE = 0.2
"""Of the time waited so far, between two looks at which other ports it has opened."""

_RESTS, _LONGEST_SETTLING = 3, 5.0
"""Looks in a row that find a process without a port at rest, and the time (times `settle`) after which one that
never rests counts as up."""

_LATER = (
    "or, where it rests so long before it opens that port, have a command tell:"
    " 'healthcheck: {cmd: curl -fsS http://localhost:$PORT/}'"
)


class Wait:
    """`check` raises CalzionError where this wait is to end with another's; no pause is shorter than `shortest`."""

    def __init__(
        self, parts: Parts, candidate: Candidate, sink: Sink, check: Callable[[], None], shortest: float
    ) -> None:
        self._parts = parts
        self._candidate = candidate
        self._sink = sink
        self._check_others = check
        self._shortest = shortest
        self._began = time.monotonic()
        self._warned = False
        self._rests = 0
        self._knocked = False
        self._reason = "it did not answer"
        self._status: int | None = None
        self._listening: tuple[int, ...] = ()
        self._enclosed = False
        self._next_look_elsewhere = 0.0
        self._answering: dict[int, Endpoint] = {}
        self._astray = Astray(self._grace)

    def run(self) -> Healthy:
        """Raises CalzionError (start: it ended; health: its time was up)."""
        while True:
            self._check_others()
            looked = time.monotonic()
            instance = self._parts.observed.instances().get(self._candidate.spec.id)
            if instance and has_ended(instance):
                raise ended(self._parts, self._candidate, instance, self._listening)
            if instance and self._is_up(instance):
                return Healthy(self._candidate.spec.id, self._endpoints())
            if self._waited > self._grace:
                raise self._late(self._grace)
            self._warn_early()
            self._parts.observed.wait(self._pause(time.monotonic() - looked))

    @property
    def _waited(self) -> float:
        return time.monotonic() - self._began

    @property
    def _grace(self) -> float:
        check = self._candidate.healthcheck
        if check is None:
            return self._parts.timeouts.settle * _LONGEST_SETTLING + self._parts.timeouts.boot
        return min(check.grace, self._parts.timeouts.boot)

    def _pause(self, cost: float) -> float:
        if self._candidate.healthcheck is None:
            wanted = self._parts.timeouts.settle / _RESTS
        else:
            wanted = max(self._waited * _SHARE, cost * _COST)
        return min(max(wanted, self._shortest), _LONGEST_PAUSE)

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
        if endpoint is None:
            self._look_elsewhere(port)
            return False
        self._enclosed = False
        # Somebody else's listener on the port must never pass for this instance.
        self._listening = self._parts.backend.listening(spec.id)
        if port not in self._listening:
            self._reason = f"nothing listened on port {port} ($PORT)"
            return False
        question = self._check(check)
        self._answering[port] = endpoint
        result = self._parts.probe(endpoint, question)
        self._reason, self._status = result.reason, result.status
        return result.up and (question.kind is not ProbeKind.PORT or self._opens(port))

    def _look_elsewhere(self, port: int) -> None:
        """Now and then: to see which ports are its own takes longer than to see that nobody has one."""
        if self._waited < self._next_look_elsewhere:
            return
        self._next_look_elsewhere = self._waited + min(self._waited * _ELSEWHERE_SHARE, _LONGEST_PAUSE)
        self._listening = self._parts.backend.listening(self._candidate.spec.id)
        self._enclosed = self._parts.backend.containers and port in self._listening
        if port in self._listening:
            self._reason = f"port {port} is open on 127.0.0.1 alone: have it listen on 0.0.0.0"
            self._give_up_astray([port])
        else:
            self._reason = f"nothing listened on port {port} ($PORT)"
            later = f"{_LATER} at {self._candidate.spec.service} in the template"
            self._give_up_astray(self._elsewhere(self._listening), later)

    def _give_up_astray(self, ports: Sequence[int], also: str = "") -> None:
        def rests() -> bool:
            return self._parts.backend.rests(self._candidate.spec.id)

        astray = not self._candidate.spec.appliance and self._astray.look(ports, rests, self._waited)
        if astray and self._waited < self._grace:
            raise self._late(round(self._waited), also)

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
        found = {
            name: self._answering.get(number) or self._parts.backend.endpoint(spec.id, number)
            for name, number in spec.ports.items()
        }
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
        listening = self._parts.backend.listening(self._candidate.spec.id)
        others = ", ".join(map(str, self._elsewhere(listening)))
        also = f"; it listens on {others}" if others else ""
        self._sink.log(f"{self._candidate.name} is not up yet: {self._reason}{also}")

    def _elsewhere(self, listening: Iterable[int]) -> list[int]:
        return [port for port in listening if port not in self._candidate.spec.ports.values()]

    def _late(self, seconds: float, also: str = "") -> CalzionError:
        seen = replace(
            sighting(self._parts, self._candidate),
            listening=self._listening,
            enclosed=self._enclosed,
            status=self._status,
            reason=self._reason,
        )
        return failures.late(seen, seconds, also=also)
