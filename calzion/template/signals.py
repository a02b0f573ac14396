"""The signals that may ask a process to stop."""

from __future__ import annotations

from calzion.template.data import Data, shown
from calzion.template.problem import Misfit
from calzion.template.text import text

SIGNALS = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGKILL")


def stop_signal(value: Data) -> str:
    """The signal's full name; `SIG` may be left out. Raises Misfit."""
    name = text(value, "the name of a signal")
    full = name if name.startswith("SIG") else f"SIG{name}"
    if full not in SIGNALS:
        raise Misfit(
            f"{shown(name)} is no signal that a service can be stopped with", word=full, allowed=SIGNALS
        )
    return full
