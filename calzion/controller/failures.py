"""What to say of an instance that did not come up, and of a command that failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from calzion.causes import Facts, Phase, failed
from calzion.errors import CalzionError
from calzion.model import Exit, RunSpec
from calzion.template.exposure import variable_prefix

MEND = "mend the cause and push again"


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What was seen of a new instance: where it was expected to listen and did, and the last answer to a health check.

    `port` is the port's name, None where nothing is expected of it; `enclosed` ones are open inside their container
    alone; `reason` is a part of a sentence.
    """

    spec: RunSpec
    lines: Sequence[str] = field(repr=False)
    port: str | None = None
    path: str = ""
    listening: tuple[int, ...] = ()
    enclosed: bool = False
    status: int | None = None
    reason: str = ""

    @property
    def number(self) -> int | None:
        ports = self.spec.ports
        return None if self.port is None else ports.get(self.port) or next(iter(ports.values()), None)

    @property
    def name(self) -> str:
        """The instance as listings show it, such as my-webapp.web.1."""
        return f"{self.spec.service}.{self.spec.env.get('INSTANCE', self.spec.process_type)}"


def ended(seen: Sighting, how: str, exit: Exit | None, *, hint: str = MEND, also: str = "") -> CalzionError:
    """It ended while it was waited for; `how` is a part of a sentence.

    `hint` is the next step where no cause is known, `also` a further one in any case.
    """
    facts = _facts(Phase.START, seen, exit)
    message = f"{seen.spec.service}: start failed: {seen.name} {how}"
    error = failed(facts, message, hint=hint, about=_about(seen, "had listened"))
    return _with_hint(error, also)


def late(seen: Sighting, seconds: float, *, also: str = "") -> CalzionError:
    """It was not up after so many seconds; `also` is a further next step."""
    facts = _facts(Phase.HEALTH, seen, None)
    message = (
        f"{seen.spec.service}: health check failed: {seen.name} did not become healthy within {seconds:g} s"
    )
    error = failed(
        facts,
        message if seen.number else f"{message} ({seen.reason})",
        otherwise=seen.reason if seen.number else "",
        hint="see what it wrote, or change its healthcheck",
        about=_about(seen, "listened"),
    )
    return _with_hint(error, also)


def command_failed(
    spec: RunSpec, what: str, command: str, result: Exit, lines: Sequence[str]
) -> CalzionError:
    """A command that was run to its end, `what` being its part in the release."""
    facts = _facts(Phase.RELEASE, Sighting(spec=spec, lines=lines), result)
    return failed(facts, f"{what} failed ({result})", hint=MEND, about=[f"command: {command}"])


def _with_hint(error: CalzionError, also: str) -> CalzionError:
    error.hint = "\n".join(part for part in (error.hint, also) if part)
    return error


def _facts(phase: Phase, seen: Sighting, exit: Exit | None) -> Facts:
    spec = seen.spec
    return Facts(
        phase=phase,
        lines=seen.lines,
        service=spec.service,
        deployment=spec.deployment,
        exit=exit,
        port=None if spec.appliance else seen.number,
        port_variable=_variable(seen),
        listening=seen.listening,
        enclosed=seen.enclosed,
        path=seen.path,
        status=seen.status,
        variables=frozenset(name for name, value in spec.env.items() if value),
    )


def _about(seen: Sighting, listened: str) -> list[str]:
    number = seen.number
    if number is None:
        return []
    expected = f"expected on port {number} ({_variable(seen)})"
    if number in seen.listening:
        return [f"{expected}: it {listened} there" + (f"; {seen.reason}" if seen.reason else "")]
    if seen.listening:
        return [f"{expected}: it {listened} on {', '.join(map(str, seen.listening))} instead"]
    return [f"{expected}: nothing {listened} there"]


def _variable(seen: Sighting) -> str:
    return f"PORT_{variable_prefix(seen.port)}" if seen.port else "PORT"
