"""The file of variables with which systemd starts Calzion's parts (EnvironmentFile in systemd.exec(5)). Pure.

Variables can hold passwords (of a proxy, of a package index): they stand in this file, which only its owner may
read, and never in a unit, which everybody may.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from calzion.build.passthrough import CERTIFICATES, PROXIES, UV

_HEAD = "# Written by 'calzion install', which keeps what it is not given anew.\n"
_PACKAGES = re.compile(r"(PIP|npm_config|NPM_CONFIG)_[A-Za-z0-9_]+")
_ENGINE = ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG")
_LINE = re.compile(r'^([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"$', re.MULTILINE)
_SPECIAL = re.compile(r'(["\\`$])')


def from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that tell of certificates, proxies, where packages come from, and of the container engine."""
    named = (*CERTIFICATES, *PROXIES, *_ENGINE, "HOME", "XDG_CONFIG_HOME")
    return {
        name: value
        for name, value in environ.items()
        if value and (name in named or UV.fullmatch(name) or _PACKAGES.fullmatch(name))
    }


def render(variables: Mapping[str, str]) -> str:
    """One line each; a variable of several lines is left out, which no setting is."""
    lines = [
        f'{name}="{_quoted(value)}"\n' for name, value in sorted(variables.items()) if value.isprintable()
    ]
    return _HEAD + "".join(lines)


def parse(text: str) -> dict[str, str]:
    """What `render` wrote."""
    return {name: re.sub(r"\\(.)", r"\1", value) for name, value in _LINE.findall(text)}


def _quoted(value: str) -> str:
    return _SPECIAL.sub(r"\\\1", value)
