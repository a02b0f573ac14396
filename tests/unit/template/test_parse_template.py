"""What a template means when nothing is wrong with it."""

from __future__ import annotations

from textwrap import dedent

import pytest

from calzion.model import (
    Generate,
    Healthcheck,
    Label,
    Port,
    ServiceDefinition,
    ServiceName,
    Stop,
    Task,
    TaskName,
    Template,
    Volume,
)
from calzion.template import parse_template


def parse(text: str, secrets: frozenset[str] = frozenset()) -> Template:
    return parse_template(dedent(text).encode(), secrets=secrets)


def service(text: str) -> ServiceDefinition:
    """The service `web` with the keys in `text`."""
    [found] = parse(f"web: {{{text}}}").services
    return found


def test_the_smallest_useful_template_has_three_services() -> None:
    template = parse("""
        mycompany/redis:
        mycompany/postgres:
        my-webapp:
          git: .
        """)
    assert template == Template(
        services=(
            ServiceDefinition(name=ServiceName("redis"), image="mycompany/redis"),
            ServiceDefinition(name=ServiceName("postgres"), image="mycompany/postgres"),
            ServiceDefinition(name=ServiceName("my-webapp"), git="."),
        )
    )


def test_every_key_reaches_the_definition() -> None:
    [web, _] = parse("""
        web:
          git: ./apps//web/
          cmd: gunicorn -b :$PORT ${NOT_MINE}
          env: {B: "2", A: 1}
          ports: {http: 8000, admin: assign}
          volumes: {files: /files, data: /var/data}
          processes: [worker, web]
          release: python migrate.py
          healthcheck: {path: /healthz, port: http, interval: 500ms, timeout: 2, grace: 2m}
          require: [redis]
          stop: {signal: INT, timeout: 1h}
          labels: {com.example/team: red}
        redis:
        """).services
    assert web == ServiceDefinition(
        name=ServiceName("web"),
        git="apps/web",
        cmd="gunicorn -b :$PORT ${NOT_MINE}",
        env=(("A", "1"), ("B", "2")),
        ports=(Port(name="admin"), Port(name="http", number=8000)),
        volumes=(Volume(name="data", path="/var/data"), Volume(name="files", path="/files")),
        processes=("web", "worker"),
        release="python migrate.py",
        healthcheck=Healthcheck(path="/healthz", port="http", interval=0.5, timeout=2.0, grace=120.0),
        require=(ServiceName("redis"),),
        stop=Stop(signal="SIGINT", timeout=3600.0),
        labels=(("com.example/team", "red"),),
    )


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1.10", "1.10"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("true", "true"),
        ("22:22", "22:22"),
        ("0o17", "0o17"),
        ("007", "007"),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        ("2024-01-01", "2024-01-01"),
        ("'1'", "1"),
        ('""', ""),
        ('"a\\nb"', "a\nb"),
        ("ünï", "ünï"),
    ],
)
def test_env_values_stay_as_written(written: str, value: str) -> None:
    assert service(f"image: x, env: {{A: {written}}}").env == (("A", value),)


def test_keys_stay_as_written_too() -> None:
    assert service("image: x, env: {NO: 1, y: 2}").env == (("NO", "1"), ("y", "2"))


def test_env_of_a_service_lies_over_that_of_all() -> None:
    template = parse("""
        web: {image: x, env: {LEVEL: debug}}
        other:
        Env: {LEVEL: info, ZONE: b}
        """)
    web, other = template.services
    assert template.env == (("LEVEL", "info"), ("ZONE", "b"))
    assert web.env == (("LEVEL", "debug"), ("ZONE", "b"))
    assert other.env == template.env


def test_generate_has_a_default_length() -> None:
    template = parse("a:\nGenerate: {LONG: {length: 64}, DEFAULT: }")
    assert template.generate == (Generate(name="DEFAULT", length=32), Generate(name="LONG", length=64))


@pytest.mark.parametrize(
    ("keys", "ports"),
    [
        ("", (Port(),)),
        ("port: 80,", (Port(number=80),)),
        ("port: assign,", (Port(),)),
        ("ports: [b, a],", (Port(name="a"), Port(name="b"))),
        ("ports: {a: 0x50},", (Port(name="a", number=80),)),
        ("ports: {},", ()),
    ],
)
def test_ports(keys: str, ports: tuple[Port, ...]) -> None:
    assert service(f"{keys} image: x").ports == ports


@pytest.mark.parametrize(
    ("key", "name", "image"),
    [
        ("redis", "redis", "redis"),
        ("'redis:7'", "redis", "redis:7"),
        ("registry.example.com:5000/team/app:v1", "app", "registry.example.com:5000/team/app:v1"),
        ("8080", "8080", "8080"),
    ],
)
def test_a_key_without_a_source_is_an_image_reference(key: str, name: str, image: str) -> None:
    [found] = parse(f"{key}: ").services
    assert (found.name, found.image) == (name, image)


def test_short_forms() -> None:
    found = service("image: x, healthcheck: /up, cmd: [sleep, 30], entrypoint: [/bin/tini, --]")
    assert found.healthcheck == Healthcheck(path="/up")
    assert found.cmd == ("sleep", "30")
    assert found.entrypoint == ("/bin/tini", "--")
    assert service("image: x, healthcheck: {cmd: [ping]}").healthcheck == Healthcheck(cmd=("ping",))


def test_empty_maps_and_lists_may_be_left_empty() -> None:
    empty = service("image: x, env: , labels: , volumes: , require: ")
    assert empty == ServiceDefinition(name=ServiceName("web"), image="x")
    assert parse("a:\nEnv:\nGenerate:\n").env == ()


def test_anchors_and_aliases_share_values() -> None:
    first, second = parse("a: {image: x, env: &e {A: 1}}\nb: {image: y, env: *e}").services
    assert first.env == second.env == (("A", "1"),)


def test_references_may_name_secrets_generated_values_env_and_built_in_names() -> None:
    template = parse(
        """
        web:
          image: ${REGISTRY}/web:${TAG}
          env: {URL: "http://${DEPLOYMENT}/${SERVICE}?${TOKEN}", LITERAL: "$${NOTHING}", TAG: "${TAG}"}
          volumes: {data: "/data/${SERVICE}"}
          healthcheck: /up/${TAG}
          cmd: echo ${SHELL_ONLY}
        Env: {TAG: v1, REGISTRY: "registry.example.com", TOKEN: "${TOKEN}"}
        Generate: {TOKEN: }
        """,
        secrets=frozenset({"KEY"}),
    )
    assert template.services[0].image == "${REGISTRY}/web:${TAG}"
    assert parse("a: {image: x, env: {K: '${KEY}'}}", secrets=frozenset({"KEY"}))


def test_a_byte_order_mark_and_windows_lines_are_read() -> None:
    assert parse_template(b"\xef\xbb\xbfweb:\r\n  git: .\r\n") == parse("web: {git: .}")


def test_every_key_of_an_app_s_build_and_surroundings() -> None:
    web = service(
        "git: ., buildpacks: [./own, python], build_env: [B, A], env: {A: 1, B: 2}, overlap: false, privileged: true"
    )
    assert web.buildpacks == ("./own", "python") and web.build_env == ("A", "B")
    assert web.overlap is False and web.privileged is True


def test_a_dockerfile_s_directory() -> None:
    web = service("build: docker/")
    assert web.build == "docker" and web.image is None and web.git is None


def test_tasks_and_what_they_require() -> None:
    template = parse("""
        postgres:
        web: {git: ., require: [seed], expose: {postgres: DB}}
        Run:
          seed: {service: web, cmd: python seed.py, require: [postgres]}
          first: {service: web, cmd: [python, first.py]}
        """)
    first, seed = template.tasks
    assert seed == Task(
        name=TaskName("seed"), service=ServiceName("web"), cmd="python seed.py", require=(Label("postgres"),)
    )
    assert first.cmd == ("python", "first.py")
    assert template.services[1].require == ("seed",) and template.services[1].expose == (("postgres", "DB"),)
