"""Which image a release runs: looked up once, kept by every release that wants the same, and pulled anew on demand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from calzion.controller.claim import Claim
from calzion.controller.locks import CancellationToken
from calzion.controller.pins import preferred
from calzion.controller.preparation import foresee
from calzion.controller.redeploy import redeploy
from calzion.controller.scaling import scale
from calzion.controller.store import deployments, instances, releases, secrets
from calzion.controller.views import deployment_view
from calzion.errors import CalzionError
from calzion.model import DeploymentName, RunSpec, Slug
from calzion.progress import Story
from calzion.routing.table import RouteTable
from tests.fakes.world import NAME, World

QUEUE = "queue: {image: 'mycompany/queue:3'}"
ASKS = QUEUE + "\nweb: {git: .}"
CODE = {"web": "web: serve"}
TARGET = DeploymentName("production")


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.backend.containers = True
    provide(world, "mycompany/queue:3", "1")
    return world


def provide(world: World, reference: str, digit: str, *ports: int) -> str:
    """Have the registry hold an image under the reference; returns its id."""
    slug = Slug(
        key=digit * 64,
        digest=f"{reference.partition(':')[0]}@sha256:{digit * 64}",
        root=None,
        language="image",
        process_types=(),
        image=f"sha256:{digit * 64}",
        ports=ports or (5672,),
        volumes=("/var/lib/queue",),
    )
    world.builder.registry[reference] = slug
    return slug.image


def order(world: World, service: str = "queue", deployment: str = NAME) -> RunSpec:
    """What runs of a service."""
    (found,) = (
        world.backend.specs[each.id]
        for each in world.running()
        if each.service == service and each.deployment == deployment
    )
    return found


def told(world: World) -> list[str]:
    return [event.text for event in world.events]


def pulls(world: World) -> int:
    return sum(line.startswith("Pulling ") for line in told(world))


def table(world: World) -> RouteTable:
    with world.parts.database.read() as connection:
        return world.traffic.table(connection)


def again(world: World, *, rebuild: bool) -> None:
    token, claim = CancellationToken(), Claim(user="t", commit="")
    with world.deployer.turn(NAME, "a test", world.events.append, token):
        redeploy(world.parts, world.deployer, NAME, claim, world.events.append, token, rebuild=rebuild)
    world.settle()


def test_others_reach_it_by_its_own_ports(world: World) -> None:
    image = provide(world, "mycompany/queue:3", "1", 5672, 27017)
    world.deploy(ASKS, CODE)
    spec, asks = order(world), order(world, "web").env
    assert (spec.image, spec.slug, spec.process_type, spec.command) == (image, None, "server", "")
    assert spec.ports == {"": 5672, "27017": 27017}
    assert (asks["QUEUE_PORT"], asks["QUEUE_PORT_27017"]) == ("5672", "27017")
    address = asks["QUEUE_HOST"]
    found = table(world)
    assert {each.port for each in found.addresses if each.host == address} == {5672, 27017}
    assert not [host for host in found.hosts if host.startswith("queue.")]
    assert any("write 'volumes: {data: /var/lib/queue}'" in line for line in told(world))
    assert any("QUEUE_PORT gives 5672" in line for line in told(world))


def test_host_names_lead_to_one_that_says_how_it_is_asked(world: World) -> None:
    world.deploy("page: {image: 'mycompany/queue:3', healthcheck: /, port: 80, cmd: [serve, it]}", {})
    assert order(world, "page").command == ("serve", "it") and order(world, "page").ports == {"": 80}
    assert f"page.{NAME}.{world.parts.domain}" in table(world).hosts


def test_a_moving_tag_changes_nothing_by_itself(world: World) -> None:
    first = provide(world, "mycompany/queue:3", "1")
    world.deploy(QUEUE, {})
    second = provide(world, "mycompany/queue:3", "2")
    world.deploy(QUEUE, {})
    assert order(world).image == first and pulls(world) == 1
    again(world, rebuild=False)
    assert order(world).image == first and pulls(world) == 1
    again(world, rebuild=True)
    assert order(world).image == second and pulls(world) == 2
    assert "queue   changed: image" in told(world)
    world.rollback()
    assert order(world).image == first and pulls(world) == 2


def test_another_reference_is_pulled(world: World) -> None:
    world.deploy(QUEUE.replace("3", "${TAG}") + "\nEnv: {TAG: '3'}", {})
    other = provide(world, "mycompany/queue:4", "4")
    world.deploy(QUEUE.replace("3", "${TAG}") + "\nEnv: {TAG: '4'}", {})
    assert order(world).image == other


def test_a_redeploy_takes_a_reference_with_the_secrets_of_now(world: World) -> None:
    text = QUEUE.replace("3", "${TAG}")
    set_tag(world, NAME, "3")
    world.deploy(text, {}, secrets=["TAG"])
    other = provide(world, "mycompany/queue:4", "4")
    set_tag(world, NAME, "4")
    again(world, rebuild=False)
    assert order(world).image == other


def test_what_is_promoted_is_the_same_image_where_the_reference_is_the_same(world: World) -> None:
    first = provide(world, "mycompany/queue:3", "1")
    text = QUEUE.replace("3", "${TAG}")
    set_tag(world, NAME, "3")
    world.deploy(text, {}, secrets=["TAG"])
    provide(world, "mycompany/queue:3", "2")
    set_tag(world, TARGET, "3")
    world.promote(TARGET)
    assert order(world, deployment=TARGET).image == first and pulls(world) == 1
    other = provide(world, "mycompany/queue:4", "4")
    set_tag(world, TARGET, "4")
    world.promote(TARGET)
    assert order(world, deployment=TARGET).image == other


def set_tag(world: World, name: DeploymentName, value: str) -> None:
    with world.parts.database.write() as connection:
        deployment = deployments.create(connection, name, None, 0.0)
        secrets.set_secret(connection, world.vault, deployment, "TAG", value, 0.0)


def test_nothing_is_pulled_for_a_plan_or_for_what_cannot_work(world: World) -> None:
    with pytest.raises(CalzionError) as caught:
        world.deploy(QUEUE.replace("}", ", privileged: true}"), {})
    assert "allow-privileged" in caught.value.hint
    with pytest.raises(CalzionError):
        world.deploy(QUEUE + "\nRun: {seed: {service: redis, cmd: x}}\nmycompany/redis:", {})
    assert pulls(world) == 0
    world.deploy(ASKS, CODE)
    with world.parts.database.read() as connection:
        found = deployments.find(connection, NAME)
        assert found
        current = releases.current(connection, found.id)
        assert current
        services = releases.services(connection, current.id)
    bare = [replace(each, slug="" if each.definition.image else each.slug) for each in services]
    assert not foresee(world.parts, found, current, bare, {}).plan.changes_something
    changed = [
        replace(each, definition=replace(each.definition, image="mycompany/queue:4"))
        if each.definition.image
        else each
        for each in bare
    ]
    plan = foresee(world.parts, found, current, changed, {}).plan
    assert plan.changes() == ["queue changed: image"]
    assert pulls(world) == 1


def test_two_of_an_image_share_its_address(world: World) -> None:
    world.deploy(QUEUE, {})
    token = CancellationToken()
    story = Story(world.events.append)
    scale(world.parts, world.traffic, NAME, {("queue", "web"): 2}, story, token)
    assert [each.service for each in world.running()] == ["queue", "queue"]
    (pool,) = table(world).pools.values()
    assert [each.port for each in pool.endpoints] == [5672, 5672]
    (shown,) = deployment_view(world.parts, NAME)["services"]
    assert (shown["kind"], shown["digest"]) == ("image", f"mycompany/queue@sha256:{'1' * 64}")
    assert shown["processes"] == {"server": 2}


def test_what_allows_privileges(world: World) -> None:
    world.parts = replace(world.parts, allow_privileged=True)
    world.deployer = type(world.deployer)(world.parts, world.traffic)
    world.deploy(QUEUE.replace("}", ", privileged: true, labels: {team: ours}}"), {})
    assert order(world).privileged and dict(order(world).labels) == {"team": "ours"}


def test_a_failed_pull_names_the_service_and_leaves_what_serves(world: World) -> None:
    world.deploy(ASKS, CODE)
    with pytest.raises(CalzionError) as caught:
        world.deploy(ASKS.replace("queue:3", "queue:none"), CODE)
    assert caught.value.message == "queue: mycompany/queue:none can't be pulled: there is none"
    assert "v1 keeps serving" in caught.value.hint
    world.check()


def test_only_assigned_ports_are_an_instances_own(world: World) -> None:
    provide(world, "mycompany/queue:3", "1", 27017)
    world.deploy(ASKS + "\nother: {image: 'mycompany/queue:3'}", CODE)
    with world.parts.database.read() as connection:
        assigned = instances.assigned_ports(connection)
    assert assigned == {order(world, "web").id: frozenset(order(world, "web").ports.values())}


def test_what_is_wanted_is_of_the_repository_that_the_template_names() -> None:
    pin = f"mycompany/queue@sha256:{'1' * 64}"
    assert preferred("mycompany/queue:3", pin) == (pin, "mycompany/queue:3")
    assert preferred("mycompany/other:3", pin) == ("mycompany/other:3",)
    assert preferred("mycompany/queue:3", "") == ("mycompany/queue:3",)
