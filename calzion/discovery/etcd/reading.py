"""What etcd's JSON gateway answers, as values. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from calzion.discovery.etcd.keys import key_of, registration_of
from calzion.discovery.registration import Registered, Selection, Snapshot, by_age


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def decoded(text: str) -> str:
    return base64.b64decode(text).decode(errors="replace")


def end_of(directory: str) -> str:
    """The end of the range of all keys below `directory`, which ends with a slash."""
    return encoded(directory[:-1] + chr(ord("/") + 1))


def instance_of(prefix: str, pair: Mapping[str, Any]) -> Registered | None:
    """None for a key that somebody else wrote."""
    key = key_of(prefix, decoded(pair["key"]))
    registration = registration_of(key, decoded(pair.get("value", ""))) if key else None
    if registration is None:
        return None
    return Registered(registration=registration, created=int(pair["create_revision"]))


def snapshot_of(prefix: str, selection: Selection, answer: Mapping[str, Any]) -> Snapshot:
    found = (instance_of(prefix, pair) for pair in answer.get("kvs", ()))
    return Snapshot(
        selection=selection,
        revision=int(answer["header"]["revision"]),
        instances=tuple(sorted((each for each in found if each), key=by_age)),
    )
