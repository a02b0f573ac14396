"""Applying an infrastructure file to deployments that run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from calzion.controller.infrastructure import Infrastructure
from calzion.controller.views import deployment_view
from calzion.errors import CalzionError
from calzion.infrastructure import Target, parse_infrastructure
from calzion.model import DeploymentName, Limits, ServiceName
from calzion.progress import DONE
from tests.fakes.world import NAME, World

TEMPLATE = "shop: {git: shop}\ncalzion/redis:\n"
PROCFILE = {"shop": "web: serve\nworker: work"}
FILE = """
Scale: {app: {shop: 3, shop.worker: 2}}
Limits: {app: {shop: {memory: 64M, cpus: 0.5}, shop.worker: {memory: 32M}}}
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.deploy(TEMPLATE, PROCFILE)
    return world


def apply(world: World, text: str, confirmed: Sequence[str] = ()) -> None:
    world.events.clear()
    subject = Infrastructure(world.parts, world.traffic, world.deployer)
    subject.apply(parse_infrastructure(text.encode()), confirmed, world.events.append)
    world.settle()
    assert world.events[-1].kind == DONE
    assert [event.kind for event in world.events].count(DONE) == 1


def apply_quietly(world: World, text: str) -> None:
    """Without what only a router that answers can do."""
    subject = Infrastructure(world.parts, world.traffic, world.deployer)
    subject.apply(parse_infrastructure(text.encode()), (), world.events.append)


def planned(world: World, text: str) -> list[str]:
    subject = Infrastructure(world.parts, world.traffic, world.deployer)
    return [str(entry) for entry in subject.plan(parse_infrastructure(text.encode()))]


def running(world: World) -> dict[str, list[Limits]]:
    found: dict[str, list[Limits]] = {}
    for each in world.running():
        name = f"{each.service}.{each.process_type}"
        found.setdefault(name, []).append(world.backend.specs[each.id].limits)
    return found


def test_counts_and_limits_take_effect_and_a_second_time_changes_nothing(world: World) -> None:
    assert len(planned(world, FILE)) == 4
    assert len(running(world)["shop.web"]) == 1, "a plan changes nothing"
    apply(world, FILE)
    found = running(world)
    assert [(each.memory, each.cpus) for each in found["shop.web"]] == [(64 << 20, 0.5)] * 3
    assert [(each.memory, each.cpus) for each in found["shop.worker"]] == [(32 << 20, 0.5)] * 2
    assert found["redis.server"][0].memory is None
    world.check()
    before = {each.id for each in world.running()}
    assert planned(world, FILE) == []
    apply(world, FILE)
    assert {each.id for each in world.running()} == before
    world.deploy(TEMPLATE, PROCFILE)
    assert {each.id for each in world.running()} == before, "limits are no part of a release"


def test_what_the_file_drops_is_removed_once_that_was_confirmed(world: World) -> None:
    apply(world, FILE)
    with pytest.raises(CalzionError, match="would remove Scale app:shop"):
        apply(world, "Scale: {app: {shop.worker: 2}}")
    assert len(running(world)["shop.web"]) == 3
    removed = ["Scale app:shop", "Limits app:shop", "Limits app:shop.worker"]
    apply(world, "Scale: {app: {shop.worker: 2}}", removed)
    found = running(world)
    assert (len(found["shop.web"]), len(found["shop.worker"])) == (1, 2)
    assert {each.memory for each in found["shop.web"] + found["shop.worker"]} == {None}
    world.check()


def test_what_keeps_data_gets_its_limits_in_place(world: World) -> None:
    before = {each.id for each in world.running()}
    apply(world, "Limits: {app: {redis: {memory: 128M}}}")
    assert running(world)["redis.server"][0].memory == 128 << 20
    assert {each.id for each in world.running()} == before
    assert planned(world, "Limits: {app: {redis: {memory: 128M}}}") == []


def test_a_deployment_to_come_begins_as_declared(tmp_path: Path) -> None:
    world = World(tmp_path)
    apply(world, FILE)
    assert planned(world, FILE) == []
    world.deploy(TEMPLATE, PROCFILE)
    found = running(world)
    assert [each.memory for each in found["shop.web"]] == [64 << 20] * 3
    assert len(found["shop.worker"]) == 2
    assert planned(world, FILE) == [], NAME


def test_instances_start_again_after_a_crash_within_the_limits_they_had(world: World) -> None:
    apply(world, FILE)
    world.lose_power()
    world.recover()
    assert {each.memory for each in running(world)["shop.web"]} == {64 << 20}
    assert planned(world, FILE) == []


DOMAINS = """
Domains:
  example.com: {http: app:shop, paths: {/later: app:later}, sticky: true}
  old.test: {redirect: "https://example.com"}
"""
SHOP, LATER = (Target(NAME, ServiceName(name)) for name in ("shop", "later"))


def test_domains_are_routed_shown_and_taken_back(world: World) -> None:
    assert [entry.split(":")[0] for entry in planned(world, DOMAINS)] == [
        "Domains example.com added",
        "Domains old.test added",
    ]
    before = {each.id for each in world.running()}
    apply(world, DOMAINS)
    table = world.router.table
    assert table.domains["example.com"].paths == {"/": SHOP, "/later": LATER}
    assert set(table.services) == {SHOP} and table.services[SHOP] == table.hosts["app.localhost"]
    assert deployment_view(world.parts, NAME)["urls"][0] == "http://example.com"
    assert planned(world, DOMAINS) == []
    world.deploy(TEMPLATE, {"shop": "web: serve anew\nworker: work"})
    assert world.router.table.services[SHOP] != table.services[SHOP], "the domain follows the release"
    assert {each.id for each in world.running()} != before
    apply(world, "", ["Domains example.com", "Domains old.test"])
    assert not world.router.table.domains and not world.router.table.services


def test_a_port_that_the_router_holds_leads_to_a_service(world: World) -> None:
    file = "Ports: {':5001': 'app:shop', ':5002': 'app:none'}"
    assert planned(world, file) == ["Ports :5001 added: app:shop", "Ports :5002 added: app:none"]
    apply(world, file)
    table = world.router.table
    (pool,) = table.ports.values()
    assert set(table.ports) == {5001} and pool in table.addresses.values()
    assert planned(world, file) == []
    with pytest.raises(CalzionError, match=r"does not hold the port 6000.*it holds 5000-5009"):
        planned(world, "Ports: {':6000': 'app:shop'}")
    apply(world, "", ["Ports :5001", "Ports :5002"])
    assert not world.router.table.ports


def test_a_domain_of_another_deployment_is_refused(world: World) -> None:
    world.deploy("shop: {git: shop}\n", PROCFILE, name=DeploymentName("other"))
    for host in ("other.localhost", "shop.other.localhost", "*.other.localhost"):
        with pytest.raises(CalzionError, match="belongs to other") as caught:
            planned(world, f"Domains: {{'{host}': 'app:shop'}}")
        assert caught.value.code == "conflict"
    assert planned(world, "Domains: {shop.other.localhost: 'other:shop'}")


def test_passwords_show_in_no_plan(world: World) -> None:
    first, second = (f"$2b$04${letter * 53}" for letter in "ab")
    one, two = (
        f"Domains: {{example.com: {{http: 'app:shop', auth: {{alice: {each}}}}}}}" for each in (first, second)
    )
    apply(world, one)
    (entry,) = planned(world, two)
    assert entry == "Domains example.com changed: leads to app:shop; passwords of alice -> other passwords"
    assert world.router.table.domains["example.com"].auth == {"alice": first}
    told = " ".join(str(event) for event in world.events)
    assert "$2b$" not in told and "alice" in told


def test_domains_that_the_router_did_not_hear_of_follow(world: World) -> None:
    world.router.away = True
    apply_quietly(world, DOMAINS)
    world.router.away = False
    world.traffic.catch_up()
    assert "example.com" in world.router.table.domains
