"""A base for images where no registry has one: Debian, from this machine's mirror."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from calzion.errors import CalzionError
from calzion.images.recipe import SUITE
from calzion.resources import resource


def bootstrap(archive: Path, sources: str, environ: Mapping[str, str], told: Callable[[str], None]) -> None:
    """Write a smallest Debian to `archive`, a tar file. `sources` are lines of a sources.list, '' the usual ones.

    Takes half a minute. Raises CalzionError (unsupported, failed).
    """
    program = shutil.which("mmdebstrap")
    if program is None:
        raise CalzionError(
            "the base of the images can't be pulled, nor made here: mmdebstrap is not installed",
            hint="let the engine reach a registry, or install it ('apt-get install mmdebstrap')",
            code="unsupported",
        )
    settings = resource("images") / "stack/dpkg.cfg"
    arguments = [program, "--variant=minbase", "--include=ca-certificates", f"--dpkgopt={settings}"]
    arguments += [SUITE, str(archive)]
    arguments += ["-"] if sources else []
    told("making a smallest Debian with mmdebstrap")
    last = ""
    with subprocess.Popen(
        arguments,
        env=dict(environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as child:
        assert child.stdin and child.stdout
        child.stdin.write(sources)
        child.stdin.close()
        for line in child.stdout:
            last = line.strip() or last
            told(last)
    if child.returncode:
        raise CalzionError(
            f"mmdebstrap failed: {last}", hint="see whether this machine reaches a mirror of Debian"
        )
