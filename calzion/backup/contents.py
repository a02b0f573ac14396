"""What a backup says of its server, beside the deployments. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from calzion.errors import CalzionError
from calzion.model import DeploymentName

NAME = "backup.json"
"""Written last: where it is, everything is."""

FORMAT = 1
MOST_BYTES = 16 << 20
"""More is no file that a backup writes."""


@dataclass(frozen=True, kw_only=True)
class BackedUpKey:
    """A user's SSH key: `line` is TYPE and BASE64."""

    name: str
    line: str
    allow: tuple[str, ...]
    admin: bool
    repositories: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BackedUpLogin:
    """The credentials for a registry of images."""

    host: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Contents:
    """`made` is a time of ISO 8601, `version` that of Calzion, `host_keys` private keys by the names of their files."""

    made: str
    version: str
    deployments: tuple[DeploymentName, ...]
    keys: tuple[BackedUpKey, ...]
    logins: tuple[BackedUpLogin, ...]
    host_keys: Mapping[str, str] = field(repr=False)

    def to_json(self) -> bytes:
        data = {
            "format": FORMAT,
            "made": self.made,
            "calzion": self.version,
            "deployments": list(self.deployments),
            "keys": [vars(each) for each in self.keys],
            "registries": [vars(each) for each in self.logins],
            "host_keys": dict(self.host_keys),
        }
        return json.dumps(data, indent=1).encode()

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Raises CalzionError (usage) for what no backup writes, or one of another format."""
        try:
            data = json.loads(content)
            if data["format"] != FORMAT:
                raise CalzionError(
                    f"this backup is of format {data['format']!a}, which this version does not know",
                    hint=f"restore it with Calzion {data.get('calzion')!a}",
                    code="usage",
                )
            return cls(
                made=_text(data["made"]),
                version=_text(data["calzion"]),
                deployments=tuple(DeploymentName.parse(_text(each)) for each in _list(data["deployments"])),
                keys=tuple(_key(each) for each in _list(data["keys"])),
                logins=tuple(_login(each) for each in _list(data["registries"])),
                host_keys={_file_name(name): _text(key) for name, key in data["host_keys"].items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CalzionError(
                f"{NAME} is damaged: {error!a}", hint="take another backup", code="usage"
            ) from error


def export_name(deployment: DeploymentName) -> str:
    """Where a backup has a deployment."""
    return f"deployments/{deployment}.calzion"


def _key(data: Mapping[str, Any]) -> BackedUpKey:
    return BackedUpKey(
        name=_text(data["name"]),
        line=_text(data["line"]),
        allow=tuple(_text(each) for each in _list(data["allow"])),
        admin=data["admin"] is True,
        repositories=tuple(_text(each) for each in _list(data["repositories"])),
    )


def _login(data: Mapping[str, Any]) -> BackedUpLogin:
    return BackedUpLogin(host=_text(data["host"]), user=_text(data["user"]), password=_text(data["password"]))


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!a} is no list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!a} is no text")
    return value


def _file_name(value: str) -> str:
    if not value.startswith("host_") or not value.replace("_", "").isalnum() or not value.isascii():
        raise ValueError(f"{value!a} is no host key's file")
    return value
