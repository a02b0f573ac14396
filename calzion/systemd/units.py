"""The units of an installation: one for each part, so that each is started again on its own, and a target. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from calzion.config import Address
from calzion.supervisor.command import PART_VARIABLE
from calzion.systemd.hardening import hardening
from calzion.systemd.installation import Installation
from calzion.systemd.unit import Unit, escaped, words

TARGET = "calzion.target"

_GOES_ON = (
    "KillMode=process: what this part has started serves on when it is stopped, and it finds it again at its next",
    "start. 'calzion stop --all' ends everything.",
)
_GRACE = 30
_ANYWHERE = ("0.0.0.0", "::", "127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, kw_only=True)
class _Part:
    """`after` are the parts without which it has nothing to do: waited for, but not ended with. `system` are units of
    the system that it waits for where they are started too."""

    about: str
    after: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    service: Mapping[str, str]
    notes: tuple[str, ...] = ()


def service_name(part: str) -> str:
    return f"calzion-{part}.service"


def units(installation: Installation) -> tuple[Unit, ...]:
    """Every unit file. Raises CalzionError (usage) where a path can't stand in one."""
    parts = _parts(installation)
    target = Unit(
        name=TARGET,
        data=installation.layout.data,
        sections={
            "Unit": {"Description": "Calzion", "Wants": " ".join(map(service_name, parts))},
            "Install": {"WantedBy": "multi-user.target" if installation.root else "default.target"},
        },
    )
    return (target, *(_unit(name, part, installation) for name, part in parts.items()))


def _parts(installation: Installation) -> dict[str, _Part]:
    # SIGHUP ends the router daemon at once and leaves HAProxy alone; SIGTERM would end both.
    host = _Part(
        about="processes of deployments",
        service={"KillMode": "process", "Delegate": "yes", "LimitNOFILE": "65536:1048576"},
        notes=_GOES_ON,
    )
    return {
        **({} if installation.docker else {"host": host}),
        "router": _Part(
            about="router",
            service={"KillMode": "process", "KillSignal": "SIGHUP", "LimitNOFILE": "65536"},
            notes=_GOES_ON,
        ),
        "reconciler": _Part(
            about="reconciler",
            after=("router",) if installation.docker else ("host", "router"),
            system=("docker.service",) if installation.docker else (),
            service={
                "KillMode": "mixed",
                "TimeoutStartSec": "300",
                "TimeoutStopSec": str(math.ceil(installation.drain) + _GRACE),
                "LimitNOFILE": "65536",
            },
        ),
        "controller": _Part(
            about="HTTP API",
            after=("reconciler",),
            # A child of the main process answers, and tells that it does.
            service={"KillMode": "mixed", "NotifyAccess": "all", "LimitNOFILE": "65536"},
        ),
        "sshd": _Part(
            about="pushes by SSH",
            after=("reconciler",),
            service={"KillMode": "mixed", "TimeoutStopSec": "45", "LimitNOFILE": "65536"},
            notes=_ABOUT_ROOT if installation.root else (),
        ),
    }


_ABOUT_ROOT = (
    "Its user is root, who owns DATA, and without any capability of root's: it is no more than the owner of the host",
    "keys and the repositories, which with the push socket is all that it sees of DATA.",
)


def _unit(name: str, part: _Part, installation: Installation) -> Unit:
    data = installation.layout.data
    address = {"router": installation.http, "sshd": installation.ssh}.get(name)
    network = "network-online.target" if _needs_network(address, installation) else ""
    others = " ".join(map(service_name, part.after))
    system = ("network.target", *part.system) if installation.root else ()
    after = " ".join(filter(None, (*system, network, others)))
    wants = " ".join(filter(None, (network, others)))
    return Unit(
        name=service_name(name),
        data=data,
        notes=part.notes,
        sections={
            "Unit": {
                "Description": f"Calzion: {part.about}",
                "PartOf": TARGET,
                **({"Wants": wants} if wants else {}),
                **({"After": after} if after else {}),
                "StartLimitIntervalSec": "300",
                "StartLimitBurst": "30",
            },
            "Service": {
                "Type": "notify",
                "ExecStart": words((*installation.program, "serve", name, "--data", data)),
                "Environment": f"{PART_VARIABLE}={name}",
                "EnvironmentFile": escaped(installation.variables),
                "Restart": "always",
                "RestartSec": "1",
                "TimeoutStartSec": "90",
                "TimeoutStopSec": str(_GRACE),
                # A process that is killed for its memory is not the end of the part that started it.
                "OOMPolicy": "continue",
                "TasksMax": "infinity",
                **part.service,
                **hardening(name, installation),
            },
        },
    )


def _needs_network(address: Address | None, installation: Installation) -> bool:
    """Whether an address has to be there before it can be listened at. A user's manager knows of no network."""
    return installation.root and address is not None and address.host not in _ANYWHERE
