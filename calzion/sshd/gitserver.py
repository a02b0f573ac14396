"""Serves git's two services on a channel, for a user who is known."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import paramiko

from calzion.gitreceive.child import Child
from calzion.gitreceive.git import Git
from calzion.gitreceive.hook import HookPipes, check_hooks
from calzion.gitreceive.refs import all_refs
from calzion.gitreceive.repository import Repositories, Repository
from calzion.sshd.command import GitCommand
from calzion.sshd.controller import Controller, User
from calzion.sshd.notices import Notices
from calzion.sshd.pump import Patience, Pump
from calzion.sshd.relay import Pusher, Relay

_log = logging.getLogger(__name__)

_NOTHING_TO_MOVE = (b"", b"0000")
"""How a client's input begins that has looked at the refs and moves none: a flush packet."""

_LOCK_IN_CHILD = 6

Ending = Callable[[], None]
"""Ends the client's session; called when the repository has been left and nothing is still to do."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """`protocol` is the client's GIT_PROTOCOL, checked; '' where it gave none."""

    user: User
    command: GitCommand
    protocol: str
    channel: paramiko.Channel


class GitServer:
    """`idle` is the seconds that a session may be silent, where it does not wait for a rollout."""

    def __init__(
        self,
        *,
        git: Git,
        repositories: Repositories,
        controller: Controller,
        hooks: Path,
        max_input: int,
        idle: float,
        notices: Notices,
    ) -> None:
        self._git = git
        self._repositories = repositories
        self._controller = controller
        self._hooks = hooks
        self._max_input = max_input
        self._idle = idle
        self._notices = notices
        self._lock = threading.Lock()
        self._relays: set[Relay] = set()

    def serve(self, call: Call) -> None:
        """Serve to the end, exit status included. Raises CalzionError where the client is refused."""
        name = call.command.repository
        self._controller.authorize(call.user.fingerprint, name, call.command.service, call.user.address)
        if call.command.service == "upload-pack":
            with self._repositories.fetching(name) as repository:
                ending = self._upload(call, repository)
        else:
            check_hooks(self._hooks)
            with self._repositories.receiving(name) as repository:
                ending = self._receive(call, repository)
        ending()

    def cancel_pushes(self) -> None:
        """Cancel every rollout that a push waits for."""
        with self._lock:
            relays = list(self._relays)
        for relay in relays:
            relay.client_gone()

    def _patience(self, call: Call, excused: Callable[[], bool]) -> Patience:
        def tell(sentence: str) -> None:
            user = call.user
            self._notices.tell("ssh-idle-timeout", f"{user.name} at {user.address} is hung up on: {sentence}")

        return Patience(seconds=self._idle, excused=excused, on_end=tell)

    def _upload(self, call: Call, repository: Repository) -> Ending:
        command = self._git.upload_pack(repository.path)
        child = Child(command, self._git.environment(call.protocol), {_LOCK_IN_CHILD: repository.lock})
        patience = self._patience(call, excused=lambda: False)
        pump = Pump(call.channel, child, gone=child.terminate, patience=patience)
        pump.run()
        return partial(pump.finish, child.wait())

    def _receive(self, call: Call, repository: Repository) -> Ending:
        before = all_refs(repository.path)
        pipes = HookPipes()
        relay = Relay(self._controller, pipes, Pusher(user=call.user, repository=repository))
        try:
            child = self._start_receiving(call, repository, pipes)
            patience = self._patience(call, excused=lambda: relay.asked)
            pump = Pump(call.channel, child, gone=relay.client_gone, patience=patience)
            with self._registered(relay):
                status = _receive(child, pump, relay)
        finally:
            pipes.close()
        if not relay.asked and pump.head not in _NOTHING_TO_MOVE:
            # Every ref was refused by git itself, or else git did not run the hook.
            self._report_unasked(repository, before)
            status = status or 1
        return partial(pump.finish, status)

    def _start_receiving(self, call: Call, repository: Repository, pipes: HookPipes) -> Child:
        command = self._git.receive_pack(repository.path, self._hooks, self._max_input)
        environment = self._git.environment(call.protocol)
        try:
            return Child(command, environment, pipes.inner | {_LOCK_IN_CHILD: repository.lock})
        finally:
            pipes.close_inner()

    def _report_unasked(self, repository: Repository, before: dict[str, str]) -> None:
        moved = [ref for ref, value in all_refs(repository.path).items() if before.get(ref) != value]
        if moved:
            _log.error(
                "repository %s: refs moved while a push was received whose hook was not run: %s. "
                "Nothing was deployed for it; is %s intact?",
                repository.name,
                ", ".join(moved),
                self._hooks,
            )

    @contextmanager
    def _registered(self, relay: Relay) -> Iterator[None]:
        with self._lock:
            self._relays.add(relay)
        try:
            yield
        finally:
            with self._lock:
                self._relays.discard(relay)


def _receive(child: Child, pump: Pump, relay: Relay) -> int:
    """Run one receive-pack to its end, git's exit status."""
    serving = threading.Thread(target=relay.serve, daemon=True, name="push-relay")
    serving.start()
    pump.run()
    status = child.wait()
    relay.client_gone()
    serving.join()
    relay.conclude()
    return status
