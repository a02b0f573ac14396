"""What changes hands, and what must not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from calzion.sshd.ownership import hand_over

OTHER = 54_321

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give something to another user")


def owner(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_uid, found.st_gid


def test_everything_below_changes_hands_and_nothing_that_it_leads_to(tmp_path: Path) -> None:
    mine, secret = tmp_path / "mine", tmp_path / "secret"
    (mine / "a" / "b").mkdir(parents=True)
    (mine / "a" / "b" / "file").touch()
    secret.touch()
    (mine / "link").symlink_to(secret)
    (mine / "up").symlink_to(tmp_path)
    os.link(secret, mine / "a" / "name")
    hand_over(mine, OTHER)
    changed = (mine, mine / "a", mine / "a" / "b", mine / "a" / "b" / "file", mine / "link", mine / "up")
    assert {owner(path) for path in changed} == {(OTHER, OTHER)}
    assert owner(secret) == owner(tmp_path) == (0, 0)


def test_one_that_was_broken_off_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "mine" / "a").mkdir(parents=True)
    os.chown(tmp_path / "mine" / "a", OTHER, OTHER)
    hand_over(tmp_path / "mine", OTHER)
    hand_over(tmp_path / "mine", 0)
    assert {owner(path) for path in (tmp_path / "mine", tmp_path / "mine" / "a")} == {(0, 0)}


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").symlink_to(tmp_path)
    with pytest.raises(OSError):
        hand_over(tmp_path / "mine", OTHER)
    assert owner(tmp_path) == (0, 0)


def test_what_is_missing_is_made_for_nobody_else(tmp_path: Path) -> None:
    hand_over(tmp_path / "run" / "push", OTHER)
    found = (tmp_path / "run" / "push").stat()
    assert found.st_mode & 0o777 == 0o700 and found.st_uid == OTHER
