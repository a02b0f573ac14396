"""The one rule of the machine's firewall by which what containers send to services' addresses reaches the router."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable

from docker.errors import APIError

from calzion.backends.docker.engine import Engine, explain
from calzion.errors import CalzionError

_SECONDS = 20
_NAME = "calzion-redirect"
# `-C` fails where the rule is missing; `-w` waits for others that change the firewall at this moment.
_ENSURE = 'iptables -w -t nat -C PREROUTING "$@" 2>/dev/null || iptables -w -t nat -I PREROUTING "$@"'
_REMOVE = 'while iptables -w -t nat -D PREROUTING "$@" 2>/dev/null; do :; done'


def rule(bridges: str, services: str, port: int) -> list[str]:
    """iptables' words: whatever comes by one of our bridges for a service is for the router, which sees the target."""
    return ["-i", f"{bridges}+", "-d", services, "-p", "tcp", "-j", "REDIRECT", "--to-ports", str(port)]


def ensure_redirect(engine: Engine, image: Callable[[str], str], words: list[str]) -> None:
    """Have the rule in force: by this process where it may, else by the engine, which may always.

    Raises CalzionError (failed).
    """
    if problem := _run(engine, image, _ENSURE, words):
        raise CalzionError(
            f"containers can't reach services: the rule that leads them to the router was refused: {problem}",
            hint="see that iptables works on the machine of the engine: 'iptables -t nat -S PREROUTING'",
        )


def remove_redirect(engine: Engine, image: Callable[[str], str], words: list[str]) -> None:
    """Have the rule gone, where it can be reached."""
    _run(engine, image, _REMOVE, words)


def _run(engine: Engine, image: Callable[[str], str], script: str, words: list[str]) -> str:
    """What was said against it, '' where it worked."""
    command = ["/bin/sh", "-c", script, "sh", *words]
    return _run_here(command) if _may_run_here() else _run_there(engine, image("firewall"), command)


def _may_run_here() -> bool:
    return os.geteuid() == 0 and shutil.which("iptables") is not None


def _run_here(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit code {done.returncode}"


def _run_there(engine: Engine, image: str, command: list[str]) -> str:
    config = {
        "Image": image,
        "Entrypoint": command[:1],
        "Cmd": command[1:],
        "User": "0:0",
        "Labels": engine.labels(),
        "HostConfig": {"NetworkMode": "host", "CapDrop": ["ALL"], "CapAdd": ["NET_ADMIN", "NET_RAW"]},
    }
    try:
        container = engine.create_container(config, f"{_NAME}.{engine.installation}.{os.getpid()}")
        try:
            engine.api.start(container)
            code = engine.api.wait(container, timeout=_SECONDS)["StatusCode"]
            said = engine.api.logs(container).decode("utf-8", "replace").strip()
        finally:
            engine.api.remove_container(container, v=True, force=True)
    except APIError as error:
        return explain(error)
    return "" if code == 0 else said or f"exit code {code}"
