"""The command line that builds an image from a Dockerfile. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NAME = "Dockerfile"

_ARGUMENTS = re.compile(r"^[ \t]*ARG[ \t]+(.+)$", re.IGNORECASE | re.MULTILINE)
_ARGUMENT = re.compile(r"(?:^|\s)([A-Za-z_][A-Za-z0-9_]*)(?==|\s|$)")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


@dataclass(frozen=True, kw_only=True)
class DockerCli:
    """A docker command; `buildkit` where it can build with BuildKit, which alone knows secrets."""

    program: str
    buildkit: bool


@dataclass(frozen=True, kw_only=True)
class ImageBuild:
    """What an image is built from. `result` gets its id; `secrets` are files by the ids of their mounts."""

    context: Path
    result: Path
    tag: str
    labels: Mapping[str, str]
    arguments: Mapping[str, str]
    secrets: Mapping[str, Path]
    memory: int


def build_arguments(cli: DockerCli, build: ImageBuild) -> list[str]:
    """The argument list. Values of arguments are in it, as they are in the image's history: they are no secrets."""
    own = ["--progress=plain"] if cli.buildkit else ["--force-rm", f"--memory={build.memory}"]
    return [
        cli.program,
        "build",
        *own,
        f"--iidfile={build.result}",
        f"--tag={build.tag}",
        *(f"--label={name}={value}" for name, value in build.labels.items()),
        *(f"--build-arg={name}={value}" for name, value in build.arguments.items()),
        *(f"--secret=id={name},src={path}" for name, path in build.secrets.items()),
        f"--file={build.context / NAME}",
        str(build.context),
    ]


def declared_arguments(dockerfile: bytes) -> frozenset[str]:
    """The names that a Dockerfile declares with ARG: it can use no others, and is warned of them."""
    lines = _ARGUMENTS.findall(dockerfile.decode("utf-8", "replace").replace("\r", ""))
    return frozenset(name for line in lines for name in _ARGUMENT.findall(_QUOTED.sub("", line)))
