"""`environment` and `env_file` of a Compose service -> `env`."""

from __future__ import annotations

import re

from calzion.scaffold.compose.context import Owner
from calzion.scaffold.compose.reading import scalar
from calzion.scaffold.dotenv import read_dotenv
from calzion.scaffold.suspicion import is_secret
from calzion.scaffold.tree import Tree, joined
from calzion.scaffold.vault import literal
from calzion.template.data import Data

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ADDRESS = re.compile(r"HOST|SERVER|ADDR|URL|URI|ENDPOINT|BROKER")
_SAMPLES = (".example", ".sample", ".template", ".dist")


def environment(service: dict[str, Data], owner: Owner) -> dict[str, str]:
    """The variables; those of `env_file` lie beneath those of `environment`."""
    env: dict[str, str] = {}
    for name, value in _from_files(service.get("env_file"), owner).items():
        env[name] = owner.context.vault.value(name, value, owner.name, own=owner.data)
    for name, written in _written(service.get("environment")):
        if not _NAME.fullmatch(name):
            owner.leave(f"the variable {name!r}: this is no name of a variable")
        elif written is None:
            env[name] = _from_outside(name, owner)
        else:
            env[name] = owner.text(written, name)
    if "PORT" in env:
        del env["PORT"]
        owner.decide("PORT is given by Calzion, so the variable is left out")
    return {name: _with_new_hosts(name, value, owner) for name, value in env.items()}


def dotenv(tree: Tree, directory: str) -> dict[str, str]:
    """The values that a Compose file's `$NAME` stand for, from the `.env` beside it."""
    path = joined(directory, ".env")
    return read_dotenv((tree.read(path) if path else None) or b"")


def _from_outside(name: str, owner: Owner) -> str:
    """The value of a variable that is only named: from `.env`, else to be set."""
    value = owner.context.known.get(name, "")
    if value and not is_secret(name, value):
        return owner.context.vault.value(name, literal(value), owner.name)
    return owner.context.vault.reference(name, value, owner.name, own=owner.data)


def _with_new_hosts(name: str, value: str, owner: Owner) -> str:
    """The value with the new names of services where it names the old ones as hosts."""
    for old, new in owner.context.names.items():
        if old != new:
            value = re.sub(
                rf"(?<=@){re.escape(old)}(?=[:/,]|$)|(?<=//){re.escape(old)}(?=[:/,]|$)", new, value
            )
            if _ADDRESS.search(name) and re.fullmatch(rf"{re.escape(old)}(:\d+)?", value):
                value = value.replace(old, new)
    return value


def _written(data: Data) -> list[tuple[str, str | None]]:
    """The pairs of both forms, a map and a list of NAME=value."""
    if isinstance(data, dict):
        return [(name, scalar(value)) for name, value in data.items()]
    pairs: list[tuple[str, str | None]] = []
    for item in data if isinstance(data, list) else ():
        name, equals, value = (scalar(item) or "").partition("=")
        pairs.append((name, value if equals else None))
    return pairs


def _from_files(data: Data, owner: Owner) -> dict[str, str]:
    """Values in the language of templates."""
    found: dict[str, str] = {}
    for item in data if isinstance(data, list) else [data]:
        written = scalar(item.get("path")) if isinstance(item, dict) else scalar(item)
        fixed = owner.fixed(written) if written else None
        path = joined(owner.context.directory, fixed) if fixed else None
        if path:
            found |= _from_file(path, owner)
        elif written:
            owner.leave(f"the env_file {written}, which is not in the repository")
    return found


def _from_file(path: str, owner: Owner) -> dict[str, str]:
    content = owner.context.tree.read(path)
    if content is not None:
        owner.decide(f"what {path} sets and does not look secret is copied: look at it before you commit")
        return {name: literal(value) for name, value in read_dotenv(content).items()}
    sample = next((f"{path}{end}" for end in _SAMPLES if owner.context.tree.read(f"{path}{end}")), None)
    if sample is None:
        owner.leave(f"the env_file {path}: there is none")
        return {}
    owner.decide(f"{path} is not here, so its variables are those of {sample}")
    values = read_dotenv(owner.context.tree.read(sample) or b"")
    return {name: _from_sample(name, value, owner) for name, value in values.items()}


def _from_sample(name: str, value: str, owner: Owner) -> str:
    """In a sample an empty value, or a secret one, is a place to fill in."""
    if value and not is_secret(name, value):
        return literal(value)
    return owner.context.vault.reference(name, value, owner.name, own=owner.data)
