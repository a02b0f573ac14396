from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.push_peer import Talk, World, eventually


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def test_accepted_push_moves_the_ref_and_says_so(world: World) -> None:
    head = world.git("rev-parse", "HEAD")
    result = world.push()
    assert result.returncode == 0, result.stderr
    assert "remote: -----> building" in result.stderr and "remote: -----> live" in result.stderr
    assert world.ref("refs/heads/staging") == head
    talk = world.peer.talk()
    assert talk.heard("ended") == {"op": "ended", "moved": True}
    assert talk.push["repository"] == "myapp" and talk.push["user"] == "alice"
    assert talk.push["fingerprint"].startswith("SHA256:")
    assert talk.push["path"] == str(world.bare())
    assert talk.push["updates"] == [{"old": "0" * 40, "new": head, "ref": "refs/heads/staging"}]
    assert eventually(lambda: talk.closed)


def test_rejected_push_shows_why_and_leaves_nothing(world: World) -> None:
    quarantines: list[bool] = []

    def refuse(talk: Talk) -> None:
        quarantines.append(Path(talk.push["quarantine"]).is_dir())
        talk.tell("error", "no template.yaml", detail={"hint": "add one", "code": "template"})

    world.peer.script = refuse
    result = world.push()
    assert result.returncode != 0
    assert "remote:  !     no template.yaml" in result.stderr and "remote:  !     add one" in result.stderr
    assert "[remote rejected]" in result.stderr
    assert quarantines == [True]
    assert list(world.repositories.iterdir()) == []
