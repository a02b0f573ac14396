"""What the engine tells of a container, as an instance. Pure."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from calzion.backends.docker.labels import DEPLOYMENT, INSTANCE, PROCESS, RELEASE, SERVICE, ports_of
from calzion.model import Exit, Instance, InstanceState

Inspected = Mapping[str, Any]
"""The answer of GET /containers/ID/json."""

_STATES = {
    "created": InstanceState.STARTING,
    "running": InstanceState.RUNNING,
    "paused": InstanceState.RUNNING,
    "restarting": InstanceState.WAITING,
    "removing": InstanceState.STOPPING,
    "exited": InstanceState.EXITED,
    "dead": InstanceState.EXITED,
}


def instance_of(container: Inspected, memory: int = 0) -> Instance:
    """The instance that a container of ours is. `memory` is in bytes."""
    labels, state = container["Config"]["Labels"], container["State"]
    observed = _STATES[state["Status"]]
    return Instance(
        id=labels[INSTANCE],
        deployment=labels[DEPLOYMENT],
        service=labels[SERVICE],
        process_type=labels[PROCESS],
        release=int(labels[RELEASE]),
        state=observed,
        ports=ports_of(labels),
        address=address_of(container),
        pid=pid_of(container),
        started=seconds(state["StartedAt"]),
        restarts=container["RestartCount"],
        exit=exit_of(state) if observed in (InstanceState.WAITING, InstanceState.EXITED) else None,
        memory=memory,
        needs_spec=_was_disturbed(container),
    )


def _was_disturbed(container: Inspected) -> bool:
    """Whether somebody stopped it, froze it or cut it off, which the engine itself won't undo."""
    state = container["State"]
    stopped = state["Status"] in ("created", "exited", "dead") or state["Paused"]
    return stopped or not container["NetworkSettings"]["Networks"]


def pid_of(container: Inspected) -> int | None:
    """The first process, as the engine's machine counts; None while none runs."""
    state = container["State"]
    return state["Pid"] or None if state["Running"] and not state["Restarting"] else None


def address_of(container: Inspected) -> str:
    """The container's address in the network of its deployment, '' while it has none."""
    networks = container["NetworkSettings"]["Networks"]
    return next((network["IPAddress"] for network in networks.values() if network["IPAddress"]), "")


def exit_of(state: Mapping[str, Any]) -> Exit:
    """How the last process ended. An engine tells 128 + n alike for signal n and for a program that returns it."""
    return exit_of_code(int(state["ExitCode"]), oom=bool(state["OOMKilled"]))


def exit_of_code(code: int, *, oom: bool = False) -> Exit:
    if code > 128 and code - 128 in {*signal.Signals}:
        return Exit(signal=signal.Signals(code - 128).name, oom=oom)
    return Exit(status=code, oom=oom)


def seconds(text: str) -> float:
    """A time of the engine's (RFC 3339, with nanoseconds) as seconds since the epoch; 0 for its 'never'."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    moment = datetime.fromisoformat(f"{whole}+00:00")
    return moment.timestamp() + float(f"0.{fraction or 0}") if moment.year > 1 else 0.0
