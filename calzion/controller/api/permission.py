"""What every endpoint needs, said beside it; without a word it can't be served at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import falcon
from pydantic import BaseModel

from calzion.controller.api import body
from calzion.controller.scope import Caller, Right, unknown
from calzion.controller.store import deployments
from calzion.controller.store.database import Database
from calzion.model import DeploymentName

TAR = "application/x-tar"
"""The media type of uploaded code."""

_Responder = TypeVar("_Responder", bound=Callable[..., None])
_MARK = "__calzion_need__"
_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


@dataclass(frozen=True, kw_only=True)
class Need:
    """`creates` says that the deployment of the path need not be there.

    The rest describes the request: the models or media types of its body, the JSON types of its query's parameters, and
    the protocol to which it upgrades the connection.
    """

    right: Right
    creates: bool = False
    takes: tuple[type[BaseModel] | str, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    upgrade: str = ""


def needs(
    right: Right,
    *takes: type[BaseModel] | str,
    creates: bool = False,
    query: Mapping[str, str] | None = None,
    upgrade: str = "",
) -> Callable[[_Responder], _Responder]:
    """Declare it of a responder, as in Need. It is for the deployment of the path where there is one."""
    need = Need(right=right, creates=creates, takes=takes, query=query or {}, upgrade=upgrade)

    def declare(responder: _Responder) -> _Responder:
        setattr(responder, _MARK, need)
        return responder

    return declare


def declared(resource: object) -> dict[str, Need | None]:
    """The need of each method that a resource answers, None where it says none."""
    responders = {name.upper(): getattr(resource, f"on_{name}", None) for name in _METHODS}
    return {method: getattr(responder, _MARK, None) for method, responder in responders.items() if responder}


def check(caller: Caller, need: Need | None, params: dict[str, Any], is_there: Callable[[str], bool]) -> None:
    """Raises CalzionError where the caller may not do it; the machine's administrator may everything."""
    if caller.is_local:
        return
    if need is None:
        caller.require(Right.ADMIN)
        return
    if "deployment" not in params:
        caller.require(need.right)
        return
    deployment = body.label(DeploymentName, params["deployment"])
    caller.require_on(need.right, deployment)
    if not need.creates and not is_there(deployment):
        raise unknown(deployment)


def caller(request: falcon.Request) -> Caller:
    """Who asks, as the door has found out."""
    found = request.context.caller
    assert isinstance(found, Caller)
    return found


def known_origin(request: falcon.Request, database: Database, text: str) -> DeploymentName:
    """The deployment from which something is taken over, for which the caller needs the same right.

    Raises CalzionError (not_found) where there is none such.
    """
    name = body.label(DeploymentName, text)
    caller(request).require_on(Right.DEPLOY, name)
    with database.read() as connection:
        if deployments.find(connection, name):
            return name
        if not caller(request).is_local:
            raise unknown(name)
        return DeploymentName(deployments.get(connection, name).name)
