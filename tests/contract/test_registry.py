"""What may be relied on, whatever keeps the registry."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from calzion.discovery.registration import Change, Registered, Registration, Selection, leader
from calzion.discovery.registry import Registry, Watch
from calzion.errors import CalzionError
from tests.contract.registry_stage import TTL, RegistryStage, web
from tests.integration.etcd_server import until

ALL = Selection()
SHOP = Selection(deployment="shop")


@pytest.fixture
def registry(registry_place: RegistryStage) -> Registry:
    return registry_place.another()


def names(instances: Iterable[Registered]) -> list[str]:
    return [each.registration.instance for each in instances]


def held(registry: Registry, selection: Selection = ALL) -> list[str]:
    return names(registry.snapshot(selection).instances)


def told(watch: Watch, count: int) -> list[tuple[bool, Registration]]:
    """The next changes, `count` of them."""
    found: list[Change] = []
    until(lambda: found.extend(watch.take(1)) or len(found) >= count)
    return [(change.present, change.instance.registration) for change in found]


def test_what_is_registered_is_found_by_deployment_service_and_port(registry: Registry) -> None:
    lease = registry.grant(60)
    every = [
        web("a"),
        web("b", 5001),
        web("b", 5002, name="admin"),
        web("c", service="web-2"),
        web("d", deployment="shop-2"),
    ]
    for each in every:
        registry.register(lease, each)
    assert [each.registration for each in registry.snapshot(ALL).instances] == every
    assert held(registry, SHOP) == ["a", "b", "b", "c"]
    assert held(registry, Selection(deployment="shop", service="web")) == ["a", "b", "b"]
    assert held(registry, Selection(deployment="shop", service="web", port="")) == ["a", "b"]
    assert held(registry, Selection(deployment="shop", service="web", port="admin")) == ["b"]
    assert held(registry, Selection(deployment="sho")) == []


def test_withdrawn_is_gone_at_once_and_twice_is_no_error(registry: Registry) -> None:
    lease = registry.grant(60)
    registry.register(lease, web("a"))
    registry.register(lease, web("b"))
    registry.withdraw(web("a").key)
    registry.withdraw(web("a").key)
    assert held(registry) == ["b"]


def test_the_leader_is_the_earliest_and_stays_it(registry: Registry) -> None:
    first, second = registry.grant(60), registry.grant(60)
    for instance in ("z", "y", "x"):
        registry.register(first, web(instance))
    registry.register(second, web("z", 6000))
    found = registry.snapshot(SHOP).instances
    assert names(found) == ["z", "y", "x"]
    assert leader(found) == found[0] and found[0].registration.endpoint.port == 6000
    registry.withdraw(web("z").key)
    registry.register(second, web("z"))
    chosen = leader(registry.snapshot(SHOP).instances)
    assert chosen and chosen.registration.instance == "y"
    assert leader(()) is None


def test_none_stays_after_its_lease(registry: Registry) -> None:
    over, renewed, kept = registry.grant(TTL), registry.grant(TTL), registry.grant(60)
    registry.register(over, web("a"))
    registry.register(over, web("b"))
    registry.register(kept, web("b"))
    registry.register(renewed, web("c"))
    watch = registry.watch(registry.snapshot(ALL))
    gone: list[Change] = []
    until(lambda: (registry.renew(renewed) and gone.extend(watch.take(0.1))) or gone)
    assert [(change.present, change.instance.registration) for change in gone] == [(False, web("a"))]
    assert held(registry) == ["b", "c"]
    assert registry.renew(kept) and registry.renew(renewed) and not registry.renew(over)
    with pytest.raises(CalzionError, match="lease is over") as caught:
        registry.register(over, web("a"))
    assert caught.value.code == "conflict"
    watch.close()


def test_a_watch_tells_every_change_since_its_snapshot(registry: Registry) -> None:
    lease = registry.grant(60)
    registry.register(lease, web("a"))
    since = registry.snapshot(SHOP)
    registry.register(lease, web("b"))
    registry.withdraw(web("a").key)
    watch = registry.watch(since)
    assert sorted(told(watch, 2)) == [(False, web("a")), (True, web("b"))]
    registry.register(lease, web("c", deployment="shop-2"))
    registry.register(lease, web("b", 6000))
    assert told(watch, 1) == [(True, web("b", 6000))]
    registry.withdraw(web("b").key)
    assert told(watch, 1) == [(False, web("b", 6000))]
    assert not watch.trouble()
    watch.close()


def test_what_was_withdrawn_and_registered_again_is_another(registry: Registry) -> None:
    lease = registry.grant(60)
    registry.register(lease, web("a"))
    since = registry.snapshot(SHOP)
    registry.withdraw(web("a").key)
    registry.register(lease, web("a"))
    watch = registry.watch(since)
    changes: list[Change] = []
    until(lambda: changes.extend(watch.take(1)) or any(change.present for change in changes))
    assert changes[-1].instance.created > since.instances[0].created
    watch.close()


def test_a_snapshot_s_revision_grows(registry: Registry) -> None:
    before = registry.snapshot(ALL).revision
    registry.register(registry.grant(60), web("a"))
    assert registry.snapshot(ALL).revision > before
