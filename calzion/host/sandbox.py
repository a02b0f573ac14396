"""Argument lists for bubblewrap and setpriv: what a sandboxed process sees, and as whom it runs.

Shared by builds and instances. Inside are the system's programs read-only, a minimal /etc, its own /proc and
/dev, and whatever the caller mounts; everything else, the data directory above all, does not exist.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

BUILD_UID = BUILD_GID = 170001
"""Whom builds run as where root runs Calzion. The group owns every slug; instances have it as a supplementary
group, so that they may change their own copy of the slug."""

APP = "/app"
RUNTIMES = "/opt/calzion"
"""Where programs that Calzion brings along (Node, a database server) are found inside."""

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_ROOT_NAMES = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC_NAMES = (
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "fonts",
    "gai.conf",
    "host.conf",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "pki",
    "protocols",
    "resolv.conf",
    "services",
    "ssl",
    "terminfo",
    "timezone",
)


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A path of the machine at `target` inside."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What of this machine every sandbox sees. `links` are symbolic links at the root (name, target)."""

    links: tuple[tuple[str, str], ...] = ()
    mounts: tuple[Mount, ...] = ()
    path: str = SYSTEM_PATH
    """The PATH inside."""

    @classmethod
    def look(cls, root: Path = Path("/"), prefix: Path = Path(sys.base_prefix)) -> Machine:
        """See what is there. `prefix` is an interpreter's; outside /usr it is visible at its own path."""
        links, mounts = [], [Mount(source=root / "usr", target="/usr")]
        for name in _ROOT_NAMES:
            directory = root / name
            if directory.is_symlink():
                links.append((f"/{name}", str(directory.readlink())))
            elif directory.is_dir():
                mounts.append(Mount(source=directory, target=f"/{name}"))
        mounts += [
            Mount(source=root / "etc" / name, target=f"/etc/{name}")
            for name in _ETC_NAMES
            if (root / "etc" / name).exists()
        ]
        path = SYSTEM_PATH
        if not prefix.is_relative_to("/usr"):
            mounts.append(Mount(source=prefix, target=str(prefix)))
            path = f"{SYSTEM_PATH}:{prefix}/bin"
        return cls(links=tuple(links), mounts=tuple(mounts), path=path)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Files that stand for /etc/passwd, /etc/group and /etc/hosts inside."""

    passwd: Path
    group: Path
    hosts: Path


def passwd_text(uid: int, gid: int, home: str = APP) -> str:
    """A passwd file in which the sandbox's user is `app`: programs refuse a uid without a name."""
    return (
        "root:x:0:0:root:/root:/usr/sbin/nologin\n"
        f"app:x:{uid}:{gid}:app:{home}:/bin/bash\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    )


def group_text(gid: int) -> str:
    """A group file with root, nogroup, the sandbox's own group and the group that owns slugs."""
    slugs = "" if gid == BUILD_GID else f"slug:x:{BUILD_GID}:app\n"
    return f"root:x:0:\napp:x:{gid}:\n{slugs}nogroup:x:65534:\n"


def hosts_text(hostname: str, names: Iterable[tuple[str, str]] = ()) -> str:
    """A hosts file: localhost, the machine's own name, then `names` as (name, address)."""
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    if hostname and hostname != "localhost":
        lines.append(f"127.0.1.1 {hostname}")
    lines += [f"{address} {name}" for name, address in names]
    return "\n".join(lines) + "\n"


def base_arguments(machine: Machine, identity: Identity) -> list[str]:
    """The bwrap options of every sandbox; the caller's mounts follow, then `SEAL`, then `--` and the command.

    The network is the machine's own. Users of the result add a /tmp.
    """
    arguments = ["--unshare-pid", "--unshare-ipc", "--new-session"]
    arguments += mount_arguments(machine.mounts)
    for name, target in machine.links:
        arguments += ["--symlink", target, name]
    arguments += mount_arguments(
        (
            Mount(source=identity.passwd, target="/etc/passwd"),
            Mount(source=identity.group, target="/etc/group"),
            Mount(source=identity.hosts, target="/etc/hosts"),
        )
    )
    arguments += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/dev/shm"]
    arguments += ["--perms", "0755", "--tmpfs", "/run", "--dir", "/var", "--symlink", "/tmp", "/var/tmp"]
    arguments += ["--symlink", "/run", "/var/run"]
    return arguments


def mount_arguments(mounts: Iterable[Mount]) -> list[str]:
    """The bwrap options of these mounts, in order, and of directories above them that anyone may enter."""
    arguments: list[str] = []
    made = set()
    for mount in mounts:
        for parent in reversed(PurePosixPath(mount.target).parents[:-1]):
            if parent not in made:
                made.add(parent)
                arguments += ["--dir", str(parent)]
        arguments += ["--bind" if mount.writable else "--ro-bind", str(mount.source), mount.target]
    return arguments


SEAL = ("--remount-ro", "/")
"""Given last: nothing can be added to the sandbox's own root."""


def user_namespace(uid: int, gid: int) -> list[str]:
    """The bwrap options by which someone who is not root appears inside as this user."""
    return ["--unshare-user", "--uid", str(uid), "--gid", str(gid)]


def drop_privileges(uid: int, gid: int, groups: Sequence[int] = ()) -> list[str]:
    """The command line that becomes this user for good and then runs what is appended to it."""
    supplementary = ["--groups", ",".join(map(str, groups))] if groups else ["--clear-groups"]
    return [
        "/usr/bin/setpriv",
        *("--reuid", str(uid), "--regid", str(gid)),
        *supplementary,
        *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"),
        "--",
    ]
