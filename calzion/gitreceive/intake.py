"""From a push that git has not accepted yet to a release: the reconciler's side of the push socket."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calzion.controller.access import require_deploy
from calzion.controller.actor import Actor, acting
from calzion.controller.channel import Channel
from calzion.controller.claim import Claim
from calzion.controller.copying import was_meant
from calzion.controller.deployer import Deployer
from calzion.controller.locks import CancellationToken
from calzion.controller.store import audit, keys
from calzion.controller.store.database import Database
from calzion.controller.store.keys import UserKey
from calzion.errors import CalzionError
from calzion.gitreceive.checks import check_update
from calzion.gitreceive.entries import SourceLimits
from calzion.gitreceive.refname import BRANCHES
from calzion.gitreceive.refs import current_ref, has_refs
from calzion.gitreceive.request import PushRequest
from calzion.gitreceive.shares import Shares
from calzion.gitreceive.source import Commits, open_push
from calzion.gitreceive.updates import Deploy, Destroy, Tag, parse_updates
from calzion.model import ServiceName, SourceTree, Template
from calzion.progress import DONE, Event, Story
from calzion.template import MAX_BYTES, parse_template

REF_MOVES_WITHIN = 30.0
"""Seconds that the lock is kept for git to move the ref after the switch, should the SSH process not say."""

_LONGEST_REASON = 300
_MOST_REFS = 10


@dataclass(frozen=True, kw_only=True)
class IntakeLimits:
    """`template` is bytes, of each file of a template."""

    source: SourceLimits = field(default_factory=SourceLimits)
    template: int = MAX_BYTES


class PlanOnly(CalzionError):
    """Nothing was wanted but the plan: the trail, which is of what was done, does not tell of it."""


class Intake:
    """`repositories` is the directory below which every pushed repository must lie."""

    def __init__(
        self, database: Database, deployer: Deployer, repositories: Path, limits: IntakeLimits | None = None
    ) -> None:
        self._limits = limits or IntakeLimits()
        self._database = database
        self._deployer = deployer
        self._repositories = repositories
        self._shares = Shares(
            deployer.deployments_of, lambda name: not has_refs(repositories / f"{name}.git")
        )

    def authorize(self, message: dict[str, Any], channel: Channel) -> None:
        """Answers whether a key is known and may use a service of a repository."""
        key = self._key(str(message.get("fingerprint")))
        if key is None:
            channel.send({"allowed": False, "message": "this key is not known here"})
            return
        answer: dict[str, Any] = {"allowed": True, "user": key.name, "admin": key.admin}
        try:
            self._require_service(key, message)
        except CalzionError as error:
            answer |= {"allowed": False, "message": error.message}
            with acting(_actor(key, str(message.get("address") or ""))):
                act = "push" if message.get("service") == "receive-pack" else "fetch"
                self._record(act, "refused", repository=str(message.get("repository")), why=error.message)
        channel.send(answer)

    def push(self, message: dict[str, Any], channel: Channel) -> None:
        """Deploys what a push asks for; the last event decides whether git may move the ref."""
        try:
            request = PushRequest.from_dict(message["push"])
        except (KeyError, TypeError, ValueError) as error:
            raise CalzionError("this is no push", code="usage") from error
        talk = _Talk(channel)
        key = self._key(request.fingerprint)
        if key is None:
            raise CalzionError("this key is not known here any more", code="refused")
        with acting(_actor(key, request.address)):
            try:
                self._accept(request, key, channel, talk)
            except PlanOnly:
                raise
            except CalzionError as error:
                if not error.told:
                    self._record("push", error.code, **_told(request), why=error.message[:_LONGEST_REASON])
                raise

    def _accept(self, request: PushRequest, key: UserKey, channel: Channel, talk: _Talk) -> None:
        update = parse_updates(request.updates, request.options)
        if isinstance(update, Tag):
            self._shares.require_tag(key, request.repository)
            self._record("push", "done", **_told(request))
            channel.tell(Event(kind=DONE, text=update.message))
            return
        require_deploy(key.name, key.allow, update.deployment)
        with self._shares.pushing(key, request.repository, update.deployment):
            self._serve(request, update, key, channel, talk)

    def _serve(
        self, request: PushRequest, update: Deploy | Destroy, key: UserKey, channel: Channel, talk: _Talk
    ) -> None:
        if isinstance(update, Destroy):
            self._destroy(request, update, key, channel, talk)
        elif update.plan:
            self._plan(request, update, key, channel)
        else:
            self._deploy(request, update, key, channel, talk)

    def _destroy(
        self, request: PushRequest, update: Destroy, key: UserKey, channel: Channel, talk: _Talk
    ) -> None:
        repository = self._repository(request)
        holder = f"{key.name}'s destruction"
        with self._deployer.turn(update.deployment, holder, channel.tell, talk.cancellation):
            self._deployer.check_owner(update.deployment, request.repository)
            if current_ref(repository, update.ref) != update.old:
                raise CalzionError(f"{update.deployment} has moved meanwhile: fetch and push again")
            self._deployer.destroy_pushed(update.deployment, update.confirmation, channel.tell)
            talk.wait_for_ref(REF_MOVES_WITHIN)

    def _plan(self, request: PushRequest, update: Deploy, key: UserKey, channel: Channel) -> None:
        """Ends as a refusal, so that git moves nothing."""
        claim = _claim(request, update, key)
        with open_push(self._repository(request), request.quarantine, self._limits.source) as commits:
            template, sources = self._read(commits, update)
            self._deployer.check_owner(update.deployment, claim.repository)
            claim = self._with_data(update, key, claim)
            forecast = self._deployer.forecast(update.deployment, template, sources, claim)
        story = Story(channel.tell)
        story.step(f"{update.deployment}: plan of {update.new[:7]} ({key.name})")
        for line in forecast.lines():
            story.log(line)
        raise PlanOnly("plan only: nothing was changed", code="refused")

    def _read(self, commits: Commits, update: Deploy) -> tuple[Template, dict[ServiceName, SourceTree]]:
        known = self._deployer.secret_names(update.deployment)
        template = read_template(commits, update.new, update.template, known, limit=self._limits.template)
        return template, read_sources(commits, update.new, template)

    def _deploy(
        self, request: PushRequest, update: Deploy, key: UserKey, channel: Channel, talk: _Talk
    ) -> None:
        repository = self._repository(request)
        claim = _claim(request, update, key)
        with self._deployer.turn(update.deployment, claim.holder, channel.tell, talk.cancellation):
            check_update(repository, old=update.old, new=update.new, ref=update.ref)
            try:
                self._release(request, repository, update, key, claim, channel, talk)
            except CalzionError as error:
                if not error.told and error.code != "refused":
                    self._deployer.activation.add_serving(update.deployment, error)
                raise
            talk.wait_for_ref(REF_MOVES_WITHIN)

    def _release(
        self,
        request: PushRequest,
        repository: Path,
        update: Deploy,
        key: UserKey,
        claim: Claim,
        channel: Channel,
        talk: _Talk,
    ) -> None:
        with open_push(repository, request.quarantine, self._limits.source) as commits:
            template, sources = self._read(commits, update)
            self._deployer.check_owner(update.deployment, claim.repository)
            claim = self._with_data(update, key, claim)
            self._deployer.release_template(
                update.deployment, template, sources, claim, channel.tell, talk.cancellation
            )

    def _with_data(self, update: Deploy, key: UserKey, claim: Claim) -> Claim:
        """The claim with the data that the deployment begins with, this push or an earlier try having asked for it.

        Raises CalzionError where it can't have that, or the key may not.
        """
        meant = self._deployer.with_origin(update.deployment, claim)
        if meant.data_from:
            try:
                require_deploy(key.name, key.allow, meant.data_from)
            except CalzionError as error:
                if meant != claim:
                    error.hint = was_meant(update.deployment, meant.data_from)
                raise
            self._deployer.check_origin(update.deployment, meant)
        return meant

    def _repository(self, request: PushRequest) -> Path:
        path = Path(request.path)
        if path.parent != self._repositories:
            raise CalzionError("this push comes from outside the repositories", code="refused")
        return path

    def _key(self, fingerprint: str) -> UserKey | None:
        with self._database.read() as connection:
            return keys.by_fingerprint(connection, fingerprint)

    def _record(self, act: str, outcome: str, *, on: str = "", **detail: Any) -> None:
        with self._database.write() as connection:
            audit.record(connection, act, now=time.time(), outcome=outcome, on=on, **detail)

    def _require_service(self, key: UserKey, message: dict[str, Any]) -> None:
        """Raises CalzionError (refused) where the key may not use the service of the repository that is named."""
        repository = message.get("repository")
        if repository is None:
            return
        if message.get("service") == "receive-pack":
            self._shares.require_push(key, str(repository))
        else:
            self._shares.require_read(key, str(repository))


def _actor(key: UserKey, address: str) -> Actor:
    return Actor(user=key.name, via="ssh", address=address[:255], key=key.fingerprint)


def _told(request: PushRequest) -> dict[str, Any]:
    """What the audit trail tells of a push. Clients choose the refs' names, and how many there are."""
    refs = [update.ref[:_LONGEST_REASON] for update in request.updates[:_MOST_REFS]]
    commits = [update.new for update in request.updates[:_MOST_REFS]]
    on = refs[0].removeprefix(BRANCHES) if len(refs) == 1 and refs[0].startswith(BRANCHES) else ""
    return {"on": on, "repository": request.repository, "refs": refs, "commits": commits}


def _claim(request: PushRequest, update: Deploy, key: UserKey) -> Claim:
    return Claim(
        user=key.name,
        repository=request.repository,
        commit=update.new,
        data_from=update.data_from,
        ttl=update.ttl,
    )


def read_template(
    commits: Commits,
    commit: str,
    path: str,
    secrets: frozenset[str] = frozenset(),
    *,
    limit: int = MAX_BYTES,
) -> Template:
    """Raises CalzionError (template) with every mistake, or where there is no such file within `limit` bytes."""
    root = commits.tree(commit)

    def read(file: str) -> bytes | None:
        return root.read(file, limit)

    return parse_template(commits.read(commit, path, limit), path, secrets=secrets, read=read, limit=limit)


def read_sources(commits: Commits, commit: str, template: Template) -> dict[ServiceName, SourceTree]:
    """The code of every app. Raises CalzionError (template) that names the service whose directory is missing."""
    sources: dict[ServiceName, SourceTree] = {}
    for definition in template.services:
        if definition.code is None:
            continue
        try:
            sources[definition.name] = commits.tree(commit, definition.code)
        except CalzionError as error:
            raise CalzionError(
                f"{definition.name}: {definition.code_key}: {error.message}",
                hint=f"'{definition.code_key}:' names a directory of the repository, '.' for its root",
                code="template",
            ) from error
    return sources


class _Talk:
    """What the SSH process says while the push runs: cancel, ended, or nothing more at all."""

    def __init__(self, channel: Channel) -> None:
        self.cancellation = CancellationToken()
        self._ended = threading.Event()
        threading.Thread(target=self._listen, args=(channel,), name="push", daemon=True).start()

    def wait_for_ref(self, seconds: float) -> None:
        self._ended.wait(seconds)

    def _listen(self, channel: Channel) -> None:
        for message in channel.messages():
            if message.get("op") == "cancel":
                self.cancellation.cancel()
            if message.get("op") == "ended":
                self._ended.set()
        self._ended.set()
        self.cancellation.cancel()
