"""Interpreters that uv downloads, where the server's administrator allows that."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

_SECONDS = 300
_AGAIN_AFTER = 60.0
"""Seconds for which a failure is believed: one push asks several times."""


class PythonDownloads:
    """`directory` gets the interpreters. uv's own settings for mirrors, proxies and certificates are `environ`'s."""

    def __init__(
        self,
        uv: Path,
        directory: Path,
        environ: Mapping[str, str],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._uv = uv
        self._directory = directory
        self._environ = environ
        self._now = now
        self._lock = threading.Lock()
        self._failures: dict[str, tuple[float, str]] = {}

    def fetch(self, wanted: str) -> str:
        """Download what a specifier such as `==3.12.*` allows. Returns '' or the sentence that says why not."""
        with self._lock:
            when, why = self._failures.get(wanted, (0.0, ""))
            if why and self._now() < when + _AGAIN_AFTER:
                return why
            why = self._install(wanted)
            self._failures[wanted] = (self._now(), why)
            return why

    def _install(self, wanted: str) -> str:
        self._directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        options = ["--no-config", "--no-bin", "--install-dir", str(self._directory)]
        try:
            done = subprocess.run(
                [str(self._uv), "python", "install", *options, wanted],
                env=dict(self._environ),
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"the download took longer than {_SECONDS} seconds"
        except OSError as error:
            return str(error)
        return "" if done.returncode == 0 else _cause(done.stderr)


def _cause(text: str) -> str:
    """The last of the causes that uv lists, which is the one nearest to the matter."""
    lines = [line.strip().removeprefix("cause:").removeprefix("error:").strip() for line in text.splitlines()]
    return next((line for line in reversed(lines) if line), "uv says no more")[:200]
