"""What the controller may rely on, whatever routes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from calzion.errors import CalzionError
from calzion.model import Endpoint
from calzion.routing.protocol import Router
from calzion.routing.slots import SLOTS
from calzion.routing.table import Pool, RouteTable
from tests.contract.router_stage import SERVICE, RouterStage
from tests.integration.router_rig import until, web

HOST, OTHER = "one.test", "two.test"


def table(stage: RouterStage, version: str) -> RouteTable:
    """Two host names and an address, each led to an instance of its own that answers with `version`."""
    here = {name: (stage.instance(version),) for name in (f"a{version}", f"b{version}", f"c{version}")}
    tcp = f"c{version}"
    pools = {name: Pool(name=name, endpoints=here[name], http=name != tcp) for name in here}
    return RouteTable(
        hosts={HOST: f"a{version}", OTHER: f"b{version}"}, addresses={stage.internal(): tcp}, pools=pools
    )


def places(stage: RouterStage) -> list[str | Endpoint]:
    return [HOST, OTHER, stage.internal()]


def answers(stage: RouterStage) -> list[str]:
    return [stage.ask(place) for place in places(stage)]


def test_every_route_leads_to_its_pool(router: RouterStage) -> None:
    assert answers(router) == ["", "", ""]
    router.router.apply(table(router, "1"))
    assert answers(router) == ["1", "1", "1"]
    assert router.ask("three.test") == router.ask(router.internal(1)) == ""
    assert router.router.pools == {"a1", "b1", "c1"}


def test_all_routes_switch_at_one_moment(router: RouterStage) -> None:
    router.router.apply(table(router, "0"))
    end, seen = threading.Event(), list[list[int]]()

    def look() -> None:
        while not end.is_set():
            seen.append([int(answer) for answer in answers(router)])

    looking = threading.Thread(target=look)
    looking.start()
    for version in range(1, 11):
        router.router.apply(table(router, str(version)))
        before = len(seen)
        until(lambda before=before: len(seen) > before + 1 or not looking.is_alive())  # type: ignore[misc]
    end.set()
    looking.join(30)
    assert all(round_ == sorted(round_) for round_ in seen), "who has seen the new never sees the old again"
    assert seen[-1] == [10, 10, 10]


def test_the_same_table_again_changes_nothing(router: RouterStage) -> None:
    same = table(router, "1")
    router.router.apply(same)
    held = router.hold(HOST)
    router.router.apply(same)
    assert answers(router) == ["1", "1", "1"]
    assert router.router.connections("a1") == 1
    held.finish()


def test_instances_of_a_pool_come_and_go(router: RouterStage) -> None:
    router.router.apply(web({HOST: "p"}, {"p": ()}))
    assert router.ask(HOST) == ""
    router.router.apply(web({HOST: "p"}, {"p": (router.instance("first"),)}))
    assert router.ask(HOST) == "first"
    router.router.apply(web({HOST: "p"}, {"p": (router.instance("second"),)}))
    assert router.ask(HOST) == "second"
    assert router.router.pools == {"p"}


@pytest.mark.parametrize(("at", "pool"), [(0, "a1"), (2, "c1")], ids=["host", "address"])
def test_what_was_switched_away_keeps_its_connections_until_it_is_retired(
    router: RouterStage, at: int, pool: str
) -> None:
    router.router.apply(table(router, "1"))
    held = router.hold(places(router)[at])
    router.router.apply(table(router, "2"))
    assert answers(router) == ["2", "2", "2"]
    assert router.router.connections(pool) == 1
    assert router.router.pools == {"a1", "b1", "c1", "a2", "b2", "c2"}
    router.router.retire(pool)
    assert held.cut()
    assert router.router.connections(pool) == 0
    assert router.router.pools == {"a1", "b1", "c1", "a2", "b2", "c2"} - {pool}
    router.router.retire(pool)


def test_what_ends_by_itself_is_not_counted_any_more(router: RouterStage) -> None:
    router.router.apply(table(router, "1"))
    held = [router.hold(place) for place in (HOST, HOST, router.internal())]
    router.router.apply(RouteTable())
    assert answers(router) == ["", "", ""]
    assert [router.router.connections(pool) for pool in ("a1", "b1", "c1")] == [2, 0, 1]
    for each in held:
        each.finish()
    until(lambda: not any(router.router.connections(pool) for pool in ("a1", "b1", "c1")))


def test_a_pool_that_a_route_leads_to_can_not_be_retired(router: RouterStage) -> None:
    router.router.apply(table(router, "1"))
    for pool in ("a1", "c1"):
        with pytest.raises(ValueError, match=f"a route leads to '{pool}'"):
            router.router.retire(pool)
    assert answers(router) == ["1", "1", "1"]


def test_unknown_pools_are_no_trouble(router: RouterStage) -> None:
    assert router.router.connections("never heard of") == 0
    router.router.retire("never heard of")


def _with_hosts(old: RouteTable, hosts: Mapping[str, str]) -> RouteTable:
    return replace(old, hosts={**old.hosts, **hosts})


IMPOSSIBLE: dict[str, Callable[[RouteTable, Pool], RouteTable]] = {
    "a host name that is none": lambda old, pool: _with_hosts(old, {"no host": "a1"}),
    "an address that is none": lambda old, pool: replace(old, addresses={Endpoint("web", 1): "c1"}),
    "an instance without an address": lambda old, pool: replace(
        old, pools={**old.pools, "p": Pool(name="p", endpoints=(Endpoint("web", 1),))}
    ),
    "a pool of another kind": lambda old, pool: replace(
        old, hosts={}, pools={**old.pools, "a1": Pool(name="a1", endpoints=(), http=False)}
    ),
    "too many": lambda old, pool: replace(
        old, pools={**old.pools, **{f"p{n}": Pool(name=f"p{n}", endpoints=()) for n in range(SLOTS)}}
    ),
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_a_table_that_can_not_be_served_changes_nothing(router: RouterStage, what: str) -> None:
    served = table(router, "1")
    router.router.apply(served)
    pool = Pool(name="new", endpoints=(router.instance("new"),))
    impossible = IMPOSSIBLE[what](served, pool)
    impossible = replace(
        impossible, hosts={**impossible.hosts, OTHER: "new"}, pools={**impossible.pools, "new": pool}
    )
    with pytest.raises((ValueError, CalzionError)) as caught:
        router.router.apply(impossible)
    if isinstance(caught.value, CalzionError):
        assert caught.value.code == "failed" and caught.value.hint
    assert answers(router) == ["1", "1", "1"]
    assert router.router.pools == {"a1", "b1", "c1"}
    router.router.apply(served)


def test_after_a_restart_the_last_table_serves(router: RouterStage) -> None:
    ports = router.router.internal_ports
    router.router.apply(table(router, "1"))
    last = table(router, "2")
    router.router.apply(last)
    held = router.hold(HOST)
    with router.away():
        assert held.cut()
    assert answers(router) == ["2", "2", "2"]
    assert router.router.internal_ports == ports
    assert router.router.pools == {"a1", "b1", "c1", "a2", "b2", "c2"}
    assert router.router.connections("a2") == 0
    router.router.apply(last)
    router.router.retire("a1")
    assert answers(router) == ["2", "2", "2"]


def test_a_router_that_is_away_says_so_and_takes_the_table_later(router: RouterStage) -> None:
    router.router.apply(table(router, "0"))
    router.router.apply(table(router, "1"))
    later = table(router, "2")
    asked: list[Callable[[Router], object]] = [
        lambda router: router.apply(later),
        lambda router: router.connections("a1"),
        lambda router: router.retire("a0"),
    ]
    with router.away():
        for ask in asked:
            with pytest.raises(CalzionError, match="the router does not answer") as caught:
                ask(router.router)
            assert caught.value.code == "failed"
        assert router.router.pools == {"a0", "b0", "c0", "a1", "b1", "c1"}
    assert answers(router) == ["1", "1", "1"]
    router.router.apply(later)
    assert answers(router) == ["2", "2", "2"]


def test_every_port_of_a_service_has_one_at_its_address(router: RouterStage) -> None:
    ports = router.router.internal_ports
    assert len(set(ports)) == len(ports) >= 2
    ends = {name: Pool(name=name, endpoints=(router.instance(name),), http=False) for name in ("t0", "t1")}
    routes = {Endpoint(SERVICE, port): f"t{index}" for index, port in enumerate(ports[:2])}
    router.router.apply(RouteTable(addresses=routes, pools=ends))
    assert [router.ask(router.internal(index)) for index in (0, 1)] == ["t0", "t1"]
    assert router.ask(Endpoint("127.64.9.9", ports[0])) == ""
