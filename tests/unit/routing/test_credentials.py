from __future__ import annotations

import base64
import threading
from pathlib import Path

import bcrypt
import pytest

from calzion.routing.credentials import BusyError, Credentials
from calzion.routing.state import RouterState, save_state

SECRET = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
OTHER = bcrypt.hashpw(b"other", bcrypt.gensalt(4)).decode()
NAMES = {"n:closed.test": "auth", "n:open.test": "-", "p:open.test/": "r:shop:web"}


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def door(tmp_path: Path) -> Credentials:
    save_state(tmp_path, RouterState(names=NAMES, passwords={"closed.test": {"alice": SECRET, "bob": OTHER}}))
    return Credentials(tmp_path)


def test_each_user_has_a_password_of_their_own(door: Credentials) -> None:
    for _ in range(2):
        assert door.open("closed.test", basic("alice", "open sesame"))
        assert door.open("closed.test", basic("bob", "other"))
        assert not door.open("closed.test", basic("bob", "open sesame"))
        assert not door.open("closed.test", basic("carol", "open sesame"))


def test_a_domain_without_passwords_is_open_and_an_unknown_one_is_not(door: Credentials) -> None:
    assert door.open("open.test", "")
    assert not door.open("p:open.test/", "") and not door.open("unknown.test", basic("alice", "open sesame"))


@pytest.mark.parametrize("header", ["", "Basic", "Basic !", "Basic YQ==", "Bearer x", "Basic AGE6AA=="])
def test_what_is_no_password_opens_nothing(door: Credentials, header: str) -> None:
    assert not door.open("closed.test", header)


def test_a_changed_password_counts_at_once(door: Credentials, tmp_path: Path) -> None:
    assert door.open("closed.test", basic("alice", "open sesame"))
    save_state(tmp_path, RouterState(names=NAMES, passwords={"closed.test": {"alice": OTHER}}))
    assert not door.open("closed.test", basic("alice", "open sesame"))
    assert door.open("closed.test", basic("alice", "other"))


def test_whoever_was_let_in_before_is_not_held_up_by_those_who_guess(
    door: Credentials, tmp_path: Path
) -> None:
    asked, over = threading.Semaphore(0), threading.Event()

    def slow(password: bytes, stored: str) -> bool:
        if password == b"open sesame":
            return True
        asked.release()
        return over.wait(30) and False

    door = Credentials(tmp_path, slow)
    assert door.open("closed.test", basic("alice", "open sesame"))
    busy: list[int] = []

    def guess(number: int) -> None:
        try:
            door.open("closed.test", basic("alice", str(number)))
        except BusyError:
            busy.append(number)

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(20)]
    for each in threads:
        each.start()
    assert asked.acquire(timeout=30)
    assert door.open("closed.test", basic("alice", "open sesame"))
    over.set()
    for each in threads:
        each.join()
    assert len(busy) <= 12
