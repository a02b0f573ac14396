"""Which units an installation has, and what they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from calzion.config import Address
from calzion.layout import Layout
from calzion.systemd import manager
from calzion.systemd.installation import Installation
from calzion.systemd.unit import Unit
from calzion.systemd.units import units

INSTALLATION = Installation(
    layout=Layout(Path("/var/lib/calzion")),
    program=("/opt/calzion/bin/python", "-P", "/opt/calzion/lib/calzion/__main__.py"),
    code=(Path("/opt/calzion"), Path("/usr")),
    store=Path("/var/lib/calzion"),
    ssh=Address("0.0.0.0", 22),
    http=Address("0.0.0.0", 80),
    drain=30.0,
    root=True,
    docker=False,
)
USERS = replace(INSTALLATION, layout=Layout(Path("/home/ann/.local/share/calzion")), root=False)


def made(installation: Installation) -> dict[str, Unit]:
    return {unit.name.partition(".")[0].removeprefix("calzion-"): unit for unit in units(installation)}


def service(part: str, installation: Installation = INSTALLATION) -> dict[str, str | tuple[str, ...]]:
    return dict(made(installation)[part].sections["Service"])


def test_the_target_wants_every_part_and_starts_with_the_machine() -> None:
    parts = ("host", "router", "reconciler", "controller", "sshd")
    assert made(INSTALLATION)["calzion"].sections == {
        "Unit": {"Description": "Calzion", "Wants": " ".join(f"calzion-{part}.service" for part in parts)},
        "Install": {"WantedBy": "multi-user.target"},
    }
    assert list(made(INSTALLATION)) == ["calzion", *parts]
    assert made(USERS)["calzion"].sections["Install"] == {"WantedBy": "default.target"}


def test_parts_wait_for_those_they_ask_and_end_without_them() -> None:
    unit = made(INSTALLATION)["reconciler"].sections["Unit"]
    assert unit == {
        "Description": "Calzion: reconciler",
        "PartOf": "calzion.target",
        "Wants": "calzion-host.service calzion-router.service",
        "After": "network.target calzion-host.service calzion-router.service",
        "StartLimitIntervalSec": "300",
        "StartLimitBurst": "30",
    }


def test_an_engine_is_host_enough() -> None:
    docker = replace(INSTALLATION, docker=True)
    assert list(made(docker)) == ["calzion", "router", "reconciler", "controller", "sshd"]
    unit = made(docker)["reconciler"]
    assert unit.sections["Unit"]["Wants"] == "calzion-router.service"
    assert unit.sections["Unit"]["After"] == "network.target docker.service calzion-router.service"
    assert unit.sections["Service"]["ReadWritePaths"] == "/var/lib/calzion /run"
    assert str(unit.sections["Service"]["CapabilityBoundingSet"]).endswith("CAP_NET_ADMIN CAP_NET_RAW")


def test_a_users_host_is_confined_by_nothing_that_its_sandboxes_would_inherit() -> None:
    assert service("host", USERS) == {
        "Type": "notify",
        "ExecStart": "/opt/calzion/bin/python -P /opt/calzion/lib/calzion/__main__.py serve host "
        "--data /home/ann/.local/share/calzion",
        "Environment": "CALZION_PART=host",
        "EnvironmentFile": "/home/ann/.local/share/calzion/units.env",
        "Restart": "always",
        "RestartSec": "1",
        "TimeoutStartSec": "90",
        "TimeoutStopSec": "30",
        "OOMPolicy": "continue",
        "TasksMax": "infinity",
        "KillMode": "process",
        "Delegate": "yes",
        "LimitNOFILE": "65536:1048576",
    }


@pytest.mark.parametrize("part", ["host", "reconciler"])
def test_what_makes_sandboxes_denies_them_no_namespace_no_system_call_and_no_device(part: str) -> None:
    options = service(part)
    denied = ("Restrict", "SystemCall", "Device", "PrivateDevices", "PrivateUsers", "ProtectKernelTunables")
    assert not [name for name in options if name.startswith(denied)]
    assert "CAP_SYS_ADMIN" in str(options["CapabilityBoundingSet"]) and options["ProtectSystem"] == "strict"


def test_what_faces_the_network_has_one_capability_and_sees_its_own_files() -> None:
    options = service("sshd")
    assert options["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"
    assert options["TemporaryFileSystem"] == "/var/lib/calzion:mode=0700 /run:ro"
    assert (
        options["BindPaths"] == "/var/lib/calzion/ssh /var/lib/calzion/repositories /var/lib/calzion/run/push"
    )
    assert "ReadWritePaths" not in options
    high = replace(INSTALLATION, ssh=Address("0.0.0.0", 2222))
    assert service("sshd", high)["CapabilityBoundingSet"] == ""


def test_what_serves_deployments_outlives_its_unit() -> None:
    kill = {part: service(part)["KillMode"] for part in list(made(INSTALLATION))[1:]}
    assert kill == {
        "host": "process",
        "router": "process",
        "reconciler": "mixed",
        "controller": "mixed",
        "sshd": "mixed",
    }
    assert service("router")["KillSignal"] == "SIGHUP"


def test_homes_and_temporary_files_are_hidden_unless_calzion_is_there() -> None:
    hidden = service("controller")
    assert (hidden["ProtectHome"], hidden["PrivateTmp"]) == ("yes", "yes")
    assert hidden["ReadWritePaths"] == "/var/lib/calzion"
    there = replace(
        INSTALLATION, layout=Layout(Path("/tmp/try")), store=Path("/tmp/try"), code=(Path("/root/calzion"),)
    )
    seen = service("controller", there)
    assert (seen["ProtectHome"], seen["PrivateTmp"]) == ("read-only", "no")
    assert seen["ReadWritePaths"] == "/tmp/try /tmp /var/tmp"


def test_a_store_elsewhere_can_be_written_to() -> None:
    elsewhere = replace(INSTALLATION, store=Path("/srv/store"))
    assert service("controller", elsewhere)["ReadWritePaths"] == "/var/lib/calzion /srv/store"


def test_an_address_of_one_network_waits_for_it() -> None:
    bound = replace(INSTALLATION, http=Address("192.0.2.7", 80))
    section = made(bound)["router"].sections["Unit"]
    assert section["Wants"] == "network-online.target"
    assert section["After"] == "network.target network-online.target"
    assert "Wants" not in made(INSTALLATION)["router"].sections["Unit"]


def test_a_user_asks_the_users_manager() -> None:
    assert manager.enabling(root=False) == [
        ["systemctl", "--user", "daemon-reload"],
        ["systemctl", "--user", "enable", "calzion.target"],
    ]
    upper = ["calzion-sshd.service", "calzion-controller.service", "calzion-reconciler.service"]
    lower = ["calzion-host.service", "calzion-router.service"]
    names = ["calzion.target", *lower, *upper]
    assert manager.stopping(True, names, everything=False) == ["systemctl", "stop", *upper]
    assert manager.stopping(True, names, everything=True) == ["systemctl", "stop", *names]
    assert manager.starting(True, names) == ["systemctl", "restart", *names]
    assert manager.unit_directory(False, {"HOME": "/home/ann"}) == Path("/home/ann/.config/systemd/user")
    assert manager.unit_directory(True, {}) == Path("/etc/systemd/system")
