"""The audit trail: what is written, with what it tells of, and what an edit looks like."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from calzion.controller.actor import CALZION, Actor, acting, actor, for_callers
from calzion.controller.auditbook import AuditBook
from calzion.controller.store import audit
from calzion.controller.store.database import Database, migrate
from calzion.controller.trail import link
from calzion.errors import CalzionError
from tests.fakes.world import NAME, World

ALICE = Actor(user="alice", via="ssh", address="192.0.2.7", key="SHA256:abc")


class Trail:
    """A trail of six records of alice's, of which the oldest two pairs may go to files."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "store.db"
        self.files = directory / "audit"
        migrate(f"sqlite:///{self.path}", directory / "lock")
        self.database = Database(f"sqlite:///{self.path}")
        self.book = AuditBook(self.database, self.files, kept=2)
        for number in range(1, 7):
            self.add(f"act {number}")

    def add(self, act: str) -> None:
        with acting(ALICE), self.database.write() as connection:
            audit.record(connection, act, now=1.5, on="shop", names=["KEY"])

    def edit(self, statement: str) -> None:
        with sqlite3.connect(self.path) as connection:
            connection.execute(statement)

    def broken(self, known: tuple[int, str] | None = None) -> tuple[int, str]:
        finding = self.book.inspect(known)
        return finding.broken, finding.reason


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    return Trail(tmp_path)


def test_a_record_says_who_did_what_when_from_where_with_which_key(trail: Trail) -> None:
    newest, *_ = trail.book.latest(1)
    view = newest.view()
    assert {name: view[name] for name in ("user", "via", "address", "key")} == vars(ALICE)
    assert (view["number"], view["time"], view["act"], view["outcome"]) == (6, 1.5, "act 6", "done")
    assert (view["deployment"], view["detail"]) == ("shop", {"names": ["KEY"]})
    assert trail.broken() == (0, "")


@pytest.mark.parametrize(
    ("edit", "number", "reason"),
    [
        ("update audit set record = replace(record, 'alice', 'mallo') where number = 3", 3, "changed"),
        ("delete from audit where number = 4", 5, "1 before it are missing"),
        ("delete from audit where number = 1", 0, ""),
        ("update audit set digest = digest || '0' where number = 2", 2, "digest"),
        ("update audit set number = 9 where number = 5", 6, "missing"),
        ("update audit set record = 'x', digest = 'x' where number = 6", 6, "changed"),
    ],
)
def test_an_edit_shows(trail: Trail, edit: str, number: int, reason: str) -> None:
    trail.edit(edit)
    broken, why = trail.broken()
    assert broken == number and reason in why


def test_a_record_with_a_digest_to_match_breaks_the_next(trail: Trail) -> None:
    forged = link(None, now=1.5, who=CALZION, act="act 1", outcome="done", on="shop", detail={})
    with sqlite3.connect(trail.path) as connection:
        values = (forged.text, forged.digest)
        connection.execute("update audit set record = ?, digest = ? where number = 1", values)
    assert trail.broken() == (2, "the one before it was changed, or put in its place")


def test_what_was_noted_shows_a_trail_that_was_cut_or_written_anew(trail: Trail) -> None:
    head = trail.book.inspect().head
    assert head
    noted = (head.number, head.digest)
    trail.add("act 7")
    assert trail.broken(noted) == (0, "") == trail.broken((head.number, head.digest[:12]))
    trail.edit("delete from audit where number >= 6")
    assert trail.broken() == (0, "") and trail.broken(noted)[0] == 6
    trail.add("another")
    assert trail.broken() == (0, "") and "noted" in trail.broken(noted)[1]


def test_old_records_go_to_files_and_the_chain_goes_on(trail: Trail) -> None:
    trail.book.rotate()
    trail.book.rotate()
    trail.book.rotate()
    assert [each.name[:12] for each in sorted(trail.files.iterdir())] == [f"{1:012}", f"{3:012}"]
    assert all(each.stat().st_mode & 0o077 == 0 for each in trail.files.iterdir())
    trail.add("act 7")
    finding = trail.book.inspect()
    assert (finding.records, finding.broken) == (7, 0) and finding.first and finding.first.number == 1
    with trail.database.read() as connection:
        assert audit.count(connection) == 3
    oldest, newer = sorted(trail.files.iterdir())
    oldest.unlink()
    finding = trail.book.inspect()
    assert finding.broken == 0 and finding.first and finding.first.number == 3
    newer.write_text(newer.read_text().replace("act 3", "act x"))
    assert trail.broken()[0] == 3
    newer.write_text("no record\n")
    assert trail.broken()[0] == 3


def test_a_crash_while_records_are_moved_loses_and_doubles_none(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise OSError("crash")

    with monkeypatch.context() as patch:
        patch.setattr(audit, "remove_up_to", crash)
        with pytest.raises(OSError, match="crash"):
            trail.book.rotate()
    assert trail.book.inspect().records == 6 and trail.broken() == (0, "")
    trail.book.rotate()
    assert trail.book.inspect().records == 6 and trail.broken() == (0, "")


def test_a_trail_is_asked_for_by_deployment_and_user(trail: Trail) -> None:
    with trail.database.write() as connection:
        audit.record(connection, "destroy", now=2.0, on="other")
    assert [each.number for each in trail.book.latest(2, deployment="shop")] == [6, 5]
    assert [each.view()["act"] for each in trail.book.latest(9, user="calzion")] == ["destroy"]


def test_operations_act_for_whom_their_message_names() -> None:
    heard: list[Actor] = []
    operations = for_callers({"op": lambda _message, _channel: heard.append(actor())})
    channel: Any = None
    operations["op"]({"actor": vars(ALICE)}, channel)
    operations["op"]({"actor": ["nonsense"]}, channel)
    assert heard == [ALICE, CALZION] and actor() == CALZION


def test_a_rollout_is_recorded_with_its_end(tmp_path: Path) -> None:
    world = World(tmp_path)
    with acting(ALICE):
        world.deploy("web: {git: .}\n", {"web": "web: serve"}, commit="1" * 40)
        with pytest.raises(CalzionError):
            world.deploy("web: {git: .}\n", {"web": "nothing"})
    book = AuditBook(world.parts.database, tmp_path / "audit")
    told = [each.view() for each in reversed(book.latest(9))]
    assert [(each["outcome"], each["detail"]["release"], each["user"]) for each in told] == [
        ("begun", 1, "alice"),
        ("live", 1, "alice"),
        ("begun", 2, "alice"),
        ("failed", 2, "alice"),
    ]
    assert {each["act"] for each in told} == {"deploy"} and {each["deployment"] for each in told} == {NAME}
    assert told[0]["detail"]["commit"] == "1" * 40
    assert json.loads(book.latest(1)[0].text)["previous"] == book.latest(2)[1].digest


def test_settings_are_recorded_when_they_change(trail: Trail) -> None:
    def tell(**values: str) -> list[Any]:
        with trail.database.write() as connection:
            audit.record_settings(connection, values, now=1.0)
        return [each.view()["detail"]["changed"] for each in trail.book.latest(9) if each.number > 6]

    assert tell(domain="a", registry="embedded") == [["all"]]
    assert tell(domain="a", registry="embedded") == [["all"]]
    assert tell(domain="b", registry="embedded") == [["domain"], ["all"]]
