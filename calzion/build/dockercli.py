"""Which docker command builds images here, and whether it can use BuildKit: found by trying."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from calzion.build.dockerfile import DockerCli
from calzion.errors import CalzionError

_SECONDS = 30
_OF_ENGINE = ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION", "DOCKER_CONFIG")


def docker_environment(environ: Mapping[str, str], home: Path, *, buildkit: bool) -> dict[str, str]:
    """The environment of the command: where the engine is, and a home that is not the server's."""
    engine = {name: environ[name] for name in _OF_ENGINE if name in environ}
    return {**engine, "PATH": os.defpath, "HOME": str(home), "DOCKER_BUILDKIT": "1" if buildkit else "0"}


def find_docker(environ: Mapping[str, str]) -> DockerCli:
    """The first on PATH that can use BuildKit, else the first. Raises CalzionError (unsupported) without any."""
    engine = tuple((name, environ[name]) for name in _OF_ENGINE if name in environ)
    found = [
        DockerCli(program=program, buildkit=_can_buildkit(program, _identity(program), engine))
        for program in _programs(environ.get("PATH", os.defpath))
    ]
    best = next((each for each in found if each.buildkit), found[0] if found else None)
    if best is None:
        raise CalzionError(
            "a Dockerfile needs the docker command, which is not installed",
            hint="install it ('apt-get install docker-cli' or 'docker.io')",
            code="unsupported",
        )
    return best


def _programs(path: str) -> Iterator[str]:
    for directory in dict.fromkeys(filter(None, path.split(os.pathsep))):
        program = f"{directory}/docker"
        if os.access(program, os.X_OK) and Path(program).is_file():
            yield program


def _identity(program: str) -> tuple[int, int]:
    facts = Path(program).stat()
    return facts.st_mtime_ns, facts.st_size


@cache
def _can_buildkit(program: str, _identity: tuple[int, int], engine: tuple[tuple[str, str], ...]) -> bool:
    """Some clients have it built in, others by a plugin that may be missing: a smallest image tells."""
    with tempfile.TemporaryDirectory(prefix="calzion-buildkit-") as directory:
        place = Path(directory)
        (place / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
        settings = docker_environment(dict(engine), place, buildkit=True)
        try:
            done = subprocess.run(
                [program, "build", "--quiet", directory],
                env=settings,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
            if done.returncode == 0:
                image = done.stdout.decode().strip()
                subprocess.run([program, "rmi", image], env=settings, capture_output=True, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
    return done.returncode == 0
