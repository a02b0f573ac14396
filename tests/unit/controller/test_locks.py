from __future__ import annotations

import threading

import pytest

from calzion.controller.locks import CancellationToken, DeploymentLocks
from calzion.errors import CalzionError


def test_those_who_wait_are_served_in_order_and_told_for_whom() -> None:
    locks, order, told = DeploymentLocks(), [], []
    queued = threading.Semaphore(0)

    def take(name: str) -> None:
        def waiting(text: str) -> None:
            told.append(text)
            queued.release()

        with locks.hold("app", name, CancellationToken(), waiting):
            order.append(name)

    threads = [threading.Thread(target=take, args=(name,)) for name in ("second", "third")]
    with locks.hold("app", "first", CancellationToken(), told.append):
        for thread in threads:
            thread.start()
            assert queued.acquire(timeout=10)
        assert locks.holder("app") == "first" and order == []
    for thread in threads:
        thread.join(10)
    assert order == ["second", "third"] and told == ["waiting for first", "waiting for first"]
    assert locks.holder("app") is None


def test_other_deployments_do_not_wait() -> None:
    locks = DeploymentLocks()
    with (
        locks.hold("a", "x", CancellationToken(), pytest.fail),
        locks.hold("b", "y", CancellationToken(), pytest.fail),
    ):
        assert locks.holder("a") == "x" and locks.holder("b") == "y"


def test_a_cancelled_wait_ends_and_leaves_no_trace() -> None:
    locks, token = DeploymentLocks(), CancellationToken()
    with locks.hold("a", "x", CancellationToken(), pytest.fail):
        with (
            pytest.raises(CalzionError) as caught,
            locks.hold("a", "y", token, lambda _: token.cancel()),
        ):
            pytest.fail("it got the lock")
        assert caught.value.code == "cancelled"
    with locks.hold("a", "z", CancellationToken(), pytest.fail):
        pass


def test_a_cancellation_calls_back_once_and_late_comers_at_once() -> None:
    token, calls = CancellationToken(), []
    token.on_cancel(lambda: calls.append("early"))
    token.on_cancel(lambda: calls.append("forgotten"))()
    token.cancel()
    token.cancel()
    token.on_cancel(lambda: calls.append("late"))
    assert calls == ["early", "late"]
