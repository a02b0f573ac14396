"""Stands between hook and reconciler for one push: hands it over, tells its story, brings the decision."""

from __future__ import annotations

import logging
import re
import threading
from dataclasses import dataclass

from calzion.errors import CalzionError
from calzion.gitreceive.hook import HookPipes, HookRequest
from calzion.gitreceive.refname import ZERO
from calzion.gitreceive.refs import current_ref
from calzion.gitreceive.repository import Repository
from calzion.gitreceive.request import PushRequest
from calzion.progress import DONE, ERROR, Event, InSight, as_text
from calzion.sshd.controller import Controller, PushTalk, User

_log = logging.getLogger(__name__)

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0a-\x1f\x7f-\x9f]"
)
"""Terminal sequences and control characters but the tab: a build's log must not steer a pusher's terminal."""


@dataclass(frozen=True, kw_only=True)
class Pusher:
    user: User
    repository: Repository


class Relay:
    """`serve` runs in a thread of its own; `client_gone` may come from any other, at any time."""

    def __init__(self, controller: Controller, pipes: HookPipes, pusher: Pusher) -> None:
        self._controller = controller
        self._pipes = pipes
        self._pusher = pusher
        self._lock = threading.Lock()
        self._in_sight = InSight()
        self._gone = False
        self._decided = False
        self._talk: PushTalk | None = None
        self._request: HookRequest | None = None
        self._accepted = False

    @property
    def asked(self) -> bool:
        """Whether the hook asked; without that, nothing that git did counts."""
        return self._request is not None

    def serve(self) -> None:
        """Answer the hook's one question; ends at once where git ends without asking."""
        try:
            self._request = self._pipes.read_request()
            if self._request is not None:
                self._accepted = self._hand_over(self._request)
        except CalzionError as error:
            self._tell(Event(kind=ERROR, text=error.message, detail=error.as_dict()))
        except Exception:  # the hook waits for a decision, whatever failed
            _log.exception("push to %s: the hook can't be served", self._pusher.repository.name)
            self._tell(Event(kind=ERROR, text="the SSH server failed; its log tells why"))
        finally:
            self._pipes.decide(self._accepted)
            self._pipes.stop_reading()

    def client_gone(self) -> None:
        """Nobody waits any more, or git has ended: cancel, where it is not decided yet."""
        with self._lock:
            self._gone = True
            if self._talk is not None and not self._decided:
                self._talk.cancel()

    def conclude(self) -> None:
        """To be called when git has ended: tell the reconciler whether the refs moved."""
        if self._talk is None or self._request is None:
            return
        if self._accepted:
            self._talk.ended(moved=self._moved(self._request))
        self._talk.close()

    def _moved(self, request: HookRequest) -> bool:
        path = self._pusher.repository.path
        return all((current_ref(path, update.ref) or ZERO) == update.new for update in request.updates)

    def _hand_over(self, request: HookRequest) -> bool:
        talk = self._open(request)
        for event in talk.events():
            with self._lock:
                self._decided = event.is_last
            if not self._tell(event) and not event.is_last:
                self.client_gone()
            if event.is_last:
                return event.kind == DONE
        raise CalzionError(
            "Calzion's controller went away before the rollout had ended",
            hint="look at 'calzion releases', then push again",
            code="unreachable",
        )

    def _open(self, request: HookRequest) -> PushTalk:
        with self._lock:
            if self._gone:
                raise CalzionError("the client went away", code="cancelled")
            self._talk = self._controller.push(self._push_request(request))
            return self._talk

    def _push_request(self, request: HookRequest) -> PushRequest:
        pusher = self._pusher
        return PushRequest(
            repository=pusher.repository.name,
            path=str(pusher.repository.path),
            quarantine=request.quarantine,
            user=pusher.user.name,
            fingerprint=pusher.user.fingerprint,
            address=pusher.user.address,
            updates=request.updates,
            options=request.options,
        )

    def _tell(self, event: Event) -> bool:
        return self._pipes.tell("".join(f"{plain(line)}\n" for line in as_text(self._in_sight.see(event))))


def plain(line: str) -> str:
    """A line as any terminal may show it."""
    return _ESCAPES.sub("", line)
