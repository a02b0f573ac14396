"""Routes that other machines' routers follow: none is lost because a registry is."""

from __future__ import annotations

import pytest

from calzion.discovery.routefollower import RouteFollower
from calzion.discovery.routepublisher import RoutePublisher
from calzion.discovery.routes import FORGET, Caution, Routes, RouteSnapshot, read_route, value_of
from calzion.errors import CalzionError
from calzion.model import Endpoint

HERE, THERE = Endpoint("10.0.0.1", 80), Endpoint("fd00::1", 8080)


class Store:
    """Keeps routes, unless it is away."""

    def __init__(self) -> None:
        self.routes: dict[str, tuple[Endpoint, ...]] = {}
        self.away = False
        self.written = 0

    def snapshot(self) -> RouteSnapshot:
        if self.away:
            raise CalzionError("away")
        return RouteSnapshot(1, dict(self.routes))

    def wait(self, revision: int) -> None: ...

    def put(self, host: str, routers: tuple[Endpoint, ...]) -> None:
        self.written += 1
        self.routes[host] = routers

    def remove(self, host: str) -> None:
        del self.routes[host]


def test_what_is_written_is_read() -> None:
    assert read_route("a.test", value_of((HERE, THERE))) == (HERE, THERE)


@pytest.mark.parametrize(
    ("host", "value"),
    [
        ("A.test", value_of((HERE,))),
        ("a test", value_of((HERE,))),
        ("a\nb", value_of((HERE,))),
        ("a.test/b", value_of((HERE,))),
        ("a.test", ""),
        ("a.test", "[]"),
        ("a.test", '{"routers": ["example.com:80"]}'),
        ("a.test", '{"routers": ["10.0.0.1:0"]}'),
        ("a.test", '{"routers": ["10.0.0.1:x"]}'),
        ("a.test", '{"routers": [17]}'),
    ],
)
def test_what_somebody_else_wrote_leads_nowhere(host: str, value: str) -> None:
    assert read_route(host, value) == ()


def test_new_routes_are_believed_at_once_and_gone_ones_when_they_stay_away() -> None:
    caution = Caution({})
    assert caution.believe({"a": (HERE,), "b": (HERE,)}, 0) == {"a": (HERE,), "b": (HERE,)}
    assert caution.believe({"a": (THERE,)}, 1) == {"a": (THERE,), "b": (HERE,)}
    assert caution.believe({"a": (THERE,)}, FORGET) == {"a": (THERE,), "b": (HERE,)}
    assert caution.believe({"a": (THERE,)}, FORGET + 1) == {"a": (THERE,)}


def test_nothing_at_all_is_never_believed() -> None:
    caution = Caution({"a": (HERE,), "b": (HERE,)})
    for now in (0.0, FORGET, 10 * FORGET):
        assert caution.believe({}, now) == {"a": (HERE,), "b": (HERE,)}
    # It is written again one by one.
    assert caution.believe({"a": (HERE,)}, 10 * FORGET) == {"a": (HERE,), "b": (HERE,)}


def test_one_that_comes_back_in_time_is_missed_anew() -> None:
    caution = Caution({"a": (HERE,), "b": (HERE,)})
    caution.believe({"a": (HERE,)}, 0)
    caution.believe({"a": (HERE,), "b": (HERE,)}, FORGET - 1)
    assert "b" in caution.believe({"a": (HERE,)}, FORGET + 1)


def test_a_publisher_keeps_what_is_served_and_nothing_else() -> None:
    store = Store()
    publisher = RoutePublisher(store, HERE)
    store.routes = {"old": (HERE,)}
    publisher.step()
    assert store.routes == {"old": (HERE,)}, "nobody has said yet what is served"
    publisher.want(["a", "b"])
    publisher.step()
    assert store.routes == {"a": (HERE,), "b": (HERE,)}
    store.routes = {"a": (THERE,)}
    publisher.step()
    publisher.step()
    assert store.routes == {"a": (HERE,), "b": (HERE,)} and store.written == 4
    store.away = True
    publisher.step()
    assert publisher.trouble == "away"


def test_a_follower_tells_the_router_what_has_changed() -> None:
    store, applied = Store(), list[Routes]()
    wanted = True
    follower = RouteFollower(store, {"kept": (HERE,)}, applied.append, lambda: wanted, clock=lambda: 0.0)
    follower.step()
    assert applied == [{"kept": (HERE,)}]
    store.routes = {"a": (THERE,)}
    follower.step()
    follower.step()
    assert applied[1:] == [{"kept": (HERE,), "a": (THERE,)}]
    wanted = False
    store.routes = {"b": (THERE,)}
    follower.step()
    assert len(applied) == 2
