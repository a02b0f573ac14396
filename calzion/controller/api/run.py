"""One-off commands: an HTTP/1.1 connection that is upgraded to frames, so that a terminal can be at its other end."""

from __future__ import annotations

from typing import Any

import falcon

from calzion.controller.api import body
from calzion.controller.api.client import ReconcilerClient
from calzion.controller.api.permission import needs
from calzion.controller.api.upgrade import relay, upgraded
from calzion.controller.scope import Right
from calzion.errors import CalzionError
from calzion.frames import PROTOCOL
from calzion.model import Command, DeploymentName, ServiceName
from calzion.template.interpolation import MAX_VALUE

_MOST_CELLS = 10_000


class Run:
    def __init__(self, reconciler: ReconcilerClient) -> None:
        self._reconciler = reconciler

    @needs(Right.DEPLOY)
    def on_post(self, request: falcon.Request, _response: falcon.Response, deployment: str) -> None:
        """{"service": …, "command": [words] or "shell line", "env": {…}, "terminal": {"rows", "columns"} or null}."""
        name = body.label(DeploymentName, deployment)
        data = body.json_object(request)
        service = data.get("service")
        order = {
            "deployment": name,
            "service": body.label(ServiceName, str(service)) if service else None,
            "command": _command(data.get("command")),
            "env": _environment(data.get("env") or {}),
            "terminal": _terminal(data.get("terminal")),
        }
        client = upgraded(request, PROTOCOL)
        _, server = self._reconciler.converse("run", **order)
        with server:
            relay(client, server, PROTOCOL)


def _command(value: object) -> Command:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not words or not all(_text(word) for word in words) or not words[0]:
        raise CalzionError("'command' is no text and no list of words", code="usage")
    return value if isinstance(value, str) else tuple(words)


def _environment(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(_text(each) for pair in value.items() for each in pair):
        raise CalzionError("'env' is no object of texts", code="usage")
    return value


def _terminal(value: object) -> dict[str, int] | None:
    if value is None:
        return None
    size = value if isinstance(value, dict) else {}
    cells = {name: size.get(name) for name in ("rows", "columns")}
    if not all(isinstance(each, int) and 0 <= each <= _MOST_CELLS for each in cells.values()):
        raise CalzionError('\'terminal\' is no size such as {"rows": 24, "columns": 80}', code="usage")
    return {name: int(each) for name, each in cells.items() if each is not None}


def _text(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value and len(value) <= MAX_VALUE
