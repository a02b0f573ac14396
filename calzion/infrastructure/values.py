"""The values that keys of an infrastructure file hold. Every function raises Misfit with a whole sentence."""

from __future__ import annotations

import math
import re
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import BeforeValidator, PlainValidator

from calzion.infrastructure.declaration import MAX_COUNT, Target, Unit
from calzion.model import DeploymentName, Label, ServiceName
from calzion.template.data import Data, PlainScalar, described, shown
from calzion.template.problem import Misfit
from calzion.template.text import process_type, text
from calzion.template.values import emptied

LEAST_MEMORY = 6 << 20
"""Below it no container engine starts anything."""

_UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_MEMORY = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,3})?)([KMGT]?)i?")
_HOST = re.compile(
    r"(?:\*\.)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
_PORT = re.compile(r":([1-9][0-9]{0,4})")
_USER = re.compile(r"[A-Za-z0-9._@+-]{1,64}")
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}")
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@/-]*")
_MOST_HOST = 253

_Name = TypeVar("_Name", bound=Label)


def host_name(value: Data) -> str:
    name = text(value, "a domain such as example.com or *.example.com")
    if name.lower() != name:
        raise Misfit(f"{shown(name)} has capitals: write a domain in lower case")
    if not _HOST.fullmatch(name) or len(name) > _MOST_HOST:
        raise Misfit(
            f"{shown(name)} is no domain: write example.com, or *.example.com for every name right below it; "
            "no scheme, port or path, and letters beyond a to z in their xn-- form"
        )
    return name


def target(value: Data) -> Target:
    written = text(value, "DEPLOYMENT:SERVICE")
    deployment, colon, service = written.partition(":")
    if not colon:
        raise Misfit(f"{shown(written)} names no service: write DEPLOYMENT:SERVICE, such as {deployment}:web")
    return Target(_label(DeploymentName, deployment), _label(ServiceName, service))


def path_prefix(value: Data) -> str:
    """A path that begins with a slash; one at the end means the same as none."""
    path = text(value, "a path such as /api")
    parts = path.split("/")
    if not _PATH.fullmatch(path) or "//" in path or "." in parts or ".." in parts or len(path) > 1024:
        raise Misfit(
            f"{shown(path)} is no prefix of paths: it begins with '/' and holds letters, digits and '-._~'"
        )
    return path.rstrip("/") or "/"


def redirect(value: Data) -> str:
    """An address that goes before the path of what was asked for."""
    url = text(value, "an address such as https://example.com")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Misfit(f"{shown(url)} is no address") from None
    host = (parts.hostname or "").lower()
    sound = parts.scheme in ("http", "https") and _HOST.fullmatch(host) and not host.startswith("*")
    if not sound or parts.query or parts.fragment or "@" in parts.netloc or port == 0:
        raise Misfit(f"{shown(url)} is no address to redirect to: write one such as https://example.com")
    path = path_prefix(parts.path) if parts.path else "/"
    authority = host if port is None else f"{host}:{port}"
    return f"{parts.scheme}://{authority}{path.rstrip('/')}"


def user_name(value: Data) -> str:
    name = text(value, "a user's name")
    if not _USER.fullmatch(name):
        raise Misfit(f"{shown(name)} is no user's name: use letters, digits and '._@+-', at most 64")
    return name


def password_hash(value: Data) -> str:
    """Never repeats what was written: it may be the password."""
    written = value.text if isinstance(value, PlainScalar) else value
    if not isinstance(written, str) or not _BCRYPT.fullmatch(written):
        raise Misfit(
            "the bcrypt hash of a password is needed here, $2b$... with a cost of at most 14: "
            "'calzion domains password' prints one"
        )
    return written


def deployment_name(value: Data) -> DeploymentName:
    return _label(DeploymentName, text(value, "the name of a deployment"))


def port(value: Data) -> int:
    """`:5433`; the address is every one at which the router answers."""
    written = text(value, "a port such as ':5433'")
    found = _PORT.fullmatch(written)
    if not found or not 0 < int(found[1]) < 65536:
        raise Misfit(f"{shown(written)} is no port: write ':5433' in quotes, from 1 to 65535")
    return int(found[1])


def unit(value: Data) -> Unit:
    service, dot, kind = text(value, "a service, or SERVICE.TYPE").partition(".")
    return Unit(_label(ServiceName, service), process_type(kind) if dot else "")


def count(value: Data) -> int:
    number = value.whole() if isinstance(value, PlainScalar) else None
    if number is None or not 0 <= number <= MAX_COUNT:
        raise Misfit(f"a number of instances from 0 to {MAX_COUNT} is needed here, found {described(value)}")
    return number


def memory(value: Data) -> int:
    """Bytes."""
    written = value.text if isinstance(value, PlainScalar) else value
    found = _MEMORY.fullmatch(written) if isinstance(written, str) else None
    size = int(float(found[1]) * (1 << _UNITS[found[2]])) if found else 0
    if not LEAST_MEMORY <= size < 1 << 50:
        raise Misfit(f"memory is a size such as 512M or 1.5G, at least 6M; found {described(value)}")
    return size


def cpus(value: Data) -> float:
    number = value.number() if isinstance(value, PlainScalar) else None
    if number is None or not math.isfinite(number) or not 0.01 <= number <= 1024:
        raise Misfit(f"cpus is a number from 0.01 to 1024, such as 0.5; found {described(value)}")
    return number


def pids(value: Data) -> int:
    number = value.whole() if isinstance(value, PlainScalar) else None
    if number is None or not 16 <= number <= 1_000_000:
        raise Misfit(
            f"pids is a number of processes and threads from 16 to 1000000; found {described(value)}"
        )
    return number


def _label(kind: type[_Name], name: str) -> _Name:
    try:
        return kind.parse(name)
    except ValueError as error:
        raise Misfit(str(error)) from None


HostName = Annotated[str, PlainValidator(host_name)]
TargetText = Annotated[Target, PlainValidator(target)]
PathPrefix = Annotated[str, PlainValidator(path_prefix)]
Port = Annotated[int, PlainValidator(port)]
Redirect = Annotated[str, PlainValidator(redirect)]
UserName = Annotated[str, PlainValidator(user_name)]
PasswordHash = Annotated[str, PlainValidator(password_hash)]
Name = Annotated[DeploymentName, PlainValidator(deployment_name)]
UnitText = Annotated[Unit, PlainValidator(unit)]
Count = Annotated[int, PlainValidator(count)]
Memory = Annotated[int, PlainValidator(memory)]
Cpus = Annotated[float, PlainValidator(cpus)]
Pids = Annotated[int, PlainValidator(pids)]
OrEmpty = BeforeValidator(emptied)
