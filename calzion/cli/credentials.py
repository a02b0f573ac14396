"""Where `calzion login` keeps the server and the token, for their owner alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from calzion.errors import CalzionError

if TYPE_CHECKING:
    from calzion.cli.remote import Remote

URL, TOKEN = "CALZION_URL", "CALZION_TOKEN"
"""They go before the file, for machines where nobody logs in."""


def credentials_file(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME', '/')}/.config"
    return Path(base) / "calzion" / "credentials.json"


def find_remote(environ: Mapping[str, str]) -> Remote | None:
    """The server elsewhere that is meant, if any. Raises CalzionError (usage) where that can't be used."""
    if url := environ.get(URL):
        from calzion.cli.remote import Remote

        return Remote.parse(url, environ.get(TOKEN, ""))
    file = credentials_file(environ)
    return _read(file) if file.exists() else None


def save(remote: Remote, environ: Mapping[str, str]) -> Path:
    """Readable by its owner alone from its first moment on, and whole after a crash."""
    file = credentials_file(environ)
    kept = {"url": remote.url, "token": remote.token, "insecure": remote.insecure}
    scratch = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch.unlink(missing_ok=True)
        descriptor = os.open(
            scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        with os.fdopen(descriptor, "w", encoding="utf-8") as target:
            json.dump(kept, target)
            target.flush()
            os.fsync(target.fileno())
        scratch.replace(file)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
        raise CalzionError(f"{file} can't be written: {error.strerror or error}") from error
    return file


def forget(environ: Mapping[str, str]) -> bool:
    """Whether there was something to forget."""
    try:
        credentials_file(environ).unlink()
    except FileNotFoundError:
        return False
    return True


def _read(file: Path) -> Remote:
    from calzion.cli.remote import Remote

    again = "log in again: calzion login URL"
    try:
        with file.open(encoding="utf-8") as source:
            if os.fstat(source.fileno()).st_mode & 0o077:
                raise CalzionError(f"others can read {file}", hint=f"chmod 600 {file}", code="refused")
            kept = json.load(source)
        return Remote.parse(str(kept["url"]), str(kept["token"]), insecure=kept.get("insecure") is True)
    except OSError as error:
        raise CalzionError(f"{file} can't be read: {error.strerror or error}", hint=again) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CalzionError(f"{file} can't be understood", hint=again) from error
