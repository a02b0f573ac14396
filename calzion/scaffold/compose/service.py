"""One service of a Compose file -> the keys of a service."""

from __future__ import annotations

from typing import Any

from calzion.scaffold.compose.command import app_command, command_keys
from calzion.scaffold.compose.context import Owner
from calzion.scaffold.compose.duration import duration
from calzion.scaffold.compose.environment import environment
from calzion.scaffold.compose.health import healthcheck
from calzion.scaffold.compose.leftover import say_left
from calzion.scaffold.compose.ports import port_keys, port_numbers
from calzion.scaffold.compose.reading import scalar, scalars
from calzion.scaffold.compose.source import source_keys
from calzion.scaffold.compose.volumes import code_roots, moved, volumes
from calzion.scaffold.dockerfile import workdirs
from calzion.scaffold.images import is_appliance, last_part
from calzion.scaffold.listening import is_told, on_port
from calzion.template.data import Data

_ROUTERS = ("traefik.", "caddy", "com.docker.", "org.label-schema.", "org.opencontainers.")


def service_keys(service: dict[str, Data], owner: Owner) -> dict[str, Any]:
    """The keys in the order of a template; empty where nothing says where the service's code comes from."""
    keys: dict[str, Any] = dict(source_keys(service, owner))
    if not keys:
        return {}
    image = keys.get("image", "")
    env = environment(service, owner)
    roots = _code_roots(service, keys.get("git"), owner)
    numbers = port_numbers(service, owner)
    check = {} if is_appliance(image) else healthcheck(service, env, owner)
    keys |= command_keys(service, env, owner) if "git" not in keys else {}
    if last_part(image) == "redis" and not _asks_for_password(keys, env):
        env["REDIS_PASSWORD"] = ""
        owner.decide(
            "it asks for no password, as before; without REDIS_PASSWORD in its env it has one, in REDIS_URL"
        )
    keys |= _app_keys(service, env, keys["git"], roots, numbers, owner) if "git" in keys else {}
    keys |= {"env": env} if env else {}
    keys |= port_keys(numbers, last_part(image)) if "git" not in keys and numbers else {}
    keys |= _given("volumes", volumes(service, roots, owner))
    keys |= _given("healthcheck", check["path"] if list(check) == ["path"] else check)
    keys |= _given("require", _requirements(service.get("depends_on"), owner))
    keys |= _given("stop", _stop(service))
    keys |= _given("labels", _labels(service.get("labels"), owner))
    say_left(service, owner)
    return keys


def _asks_for_password(keys: dict[str, Any], env: dict[str, str]) -> bool:
    """Whether a Redis has a password already: the services know its address without one otherwise."""
    return "REDIS_PASSWORD" in env or "requirepass" in f"{keys.get('cmd', '')} {keys.get('entrypoint', '')}"


def waits_for_end_of(service: dict[str, Data]) -> list[str]:
    """The services, by their names in the file, that must have ended before this one starts."""
    data = service.get("depends_on")
    conditions = data.items() if isinstance(data, dict) else ()
    return [
        name
        for name, value in conditions
        if isinstance(value, dict) and scalar(value.get("condition")) == "service_completed_successfully"
    ]


def _code_roots(service: dict[str, Data], directory: str | None, owner: Owner) -> tuple[str, ...]:
    """Where the container of an app has its code."""
    if directory is None:
        return ()
    return (*code_roots(service, directory, owner), *workdirs(owner.context.tree, directory))


def _app_keys(
    service: dict[str, Data],
    env: dict[str, str],
    directory: str,
    roots: tuple[str, ...],
    numbers: list[int],
    owner: Owner,
) -> dict[str, Any]:
    """The command of an app, with the port that it is told; one that nothing reaches has no port at all."""
    command = moved(app_command(service, env, directory, owner), roots)
    if not numbers:
        return _given("cmd", command) | ({"ports": []} if command and not is_told(command) else {})
    command, found = on_port(command, numbers)
    if found:
        owner.decide(f"its command has $PORT in place of {found}")
    elif not is_told(command):
        owner.decide(f"it has to listen on the port that PORT says, not on {numbers[0]}")
    for number in numbers:
        if len(numbers) > 1 and number != (found or numbers[0]):
            owner.leave(f"the port {number}: traffic comes to one port of an app")
    return _given("cmd", command)


def _requirements(data: Data, owner: Owner) -> list[str]:
    names = owner.context.names
    written = list(data) if isinstance(data, dict) else scalars(data)
    return list(dict.fromkeys(names[name] for name in written if name in names))


def _stop(service: dict[str, Data]) -> dict[str, str]:
    found = {
        "signal": scalar(service.get("stop_signal")),
        "timeout": duration(scalar(service.get("stop_grace_period")) or ""),
    }
    return {key: value for key, value in found.items() if value}


def _labels(data: Data, owner: Owner) -> dict[str, str]:
    pairs = (
        {name: scalar(value) or "" for name, value in data.items()}
        if isinstance(data, dict)
        else dict(
            (scalar(item) or "").partition("=")[::2] for item in (data if isinstance(data, list) else ())
        )
    )
    left = [name for name in pairs if name.startswith(_ROUTERS)]
    if left:
        owner.leave(
            f"the labels {', '.join(left[:3])}{', ...' if len(left) > 3 else ''}: Calzion routes by itself"
        )
    return {name: value for name, value in pairs.items() if name not in left}


def _given(key: str, value: Any) -> dict[str, Any]:
    return {key: value} if value else {}
