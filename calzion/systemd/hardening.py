"""What each part may do, as options of systemd.exec(5). Pure.

Two parts make sandboxes: `host` for instances, `reconciler` for builds. What is denied to them is denied to every app,
for namespaces, filters of system calls and device rules are inherited; so they are confined by bounds alone that no
app notices. The other three make none.
"""

from __future__ import annotations

from collections.abc import Mapping

from calzion.layout import Layout
from calzion.systemd.installation import Installation
from calzion.systemd.unit import escaped, words

Options = Mapping[str, str]

SANDBOXING = (
    *("CAP_SYS_ADMIN", "CAP_SYS_CHROOT", "CAP_SETPCAP", "CAP_SETUID", "CAP_SETGID", "CAP_SETFCAP"),
    *("CAP_CHOWN", "CAP_FOWNER", "CAP_FSETID", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_MKNOD"),
    *("CAP_KILL", "CAP_SYS_PTRACE", "CAP_SYS_RESOURCE", "CAP_NET_BIND_SERVICE"),
)
"""Namespaces and overlays, users and groups of sandboxes, files of any owner, limits, and looking into processes."""

ROUTING = ("CAP_NET_BIND_SERVICE", "CAP_SETUID", "CAP_SETGID", "CAP_SYS_CHROOT", "CAP_KILL")
"""A port below 1024, and HAProxy that becomes nobody in an empty root directory, which still can be ended."""

_FILTERED = {
    "LockPersonality": "yes",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "SystemCallArchitectures": "native",
    "SystemCallErrorNumber": "EPERM",
    "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6",
}


def hardening(part: str, installation: Installation) -> Options:
    """The options of a part."""
    if not installation.root:
        return _of_a_user(part)
    options = {"host": _sandboxing, "reconciler": _sandboxing, "router": _routing}
    return options.get(part, _ssh if part == "sshd" else _api)(installation)


def _of_a_user(part: str) -> Options:
    """A user's manager can't hide files without a user namespace, in which no sandbox can be made. And where
    bubblewrap is setuid, a sandbox needs new privileges."""
    if part in ("host", "reconciler"):
        return {}
    return {"NoNewPrivileges": "yes", **_FILTERED, "SystemCallFilter": "@system-service"}


def _sandboxing(installation: Installation) -> Options:
    # Homes can hold what builds are told of: settings of pip and npm, interpreters.
    return {
        **_files(installation),
        "ProtectHome": "read-only",
        "ProtectKernelLogs": "yes",
        "ProtectKernelModules": "yes",
        "CapabilityBoundingSet": " ".join(SANDBOXING),
        **(_engine(installation) if installation.docker else {}),
    }


def _engine(installation: Installation) -> Options:
    """Whoever may ask an engine for containers may do anything. Here it needs the firewall, with its lock in /run."""
    return {
        "ReadWritePaths": f"{_files(installation)['ReadWritePaths']} /run",
        "CapabilityBoundingSet": " ".join((*SANDBOXING, "CAP_NET_ADMIN", "CAP_NET_RAW")),
    }


def _routing(installation: Installation) -> Options:
    return {
        **_files(installation),
        **_confined(),
        "CapabilityBoundingSet": " ".join(ROUTING),
        "SystemCallFilter": "@system-service chroot",
    }


def _api(installation: Installation) -> Options:
    """It answers on a unix socket for root alone, and reads and writes what is root's own."""
    return {
        **_files(installation),
        **_confined(),
        "ProtectProc": "invisible",
        "CapabilityBoundingSet": "",
        "SystemCallFilter": "@system-service",
    }


def _ssh(installation: Installation) -> Options:
    """It faces the network, so of DATA it sees what it needs alone: not the store, not its key, not the sockets by
    which the host daemon starts processes. And of /run nothing, where the manager's own sockets are."""
    layout = installation.layout
    port = ("CAP_NET_BIND_SERVICE",) if installation.ssh.port < 1024 else ()
    return {
        **_files(installation, data=False),
        **_confined(),
        "ProtectProc": "invisible",
        "TemporaryFileSystem": f"{escaped(layout.data)}:mode=0700 /run:ro",
        "BindPaths": words(layout.of_sshd),
        "BindReadOnlyPaths": f"{_read_only(layout)} -/run/systemd/notify",
        "InaccessiblePaths": "-/etc/shadow -/etc/gshadow -/etc/ssh -/etc/ssl/private",
        "CapabilityBoundingSet": " ".join(port),
        "SystemCallFilter": "@system-service",
    }


def _read_only(layout: Layout) -> str:
    return words((layout.data / "backend",)) + " -" + escaped(layout.data / "calzion.toml")


def _files(installation: Installation, *, data: bool = True) -> dict[str, str]:
    """Nothing of the system may be written to but what Calzion keeps; homes are hidden where it is not in one."""
    temporary = installation.uses("/tmp", "/var/tmp")
    homes = installation.uses("/home", "/root", "/run/user")
    writable = (*(installation.written if data else ()), *(("/tmp", "/var/tmp") if temporary else ()))
    return {
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        **({"ReadWritePaths": words(writable)} if writable else {}),
        "ProtectHome": "read-only" if homes else "yes",
        "PrivateTmp": "no" if temporary else "yes",
    }


def _confined() -> dict[str, str]:
    return {
        "PrivateDevices": "yes",
        "ProtectClock": "yes",
        "ProtectControlGroups": "yes",
        "ProtectHostname": "yes",
        "ProtectKernelLogs": "yes",
        "ProtectKernelModules": "yes",
        "ProtectKernelTunables": "yes",
        **_FILTERED,
    }
