"""Pulling an image into the engine, with a registry's credentials."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from docker.errors import APIError

from calzion.backends.docker.engine import Engine, explain, reachable
from calzion.backends.docker.progress import PullEvent, PullProgress
from calzion.backends.docker.refusal import refusal
from calzion.errors import CalzionError
from calzion.images.present import look_for
from calzion.model import Cancellation, Login
from calzion.template.image import ImageReference
from calzion.template.registry import registry_of

Logins = Callable[[str], Login | None]
"""The credentials for a registry, by its host."""

_Heard = queue.SimpleQueue[PullEvent | ImageReference | Exception | None]


@dataclass(frozen=True, kw_only=True)
class Puller:
    """Pulls by digest alone: no tag of the engine's is moved."""

    engine: Engine
    logins: Logins

    def pull(
        self, reference: ImageReference, told: Callable[[str], None], cancellation: Cancellation | None
    ) -> ImageReference:
        """Have the image, and return the reference with its digest; `told` gets lines of progress.

        Raises CalzionError (build: the registry does not give it; cancelled; unsupported: no engine answers).
        """
        progress = PullProgress(time.monotonic())
        pinned = reference
        for event in self._events(reference, cancellation):
            if isinstance(event, ImageReference):
                pinned = event
            elif line := progress.take(event, time.monotonic()):
                told(line)
        return pinned

    def look(self, reference: str) -> dict[str, Any] | None:
        """What the engine says of an image, None where it has none of that name or id."""
        with reachable():
            return look_for(self.engine.api, reference)

    def _events(
        self, reference: ImageReference, cancellation: Cancellation | None
    ) -> Iterator[PullEvent | ImageReference]:
        """What another thread hears, so that a registry that says nothing can be left alone at once."""
        heard: _Heard = queue.SimpleQueue()
        nobody_waits = threading.Event()

        def leave() -> None:
            nobody_waits.set()
            heard.put(None)

        undo = cancellation.on_cancel(leave) if cancellation else leave
        threading.Thread(
            target=self._listen, args=(reference, heard, nobody_waits), name="pull", daemon=True
        ).start()
        try:
            while (event := heard.get()) is not None:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            undo()
        if cancellation and cancellation.cancelled():
            raise CalzionError("cancelled: nothing has changed", code="cancelled")

    def _listen(self, reference: ImageReference, heard: _Heard, nobody_waits: threading.Event) -> None:
        try:
            for event in self._ask(reference):
                heard.put(event)
                if nobody_waits.is_set():
                    return  # the end of the request ends the engine's pull
            heard.put(None)
        except Exception as error:  # whatever it is, the other thread raises it
            heard.put(error)

    def _ask(self, reference: ImageReference) -> Iterator[PullEvent | ImageReference]:
        login = self.logins(registry_of(reference))
        credentials = {"username": login.user, "password": login.password} if login else None
        try:
            with reachable():
                api = self.engine.api
                pinned = reference.pinned(reference.digest or _digest(api, reference, credentials))
                yield pinned
                if self.look(str(pinned)) is not None:
                    return
                for event in api.pull(
                    pinned.repository, pinned.digest, stream=True, decode=True, auth_config=credentials
                ):
                    if "error" in event:
                        raise refusal(reference, str(event["error"]), with_login=login is not None)
                    yield event
        except APIError as error:
            raise refusal(reference, explain(error), with_login=login is not None) from error


def _digest(api: Any, reference: ImageReference, credentials: dict[str, str] | None) -> str:
    tagged = f"{reference.repository}:{reference.tag or 'latest'}"
    return str(api.inspect_distribution(tagged, auth_config=credentials)["Descriptor"]["digest"])
