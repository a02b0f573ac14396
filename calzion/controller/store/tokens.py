"""Tokens of the API."""

from __future__ import annotations

from sqlalchemy import Connection, Row, delete, insert, or_, select

from calzion.controller.scope import Right
from calzion.controller.store.schema import tokens
from calzion.controller.token import Token


def add(connection: Connection, token: Token) -> None:
    values = {**vars(token), "right": str(token.right), "allow": list(token.allow)}
    connection.execute(insert(tokens).values(**values))


def find(connection: Connection, id: str) -> Token | None:
    row = connection.execute(select(tokens).where(tokens.c.id == id)).one_or_none()
    return _token(row) if row else None


def listed(connection: Connection) -> list[Token]:
    """By user, the oldest first; also those that have expired."""
    return [
        _token(row) for row in connection.execute(select(tokens).order_by(tokens.c.user, tokens.c.created))
    ]


def any_valid(connection: Connection, now: float) -> bool:
    valid = or_(tokens.c.expires.is_(None), tokens.c.expires > now)
    return connection.execute(select(tokens.c.id).where(valid).limit(1)).one_or_none() is not None


def remove(connection: Connection, user_or_id: str) -> list[Token]:
    """Remove the token of that id, or every token of that user; returns what was removed."""
    chosen = or_(tokens.c.user == user_or_id, tokens.c.id == user_or_id)
    found = [_token(row) for row in connection.execute(select(tokens).where(chosen))]
    connection.execute(delete(tokens).where(chosen))
    return found


def _token(row: Row[tuple[object, ...]]) -> Token:
    data = row._mapping
    return Token(
        id=data["id"],
        user=data["user"],
        digest=data["digest"],
        right=Right.parse(data["right"]),
        allow=tuple(data["allow"]),
        created=data["created"],
        expires=data["expires"],
    )
