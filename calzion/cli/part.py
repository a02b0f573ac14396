"""What Calzion's own processes run: the supervisor, or one part. Light: no parsing of a command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from calzion.backends.choice import DOCKER
from calzion.config import Settings, find_config_file, load
from calzion.errors import CalzionError
from calzion.supervisor.command import PART_VARIABLE, READY_VARIABLE, SUPERVISOR, part_command, program
from calzion.supervisor.data import prepare
from calzion.supervisor.notify import notifier
from calzion.supervisor.takeover import take_over

PARTS = ("host", "router", "reconciler", "controller", "sshd")


def run_own_part(part: str, arguments: list[str], environ: MutableMapping[str, str], uid: int) -> int:
    """Be the part that the environment names: a child of the supervisor, which hands every setting over, or else
    started by a service manager, with some of them."""
    notify = notifier(environ)
    if part == SUPERVISOR:
        settings = load({}, environ, None, uid)
        return supervise(settings, environ, notify, ephemeral="--ephemeral" in arguments)
    if READY_VARIABLE in environ:
        ready = ready_on(environ.pop(READY_VARIABLE))
        return run_part(part, load({}, environ, None, uid), ready, environ)
    settings = load({}, environ, find_config_file({}, environ, uid), uid)
    _prepare(part, settings, environ)
    take_over(part, settings.layout)
    return run_part(part, settings, lambda facts: notify(_readiness(facts)), environ)


def run_part(
    part: str,
    settings: Settings,
    ready: Callable[[dict[str, object]], None],
    environ: Mapping[str, str],
) -> int:
    """Run one part until it ends; returns its exit status."""
    _prepare(part, settings, environ)
    from calzion import wiring

    status: int = wiring.run_part(part, settings, ready, environ)
    return status


def _prepare(part: str, settings: Settings, environ: Mapping[str, str]) -> None:
    """sshd needs, and may have been given, its own directories of DATA alone."""
    if part != "sshd":
        prepare(settings, environ)


def supervise(
    settings: Settings, environ: Mapping[str, str], notify: Callable[[str], None], ephemeral: bool
) -> int:
    """Run every part until a signal ends it; `notify` tells a service manager that all are up.

    Raises CalzionError where a supervisor runs already or a part does not start.
    """
    from calzion.supervisor import lock
    from calzion.supervisor.announce import ready_line
    from calzion.supervisor.supervisor import Supervisor, stages

    backend = prepare(settings, environ)
    if lock.acquire(settings.layout.run / "serve.lock") is None:
        raise _already_running(settings, lock.holder(settings.layout.run / "serve.lock"))

    if backend == DOCKER:
        _build_images(settings, environ)

    def announce(said: Mapping[str, Any]) -> str:
        sshd = said.get("sshd", {})
        line = ready_line(
            ssh=settings.ssh,
            http=settings.http,
            domain=settings.domain,
            fingerprint=str(sshd.get("fingerprint", "")),
            data=settings.data,
        )
        notify(f"READY=1\nSTATUS={line}")
        return f"{line}\n !     {sshd['unprotected']}" if "unprotected" in sshd else line

    def say(line: str) -> None:
        with suppress(OSError):
            print(line, flush=True)

    Supervisor(
        layout=settings.layout,
        command=lambda part: part_command(part.name, settings.data, part.outlives, environ),
        environ=environ,
        say=say,
        stages=stages(backend, settings.without.names),
    ).run(announce)
    if ephemeral:
        _stop_everything(settings, environ)
    return 0


def part_environment(
    environ: Mapping[str, str], part: str, settings_variables: Mapping[str, str]
) -> dict[str, str]:
    """The environment of one of Calzion's own processes."""
    return {**environ, **settings_variables, PART_VARIABLE: part}


def _already_running(settings: Settings, pid: int | None) -> CalzionError:
    who = f" (pid {pid})" if pid else ""
    return CalzionError(
        f"calzion serve runs already for {settings.data}{who}",
        code="conflict",
        hint="end it with 'calzion stop', or choose another directory with --data",
    )


def _build_images(settings: Settings, environ: Mapping[str, str]) -> None:
    """Have what containers are made of, in a process of its own, so that this one stays small.

    What can't be built is said, and what runs goes on.
    """
    command = [*program(), "images", "build", "--quiet", "--data", str(settings.data)]
    own = {name: value for name, value in environ.items() if name != PART_VARIABLE}
    subprocess.run(command, env=own, stdout=sys.stderr.fileno(), stdin=subprocess.DEVNULL, check=False)


def _stop_everything(settings: Settings, environ: Mapping[str, str]) -> None:
    from calzion import wiring

    # The host daemon and the router may be our children: let the kernel reap them, so that their end is seen.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    wiring.stop_everything(settings, environ)


def _readiness(facts: Mapping[str, object]) -> str:
    told = ", ".join(f"{name} {fact}" for name, fact in facts.items())
    return "READY=1" + (f"\nSTATUS={told}" if told else "")


def ready_on(text: str) -> Callable[[dict[str, object]], None]:
    """What tells our supervisor, through the inherited descriptor of that number, that we are ready."""
    descriptor = int(text)
    os.set_inheritable(descriptor, False)

    def ready(facts: dict[str, object]) -> None:
        # A supervisor that is gone by now is no reason for the part to fail.
        with suppress(OSError):
            os.write(descriptor, json.dumps({"ready": True, **facts}).encode() + b"\n")
            os.close(descriptor)

    return ready
