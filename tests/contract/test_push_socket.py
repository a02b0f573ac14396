"""What the SSH server may rely on, whoever answers at the push socket."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import pytest

from calzion.controller.channel import ChannelServer
from calzion.controller.store import keys
from calzion.controller.store.keys import UserKey
from calzion.errors import CalzionError
from calzion.gitreceive.intake import Intake
from calzion.gitreceive.refname import ZERO
from calzion.gitreceive.request import PushRequest, RefUpdate
from calzion.model import RepositoryName
from calzion.sshd.controller import Controller
from tests.fakes.builder import OWN_COMPILE, Compilation
from tests.fakes.push_peer import PushPeer, Talk
from tests.fakes.world import World
from tests.integration.build_site import with_buildpack

SHOP = RepositoryName("shop")
ALICE, BOB = "SHA256:alice", "SHA256:bob"
"""Alice may deploy all; Bob other-* alone, so that nothing of the shop is his."""
FINE, BROKEN, ENDLESS = "fine", "broken", "endless"
"""What is pushed: what goes live, what can't be built, and what is built until it is cancelled."""


class PushStage(ABC):
    def __init__(self, directory: Path) -> None:
        self.path = directory / "push.sock"
        self.controller = Controller(self.path)

    def request(self, what: str, fingerprint: str = ALICE) -> PushRequest:
        update = RefUpdate(old=ZERO, new="1" * 40, ref=f"refs/heads/shop-{what}")
        return PushRequest(
            repository=SHOP, path="", quarantine="", user="", fingerprint=fingerprint, updates=(update,)
        )

    @abstractmethod
    def close(self) -> None: ...


class ScriptedStage(PushStage):
    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._peer = PushPeer(self.path)
        self._peer.users = {ALICE: "alice", BOB: "bob"}
        self._peer.denied = {("shop", "upload-pack")}
        self._peer.script = self._play

    def close(self) -> None:
        self._peer.close()

    def _play(self, talk: Talk) -> None:
        what = talk.push["updates"][0]["ref"].rpartition("-")[2]
        talk.tell("step", "begun")
        if what == ENDLESS:
            talk.heard("cancel")
        if what == FINE and talk.push["fingerprint"] == ALICE:
            talk.tell("done", "live")
        else:
            talk.tell("error", "refused")


class RealStage(PushStage):
    """The reconciler's side, over parts in memory."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._repositories = directory / "repositories"
        world = World(directory)
        endless = with_buildpack(ENDLESS)[OWN_COMPILE].encode()
        world.builder.compilations = {endless: Compilation(lines=("compiling",), waits=True)}
        with world.parts.database.write() as connection:
            for name, fingerprint, allow in (("alice", ALICE, ("*",)), ("bob", BOB, ("other-*",))):
                key = UserKey(
                    name=name,
                    fingerprint=fingerprint,
                    type="",
                    blob=name,
                    allow=allow,
                    admin=False,
                    added=0.0,
                )
                keys.add(connection, key)
        intake = Intake(world.parts.database, world.deployer, self._repositories)
        self._server = ChannelServer(self.path, {"authorize": intake.authorize, "push": intake.push})
        self._server.start()

    def request(self, what: str, fingerprint: str = ALICE) -> PushRequest:
        files = {FINE: {"Procfile": "web: serve\n"}, BROKEN: {"README": ""}, ENDLESS: with_buildpack(ENDLESS)}
        commit = _commit(self._repositories / "shop.git", files[what])
        return PushRequest(
            repository=SHOP,
            path=str(self._repositories / "shop.git"),
            quarantine="",
            user="",
            fingerprint=fingerprint,
            updates=(RefUpdate(old=ZERO, new=commit, ref=f"refs/heads/shop-{what}"),),
        )

    def close(self) -> None:
        self._server.stop()
        self.path.unlink()


def _commit(bare: Path, files: dict[str, str]) -> str:
    """A commit of a template and these files, which no branch has yet."""
    tree = bare.with_suffix(".tree")
    for name, text in ({"template.yaml": "web: {git: .}\n"} | files).items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    git = ["git", "--git-dir", str(bare), "--work-tree", str(tree), *identity]
    for words in (["init", "-q", str(bare)], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return head.stdout.strip()


@pytest.fixture(params=[ScriptedStage, RealStage], ids=["scripted", "reconciler"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PushStage]:
    stage: PushStage = request.param(tmp_path)
    yield stage
    stage.close()


def test_a_key_is_its_users(stage: PushStage) -> None:
    user = stage.controller.authorize(ALICE)
    assert (user.name, user.fingerprint, user.admin) == ("alice", ALICE, False)
    with pytest.raises(CalzionError, match="key") as caught:
        stage.controller.authorize("SHA256:unknown")
    assert caught.value.code == "refused"


def test_a_key_may_be_kept_from_reading_a_repository(stage: PushStage) -> None:
    assert stage.controller.authorize(ALICE, SHOP, "receive-pack").name == "alice"
    with pytest.raises(CalzionError, match="bob") as caught:
        stage.controller.authorize(BOB, SHOP, "upload-pack")
    assert caught.value.code == "refused"


@pytest.mark.parametrize(
    ("what", "fingerprint", "end"), [(FINE, ALICE, "done"), (BROKEN, ALICE, "error"), (FINE, BOB, "error")]
)
def test_the_last_event_says_whether_the_push_counts(
    stage: PushStage, what: str, fingerprint: str, end: str
) -> None:
    talk = stage.controller.push(stage.request(what, fingerprint))
    events = list(talk.events())
    assert [event.is_last for event in events] == [False] * (len(events) - 1) + [True]
    assert events[-1].kind == end and events[-1].text
    talk.ended(moved=end == "done")
    talk.close()


def test_the_last_event_comes_after_a_cancellation_too(stage: PushStage) -> None:
    talk = stage.controller.push(stage.request(ENDLESS))
    events = talk.events()
    next(events)
    talk.cancel()
    assert [event.kind for event in events][-1] == "error"
    talk.close()


def test_nobody_there_is_told(stage: PushStage, tmp_path: Path) -> None:
    assert stage.controller.reachable()
    nobody = Controller(tmp_path / "nobody.sock")
    assert not nobody.reachable()
    with pytest.raises(CalzionError) as caught:
        nobody.authorize(ALICE)
    assert caught.value.code == "unreachable"
