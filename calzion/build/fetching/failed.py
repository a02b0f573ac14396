"""Why something can't be fetched, in words that complete "it can't be fetched: …"."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

TOO_LARGE = "it is too large"
TOO_LONG = "it took too long"
UNREACHABLE = "it can't be reached"
NO_SUCH_COMMIT = "it does not have that commit"
BAD_CERTIFICATE = "its certificate is not trusted here"
BAD_REDIRECT = "it leads to an address that nothing is fetched from"
NOT_FETCHED = "only https:// addresses are fetched"

_AWAY = (
    "Could not resolve",
    "Failed to connect",
    "Couldn't connect",
    "timed out",
    "onnection refused",
    "onnection reset",
    "etwork is unreachable",
    "No route to host",
    "returned error: 5",
    "Empty reply",
    "SSL_ERROR_SYSCALL",
    "unexpected disconnect",
    "RPC failed",
    "early EOF",
)
_REASONS = {
    "it is not there, or needs a login": ("Authentication failed", "could not read", "prompts disabled"),
    "there is no such repository": ("not found", "returned error: 404"),
    "access is refused": ("returned error: 403",),
    BAD_CERTIFICATE: ("certificate",),
    BAD_REDIRECT: ("not allowed", "not supported or disabled", "redirect"),
    NO_SUCH_COMMIT: ("not our ref", "unadvertised object", "find remote ref"),
    TOO_LARGE: ("File size limit", "File too large", "of signal 25"),
}


class Failed(Exception):
    """`away` where it is the network's fault: what was fetched before may still be used."""

    def __init__(self, reason: str, *, away: bool = False) -> None:
        super().__init__(reason)
        self.away = away


def from_git(errors: str) -> Failed:
    """What git's messages mean."""
    if any(sign in errors for sign in _AWAY):
        return Failed(UNREACHABLE, away=True)
    for text, signs in _REASONS.items():
        if any(sign in errors for sign in signs):
            return Failed(text)
    lines = [line for line in errors.splitlines() if line.startswith(("fatal:", "error:"))]
    return Failed(f"git says {lines[0][:300]!a}" if lines else "git failed")


@contextlib.contextmanager
def named(path: str) -> Iterator[None]:
    """Have a failure name the submodule that it is about."""
    try:
        yield
    except Failed as error:
        raise Failed(f"{path}: {error}", away=error.away) from error
