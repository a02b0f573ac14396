"""Settings: flag, variable, file, default, in this order; all problems reported at once."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calzion.configfile import NAME, read_config_file
from calzion.errors import CalzionError
from calzion.layout import Layout
from calzion.registryurl import RegistryUrl

OFF = "off"

_PASSWORD = re.compile(r"(://[^:/@]*:)[^@]*(?=@)|([?&]password=)[^&]*")

MAX_SOCKET_PATH = 107
"""Bytes that Linux takes for a unix socket's path (sun_path, without its final NUL)."""


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class SearchPath:
    directories: tuple[Path, ...]

    def __str__(self) -> str:
        return os.pathsep.join(map(str, self.directories))


@dataclass(frozen=True)
class PortRange:
    """From `first` to `last`; none where that is smaller."""

    first: int
    last: int

    def __contains__(self, port: object) -> bool:
        return isinstance(port, int) and self.first <= port <= self.last

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.last + 1))

    def __str__(self) -> str:
        return f"{self.first}-{self.last}" if self.last >= self.first else ""


NO_PORTS = PortRange(1, 0)

MOST_PORTS = 256


@dataclass(frozen=True)
class Networks:
    each: tuple[str, ...]

    def __str__(self) -> str:
        return ",".join(self.each)


@dataclass(frozen=True)
class PartNames:
    names: frozenset[str]

    def __str__(self) -> str:
        return ",".join(sorted(self.names))


@dataclass(frozen=True)
class Settings:
    """What is in force. `origins` tells for each setting where its value came from."""

    data: Path
    backend: str
    container_network: str
    ssh: Address
    api: Address | None
    http: Address
    tcp_ports: PortRange
    domain: str
    store: str
    registry: RegistryUrl
    advertise: Address | None
    trusted_routers: Networks
    build_parallel: int
    build_timeout: float
    build_memory: int
    build_log: int
    ssh_handshake_timeout: float
    ssh_login_timeout: float
    ssh_idle_timeout: float
    ssh_connections: int
    ssh_address_connections: int
    ssh_key_connections: int
    ssh_strangers: int
    ssh_address_strangers: int
    ssh_tries: int
    ssh_sessions: int
    ssh_packet: int
    ssh_login_packet: int
    push_size: int
    template_size: int
    source_files: int
    source_size: int
    source_path: int
    python_downloads: str
    boot_timeout: float
    drain_timeout: float
    keep_releases: int
    allow_privileged: str
    search_path: SearchPath
    without: PartNames
    origins: Mapping[str, str]

    @property
    def layout(self) -> Layout:
        return Layout(self.data)


@dataclass(frozen=True)
class Setting:
    """One documented setting: its name is the flag's, the file's and, in capitals, the variable's."""

    name: str
    default: str
    meaning: str
    parse: Callable[[str], Any]
    number: bool = False
    """Whether a file may write it without quotes."""
    secret: bool = False
    """Whether it may have a password in it, so that parts which face the network are not told."""

    @property
    def variable(self) -> str:
        return "CALZION_" + self.name.upper().replace("-", "_")

    def shown(self, value: str) -> str:
        """The value for people and for records: without the password that a URL may have."""
        return _PASSWORD.sub(lambda found: f"{found[1] or found[2]}***", value) if self.secret else value


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is no HOST:PORT")
    return Address(host.strip("[]") or "0.0.0.0", int(port))


def _address_or_off(text: str) -> Address | None:
    return None if text == OFF else _address(text)


def _ports(text: str) -> PortRange:
    if not text:
        return NO_PORTS
    match = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 0 < first <= last < 65536 or last - first >= MOST_PORTS:
        raise ValueError(f"{text!r} is no range such as 30000-30019, of at most {MOST_PORTS} ports")
    return PortRange(first, last)


def _own_address(text: str) -> Address | None:
    address = _address_or_off(text)
    if address and (ipaddress.ip_address(address.host).is_unspecified or text.startswith(":")):
        raise ValueError(f"{text!r}: others can't reach this machine at that address")
    return address


def _networks(text: str) -> Networks:
    return Networks(
        tuple(str(ipaddress.ip_network(each.strip())) for each in text.split(",") if each.strip())
    )


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _search_path(text: str) -> SearchPath:
    return SearchPath(tuple(_path(each) for each in text.split(os.pathsep) if each))


def _domain(text: str) -> str:
    if not re.fullmatch(
        r"(?=.{1,190}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", text
    ):
        raise ValueError(f"{text!r} is no domain name")
    return text


def _network(text: str) -> str:
    network = ipaddress.ip_network(text)
    if network.version != 4 or not 8 <= network.prefixlen <= 16:
        raise ValueError(f"{text!r} is no IPv4 range from /8 to /16, such as 10.208.0.0/12")
    return str(network)


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"{text!r} is not one of {', '.join(allowed)}")
        return text

    return parse


def _parts(text: str) -> PartNames:
    names = frozenset(each.strip() for each in text.split(",") if each.strip())
    if unknown := sorted(names - {"router", "sshd"}):
        raise ValueError(f"{unknown[0]!r} is not one of router, sshd")
    return PartNames(names)


def _whole(most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or len(text) > 9 or not 0 < int(text) <= most:
            raise ValueError(f"{text!r} is no whole number from 1 to {most}")
        return int(text)

    return parse


_count = _whole(9999)


def _seconds(text: str) -> float:
    try:
        value = float(text.removesuffix("s"))
    except ValueError:
        value = -1.0
    if not 0 < value <= 86_400:
        raise ValueError(f"{text!r} is no number of seconds from 0 to 86400")
    return value


def _idle_seconds(text: str) -> float:
    if (value := _seconds(text)) < 10:
        raise ValueError(f"{text!r} is less than 10 seconds; a git that works says something every 5")
    return value


def _size(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,12})([KMGT]?)", text.upper())
    if not match or not int(match[1]):
        raise ValueError(f"{text!r} is no size such as 512M or 2G")
    factor: int = 1024 ** " KMGT".index(match[2] or " ")
    return int(match[1]) * factor


def _packet(text: str) -> int:
    if not 35_000 <= (size := _size(text)) <= 1 << 18:
        raise ValueError(f"{text!r} is no size from 35000, which every client may use, to 256K")
    return size


def _store(text: str) -> str:
    if text and not text.startswith(("sqlite:///", "postgresql://")):
        raise ValueError("it is neither sqlite:///PATH nor postgresql://USER:PASSWORD@HOST/DATABASE")
    return text


def default_data(uid: int, home: str) -> str:
    return "/var/lib/calzion" if uid == 0 else f"{home}/.local/share/calzion"


SETTINGS: tuple[Setting, ...] = (
    Setting("data", "", "directory of everything Calzion keeps", _path),
    Setting(
        "backend",
        "auto",
        "what runs the services: auto, process, docker",
        _choice("auto", "process", "docker"),
    ),
    Setting(
        "container-network",
        "10.208.0.0/12",
        "addresses of containers and of their services (backend docker)",
        _network,
    ),
    Setting("ssh", "0.0.0.0:2222", "where pushes arrive", _address),
    Setting(
        "api",
        "127.0.0.1:4000",
        "where the API answers those with a token, while there is one: HOST:PORT, or off",
        _address_or_off,
    ),
    Setting("http", "0.0.0.0:8080", "where the router answers", _address),
    Setting(
        "tcp-ports",
        "",
        "ports that an infrastructure file may lead to services, such as 30000-30019",
        _ports,
        number=True,
    ),
    Setting("domain", "localhost", "deployments are reached as SERVICE.DEPLOYMENT.DOMAIN", _domain),
    Setting(
        "store",
        "",
        "the database: sqlite:///PATH, or postgresql://USER:PASSWORD@HOST/DATABASE",
        _store,
        secret=True,
    ),
    Setting(
        "registry",
        "embedded",
        "where instances are registered: embedded, etcd://HOST:PORT[,HOST:PORT][/PREFIX] (etcds:// for TLS)",
        RegistryUrl.parse,
        secret=True,
    ),
    Setting(
        "advertise",
        OFF,
        "where routers on other machines reach this one's, which are told so in etcd: IP:PORT, or off",
        _own_address,
    ),
    Setting(
        "trusted-routers",
        "",
        "addresses and networks of those routers, whose word on a request's client is taken",
        _networks,
    ),
    Setting("build-parallel", "2", "builds that run at the same time", _count, number=True),
    Setting("build-timeout", "900", "seconds a build may take", _seconds, number=True),
    Setting("build-memory", "2G", "memory a build may take", _size, number=True),
    Setting("build-log", "8M", "bytes of a build's output that are shown and kept", _size, number=True),
    Setting(
        "ssh-handshake-timeout",
        "10",
        "seconds that an SSH client has for the key exchange",
        _seconds,
        number=True,
    ),
    Setting("ssh-login-timeout", "60", "seconds that it has to log in", _seconds, number=True),
    Setting("ssh-idle-timeout", "900", "seconds without anything sent or taken", _idle_seconds, number=True),
    Setting("ssh-connections", "500", "connections at the same time", _count, number=True),
    Setting("ssh-address-connections", "250", "of these, from one address", _count, number=True),
    Setting("ssh-key-connections", "100", "of these, with one key", _count, number=True),
    Setting("ssh-strangers", "200", "connections that have not logged in yet", _count, number=True),
    Setting("ssh-address-strangers", "64", "of these, from one address", _count, number=True),
    Setting("ssh-tries", "8", "keys that a connection may try", _whole(9), number=True),
    Setting("ssh-sessions", "10", "sessions that share a connection", _count, number=True),
    Setting("ssh-packet", "256K", "bytes of an SSH packet", _packet, number=True),
    Setting("ssh-login-packet", "35000", "bytes of an SSH packet before the login", _packet, number=True),
    Setting("push-size", "2G", "bytes that one push may bring, packed by git", _size, number=True),
    Setting(
        "template-size",
        "1M",
        "bytes that a template, or a file that it includes, may have",
        _size,
        number=True,
    ),
    Setting(
        "source-files",
        "200000",
        "files and directories that the code of a service may have",
        _whole(10_000_000),
        number=True,
    ),
    Setting(
        "source-size", "4G", "bytes that all files of a service's code may have together", _size, number=True
    ),
    Setting(
        "source-path", "2000", "bytes that a path in a service's code may have", _whole(4000), number=True
    ),
    Setting(
        "python-downloads",
        "no",
        "whether uv may download a Python that an app asks for: yes, no",
        _choice("yes", "no"),
    ),
    Setting("boot-timeout", "60", "seconds a new instance has to become healthy", _seconds, number=True),
    Setting("drain-timeout", "30", "seconds old instances may finish their requests", _seconds, number=True),
    Setting(
        "keep-releases",
        "10",
        "releases of a deployment, besides the current one, to go back to",
        _count,
        number=True,
    ),
    Setting(
        "allow-privileged",
        "no",
        "whether templates may have 'privileged: true', which gives a container the whole machine: yes, no",
        _choice("yes", "no"),
    ),
    Setting(
        "search-path", "", "where 'calzion deploy' looks for code that the repository lacks", _search_path
    ),
    Setting("without", "", "parts that 'calzion serve' leaves to others: router, sshd", _parts),
)


def load(
    flags: Mapping[str, str | None], environ: Mapping[str, str], file: Path | None, uid: int
) -> Settings:
    """Read the settings. Raises CalzionError (usage) that lists every problem."""
    given, problems = read_config_file(file, _NAMES, _NUMBERS) if file else ({}, [])
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for setting in SETTINGS:
        text, origins[setting.name] = _find(setting, flags, environ, given, file)
        if setting.name == "data" and not text:
            text = default_data(uid, environ.get("HOME", "/"))
        try:
            values[setting.name.replace("-", "_")] = setting.parse(text)
        except ValueError as error:
            problems.append(f"{setting.name} ({origins[setting.name]}): {error}")
    if not problems:
        problems = _socket_problems(values["data"])
    if problems:
        raise CalzionError(
            "these settings can't be used:", code="usage", detail=problems, hint="see 'calzion config --help'"
        )
    values["store"] = values["store"] or f"sqlite:///{Layout(values['data']).database}"
    return Settings(**values, origins=origins)


_NAMES = tuple(setting.name for setting in SETTINGS)
_NUMBERS = frozenset(setting.name for setting in SETTINGS if setting.number)


def find_config_file(flags: Mapping[str, str | None], environ: Mapping[str, str], uid: int) -> Path | None:
    """The file that CALZION_CONFIG names, else calzion.toml in DATA where there is one."""
    if named := environ.get("CALZION_CONFIG"):
        return _path(named)
    data = flags.get("data") or environ.get("CALZION_DATA") or default_data(uid, environ.get("HOME", "/"))
    file = _path(data) / NAME
    return file if os.access(file, os.R_OK) else None


def example_file(uid: int, environ: Mapping[str, str]) -> Iterator[str]:
    """The lines of a calzion.toml in which every setting stands as a comment, with its default."""
    yield "# Settings of Calzion. A flag, or a variable such as CALZION_DOMAIN, goes before what stands here."
    for setting in SETTINGS:
        value = setting.default
        if setting.name == "data":
            value = default_data(uid, environ.get("HOME", "/"))
        yield f"\n# {setting.meaning}"
        yield f"# {setting.name} = {value if value.isdigit() else json.dumps(value)}"


def _find(
    setting: Setting,
    flags: Mapping[str, str | None],
    environ: Mapping[str, str],
    given: Mapping[str, str],
    file: Path | None,
) -> tuple[str, str]:
    flag = flags.get(setting.name)
    if flag is not None:
        return flag, f"--{setting.name}"
    if setting.variable in environ:
        return environ[setting.variable], setting.variable
    if setting.name in given:
        return given[setting.name], str(file)
    return setting.default, "default"


def _socket_problems(data: Path) -> list[str]:
    longest = Layout(data).door_socket
    if len(os.fsencode(longest)) > MAX_SOCKET_PATH:
        return [f"data: {data} is too long for unix sockets below it; choose a path of at most 80 characters"]
    return []
