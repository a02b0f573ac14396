"""Who may deploy what. Pure: exact names, or a prefix that ends in `*`. What nothing names is not allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from calzion.errors import CalzionError

_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?|[a-z0-9][a-z0-9-]{0,61}\*|\*")

EVERY = "*"
"""The pattern that names every deployment."""


def parse_user(text: str) -> str:
    """Return a valid name of a user. Raises CalzionError (usage)."""
    if not _USER.fullmatch(text):
        raise CalzionError(
            f"{text[:80]!a} is no user's name", hint="use letters, digits and ._@+-", code="usage"
        )
    return text


def parse_pattern(text: str) -> str:
    """Return a valid pattern. Raises CalzionError (usage)."""
    if not _PATTERN.fullmatch(text):
        raise CalzionError(
            f"{text!a} is no deployment name or pattern",
            hint="use an exact name, or a beginning with '*', such as 'myapp-*'",
            code="usage",
        )
    return text


def may_deploy(allow: Iterable[str], deployment: str) -> bool:
    """Whether one of the patterns names the deployment; no patterns at all name none."""
    return any(_matches(pattern, deployment) for pattern in allow)


def _matches(pattern: str, deployment: str) -> bool:
    if pattern.endswith("*"):
        return deployment.startswith(pattern[:-1])
    return deployment == pattern


def require_deploy(user: str, allow: Iterable[str], deployment: str) -> None:
    """Raises CalzionError (refused) where the user's key may not deploy there."""
    patterns = list(allow)
    if not may_deploy(patterns, deployment):
        raise CalzionError(
            f"{user}'s key may not push to {deployment}",
            hint=f"it may push to: {', '.join(patterns)}"
            if patterns
            else "it may push to no deployment at all",
            code="refused",
        )
