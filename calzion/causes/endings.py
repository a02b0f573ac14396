"""What the end of a process, or the answer to its health check, tells by itself."""

from __future__ import annotations

from calzion.causes.cause import Cause
from calzion.causes.facts import Facts, Phase

_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
_SIGNALS = {
    "SIGSEGV": "it crashed in native code (segmentation fault)",
    "SIGILL": "it was compiled for another processor (illegal instruction)",
    "SIGBUS": "it crashed in native code (bus error)",
    "SIGABRT": "it aborted",
    "SIGKILL": "it was killed, which is mostly a lack of memory",
}
_STATUSES = {
    128 + 11: "SIGSEGV",
    128 + 4: "SIGILL",
    128 + 7: "SIGBUS",
    128 + 6: "SIGABRT",
    128 + 9: "SIGKILL",
}


def ended(facts: Facts) -> Cause | None:
    """A signal, or a shell's word for a command that can't be run."""
    if facts.exit is None:
        return None
    signal = facts.exit.signal or _STATUSES.get(facts.exit.status or 0, "")
    if signal in _SIGNALS:
        return Cause(_SIGNALS[signal], _signal_hint(signal))
    if facts.exit.status == _NOT_FOUND:
        return Cause("a command was not found", "see how it is spelled in the Procfile, and what brings it")
    if facts.exit.status == _NOT_EXECUTABLE:
        return Cause(
            "a command can't be executed", "commit the file as executable ('git update-index --chmod=+x')"
        )
    if facts.exit.status == 0 and facts.phase is Phase.START:
        return Cause(
            "it came to its end, and a process has to keep running",
            "let it stay in the foreground: no '&' at the end of its line, no daemon mode; what is done once belongs"
            " into 'release:'",
        )
    return None


def _signal_hint(signal: str) -> str:
    if signal == "SIGKILL":
        return "let it need less memory (fewer workers), or have whoever runs the server raise its limit"
    return "take other versions of its native dependencies, compiled for this machine and runtime"


def unhealthy(facts: Facts) -> Cause | None:
    """It runs, and does not answer as it should."""
    if facts.phase is not Phase.HEALTH:
        return None
    if facts.status is not None and facts.status >= 500:
        return Cause(
            f"{facts.path} answers {facts.status}",
            f"see its lines for the error; where {facts.path} may fail, set another path:"
            f" 'healthcheck: /healthz' of {facts.service}",
        )
    if facts.port is not None and facts.port in facts.listening:
        return Cause(
            f"it listens on port {facts.port}, and {facts.path or 'a connection'} gets no answer in time",
            f"give it longer ('healthcheck: {{path: {facts.path or '/'}, timeout: 20}}' of {facts.service}), or a"
            " path that answers at once",
        )
    return None


def silent(facts: Facts) -> Cause | None:
    """Nothing listens at all."""
    if facts.phase is not Phase.HEALTH or facts.port is None or facts.listening:
        return None
    return Cause(
        f"nothing listened on port {facts.port} (${facts.port_variable})",
        f"let it listen on the port that the variable {facts.port_variable} gives; where it only takes longer to start,"
        f" 'healthcheck: {{grace: 120}}' of {facts.service} waits for it",
    )
