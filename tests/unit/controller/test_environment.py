from __future__ import annotations

import pytest

from calzion.controller import environment
from calzion.controller.appliance import APPLIANCES, own_environment, url
from calzion.controller.environment import Neighbour
from calzion.controller.formation import app_processes
from calzion.controller.surroundings import Member, Surroundings
from calzion.errors import CalzionError
from calzion.model import DeploymentName, ServiceDefinition, ServiceName

POSTGRES = Neighbour(
    service="main-db", address="127.64.0.1", ports={"": 5432}, appliance="postgres", url="postgresql://x"
)


def surroundings(*definitions: ServiceDefinition, **more: object) -> Surroundings:
    members = {
        each.name: Member(
            definition=each,
            address=f"127.64.0.{number}",
            appliance=each.image.split("/")[-1] if each.image else None,
        )
        for number, each in enumerate(definitions, 1)
    }
    given = {"env": (), "generated": {}, "secrets": {}} | more
    return Surroundings(
        deployment=DeploymentName("app"), uid=1, members=members, internal_ports=(7077, 7078), **given
    )  # type: ignore[arg-type]


def app(name: str, **more: object) -> ServiceDefinition:
    return ServiceDefinition(name=ServiceName(name), git=".", **more)  # type: ignore[arg-type]


def image(name: str, **more: object) -> ServiceDefinition:
    return ServiceDefinition(name=ServiceName(name), image=f"calzion/{name}", **more)  # type: ignore[arg-type]


def test_addresses_of_the_others() -> None:
    env = environment.addresses(
        [POSTGRES, Neighbour(service="api", address="127.64.0.2", ports={"web": 7077, "admin": 7078})]
    )
    assert env["MAIN_DB_HOST"] == "127.64.0.1" and env["MAIN_DB_ADDR"] == "127.64.0.1:5432"
    assert env["API_PORT_WEB"] == "7077" and env["API_PORT_ADMIN"] == "7078" and env["API_PORT"] == "7077"


def test_one_of_a_kind_has_the_usual_name() -> None:
    assert environment.appliance_urls([POSTGRES])["DATABASE_URL"] == "postgresql://x"
    other = Neighbour(service="other", address="127.64.0.3", ports={"": 5432}, appliance="postgres", url="y")
    two = environment.appliance_urls([POSTGRES, other])
    assert "DATABASE_URL" not in two and two["OTHER_URL"] == "y"


def test_later_beats_earlier_and_nothing_else_leaks() -> None:
    around = surroundings(
        app("web", env=(("API_HOST", "mine"), ("KEY", "${TOKEN}-${DEPLOYMENT}"))),
        app("api"),
        image("redis"),
        generated={"TOKEN": "t", "redis.password": "p w"},
    )
    env = around.environment(around.members[ServiceName("web")])
    assert env["API_HOST"] == "mine" and env["KEY"] == "t-app"
    assert env["REDIS_URL"] == "redis://:p%20w@127.64.0.3:6379/0"
    assert "TOKEN" not in env and "WEB_HOST" not in env
    shown = dict(around.visible(around.members[ServiceName("web")]))
    assert shown["KEY"] == "${TOKEN}-${DEPLOYMENT}" and "t-app" not in shown.values()
    assert "p%20w" not in "".join(shown.values())


def test_an_appliance_ignores_what_it_does_not_read() -> None:
    around = surroundings(image("redis", env=(("LEVEL", "debug"),)), generated={"redis.password": "p"})
    redis = around.members[ServiceName("redis")]
    assert around.environment(redis) == {"REDIS_PASSWORD": "p"}
    before = surroundings(image("redis"), app("web"), generated={"redis.password": "p"})
    assert around.identity(redis, "") == before.identity(before.members[ServiceName("redis")], "")


def test_a_new_neighbour_changes_an_app_but_requirements_do_not() -> None:
    alone, both = surroundings(app("web")), surroundings(app("web"), app("api"))
    requiring = surroundings(app("web", require=(ServiceName("api"),)), app("api"))
    identity = [each.identity(each.members[ServiceName("web")], "c") for each in (alone, both, requiring)]
    assert identity[0] != identity[1] == identity[2]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, "app:made@h:5432/app"),
        ({"UNRELATED": "x"}, "app:made@h:5432/app"),
        ({"POSTGRES_PASSWORD": "p/w"}, "postgres:p%2Fw@h:5432/postgres"),
        ({"POSTGRES_USER": "me", "POSTGRES_PASSWORD": "p/w"}, "me:p%2Fw@h:5432/me"),
        ({"POSTGRES_DB": "shop"}, "postgres:made@h:5432/shop"),
        ({"POSTGRES_USER": "me", "POSTGRES_DB": "shop"}, "me:made@h:5432/shop"),
    ],
)
def test_credentials_from_the_template(given: dict[str, str], found: str) -> None:
    env = own_environment(APPLIANCES["postgres"], given, "made")
    assert url(APPLIANCES["postgres"], env, "h") == f"postgresql://{found}"


def test_redis_without_a_password() -> None:
    assert url(APPLIANCES["redis"], {"REDIS_PASSWORD": ""}, "h") == "redis://h:6379/0"


def test_an_unknown_reference_names_its_place() -> None:
    around = surroundings(app("web", env=(("A", "${NOTHING}"),)))
    with pytest.raises(CalzionError, match="web: env: A"):
        around.environment(around.members[ServiceName("web")])


def test_which_processes_run() -> None:
    types = (("release", "r"), ("web", "w"), ("worker", "k"))
    processes = app_processes(app("web"), types, {("web", "worker"): 3})
    assert [(each.type, each.count, each.routed) for each in processes] == [
        ("web", 1, True),
        ("worker", 3, False),
    ]
    chosen = app_processes(app("web", processes=("worker",)), types, {})
    assert [each.type for each in chosen] == ["worker"]
    with pytest.raises(CalzionError, match="'cron'"):
        app_processes(app("web", processes=("cron",)), types, {})
    with pytest.raises(CalzionError, match="no process"):
        app_processes(app("web"), (("release", "r"),), {})
