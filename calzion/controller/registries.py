"""Credentials for registries: what can be one, and which are used."""

from __future__ import annotations

from calzion.controller.store import registries
from calzion.controller.store.database import Database
from calzion.controller.vault import Vault
from calzion.errors import CalzionError
from calzion.model import Login
from calzion.template.registry import parse_registry

_MOST = 16_384
"""Characters of a password: some registries take tokens of several thousand."""


def login(database: Database, vault: Vault, host: str) -> Login | None:
    """The credentials that are set for a registry, for whoever pulls from it."""
    with database.read() as connection:
        return registries.find(connection, vault, host)


def with_login(database: Database) -> list[str]:
    """The registries for which credentials are set."""
    with database.read() as connection:
        return [each.host for each in registries.listed(connection)]


def check_host(text: str) -> str:
    """Raises CalzionError (usage) for what is no registry."""
    try:
        return parse_registry(text)
    except ValueError as error:
        raise CalzionError(
            f"{text[:80]!a} is no registry",
            hint="write HOST or HOST:PORT, such as registry.example.com; docker.io is Docker Hub",
            code="usage",
        ) from error


def check_login(user: object, password: object) -> Login:
    """Raises CalzionError (usage) for what can't be credentials."""
    if not _is_word(user, 255) or ":" in str(user):
        raise CalzionError("the user is missing, or no name", hint="give it with --user", code="usage")
    if not _is_word(password, _MOST):
        raise CalzionError(
            f"the password is empty, has control characters, or is longer than {_MOST} characters",
            hint="give it on standard input, or type it when asked",
            code="usage",
        )
    return Login(user=str(user), password=str(password))


def _is_word(value: object, most: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= most and value.isprintable()
