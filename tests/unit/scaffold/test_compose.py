"""Compose files in the shapes that repositories have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from calzion.errors import CalzionError
from calzion.scaffold import Checkout, make_scaffold

Make = Callable[..., Any]

DJANGO = """
    version: "3.9"
    x-app: &app
      build: {context: ., args: {DEV: "1"}}
      env_file: [.env]
      volumes:
        - .:/code
        - static:/code/static
        - /code/node_modules
      depends_on:
        db: {condition: service_healthy}
        redis: {condition: service_started}
    services:
      web:
        <<: *app
        container_name: shop_web
        command: gunicorn shop.wsgi --bind 0.0.0.0:8000 --workers ${WEB_WORKERS:-3}
        ports: ["8000:8000"]
        environment:
          - DJANGO_SECRET_KEY=django-insecure-abcdef
          - DEBUG=0
          - DATABASE_URL=postgres://shop:s3cretpw@db:5432/shop
          - STRIPE_SECRET_KEY
          - PLAIN_DOLLAR=a$$b
        healthcheck:
          test: ["CMD", "curl", "-f", "http://localhost:8000/healthz/"]
          interval: 30s
          timeout: 1m30s
          start_period: 40s
        deploy: {replicas: 2, resources: {limits: {cpus: "0.5"}}}
        restart: always
        networks: [backend]
      celery_worker:
        <<: *app
        command: celery -A shop worker
        stop_grace_period: 1m30s
        stop_signal: SIGINT
      flower:
        image: mher/flower:2.0
        profiles: [debug]
      db:
        image: postgres:15-alpine
        environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: s3cretpw, POSTGRES_DB: shop}
        volumes:
          - pgdata:/var/lib/postgresql/data/
          - ./init.sql:/docker-entrypoint-initdb.d/init.sql:ro
        healthcheck: {test: [CMD-SHELL, pg_isready -U shop]}
        ports: ["127.0.0.1:5432:5432"]
        privileged: true
      redis:
        image: redis:7
        command: redis-server --requirepass redispw123
        environment: {REDIS_PASSWORD: redispw123}
        sysctls: {net.core.somaxconn: 1024}
    volumes: {pgdata: , static: {external: true}}
    networks: {backend: }
    secrets: {a: {file: ./a.txt}}
"""


def test_a_django_project(make: Make) -> None:
    made = make(
        {
            "docker-compose.yml": DJANGO,
            "docker-compose.prod.yml": "services: {}",
            "requirements.txt": "django",
            ".env.example": "SENTRY_DSN=\nexport LOG_LEVEL='info' # why\nEMAIL_HOST=smtp.example.com\n",
        }
    )
    web, worker, db = made.services["web"], made.services["celery-worker"], made.services["db"]
    assert list(made.services) == ["web", "celery-worker", "db", "redis"]
    assert (web.git, web.cmd) == (".", "gunicorn shop.wsgi --bind 0.0.0.0:$PORT --workers 3")
    assert [port.number for port in web.ports] == [None]
    assert worker.ports == ()
    assert made.env("web") == {
        "SENTRY_DSN": "${SENTRY_DSN}",
        "LOG_LEVEL": "info",
        "EMAIL_HOST": "smtp.example.com",
        "DJANGO_SECRET_KEY": "${DJANGO_SECRET_KEY}",
        "DEBUG": "0",
        "DATABASE_URL": "postgres://shop:${POSTGRES_PASSWORD}@db:5432/shop",
        "STRIPE_SECRET_KEY": "${STRIPE_SECRET_KEY}",
        "PLAIN_DOLLAR": "a$b",
    }
    assert made.scaffold.generate == ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "DJANGO_SECRET_KEY")
    assert made.scaffold.wanted == ("SENTRY_DSN", "STRIPE_SECRET_KEY")
    check = web.healthcheck
    assert (check.path, check.interval, check.timeout, check.grace) == ("/healthz/", 30, 90, 40)
    assert [(volume.name, volume.path) for volume in web.volumes] == [("static", "/app/static")]
    assert web.require == ("db", "redis")
    assert (worker.stop.signal, worker.stop.timeout) == ("SIGINT", 90)
    assert db.image == "postgres"
    assert [(volume.name, volume.path) for volume in db.volumes] == [("pgdata", "/var/lib/postgresql/data")]
    assert made.services["redis"].cmd == 'redis-server --requirepass "$REDIS_PASSWORD"'
    for secret in ("s3cretpw", "redispw123", "django-insecure"):
        assert secret not in made.text + "".join(made.scaffold.left + made.scaffold.decided)
    said = "\n".join([*made.scaffold.left, *made.scaffold.decided])
    for word in (
        "flower: the service, which belongs to the profile debug",
        "web: the bind mount of . at /app: code comes from the commit",
        "db: the bind mount of ./init.sql",
        "db: privileged",
        "redis: sysctls",
        "web: networks (backend)",
        "web: deploy.replicas",
        "web: deploy.resources",
        "web: build.args",
        "web: the host port 8000",
        "web: its command has $PORT in place of 8000",
        "db: the host port 127.0.0.1:5432",
        "the section secrets",
        "the volume static",
        "the service was named celery_worker",
        "not read: docker-compose.prod.yml",
        "db: postgres:15-alpine is written without its tag",
    ):
        assert word in said, word


def test_long_forms(make: Make) -> None:
    made = make(
        {
            "compose.yaml": """
                services:
                  mail:
                    image: axllent/mailpit:v1
                    ports:
                      - {target: 8025, published: "8025", protocol: tcp, mode: host}
                      - 1025
                      - "9000:9000/udp"
                      - "3000-3005:3000-3005"
                      - "[::1]:7000:7001"
                    expose: ["8025", 9100]
                    volumes:
                      - {type: volume, source: mail data, target: /data}
                      - {type: bind, source: ./x, target: /etc/x.conf, read_only: true}
                      - {type: tmpfs, target: /scratch}
                      - /cache
                      - ~/.ssh:/root/.ssh
                      - /var/run/docker.sock:/var/run/docker.sock
                    labels: [traefik.enable=true, team=mail]
                    entrypoint: [/mailpit, --verbose]
                    command: --smtp-auth-accept-any
                    env_file:
                      - path: mail.env
                        required: false
                    depends_on: [nothing]
                    extra_hosts: [a:b]
            """,
            "mail.env": "MP_MAX=5\n# MP_OFF=1\nMP_SMTP_PASSWORD='two words'\n",
        }
    )
    mail = made.services["mail"]
    assert [(port.name, port.number) for port in mail.ports] == [
        ("port-1025", 1025),
        ("port-7001", 7001),
        ("port-8025", 8025),
        ("port-9100", 9100),
    ]
    assert [(volume.name, volume.path) for volume in mail.volumes] == [
        ("cache", "/cache"),
        ("mail-data", "/data"),
    ]
    assert mail.entrypoint == ("/mailpit", "--verbose")
    assert mail.cmd == "--smtp-auth-accept-any"
    assert dict(mail.labels) == {"team": "mail"}
    assert mail.require == ()
    assert made.env("mail") == {"MP_MAX": "5", "MP_SMTP_PASSWORD": "${MP_SMTP_PASSWORD}"}
    left = "\n".join(made.scaffold.left)
    for word in (
        "9000/udp",
        "3000-3005",
        "/etc/x.conf",
        "tmpfs mount at /scratch",
        "~/.ssh",
        "no service reaches",
        "traefik",
        "extra_hosts",
    ):
        assert word in left, word


def test_a_service_that_ends_is_no_service(make: Make) -> None:
    made = make(
        {
            "compose.yaml": """
                services:
                  migrate: {build: ., command: ./migrate, restart: "no"}
                  web:
                    build: .
                    command: ["python", "app.py", "--name", "two words"]
                    depends_on: {migrate: {condition: service_completed_successfully}}
            """,
            "requirements.txt": "",
        }
    )
    assert list(made.services) == ["web"]
    assert made.services["web"].cmd == "python app.py --name 'two words'"
    assert made.services["web"].require == ()
    assert "migrate: the service, which runs to its end" in made.scaffold.left[0]


def test_a_procfile_goes_before_the_commands_of_a_compose_file(make: Make) -> None:
    made = make(
        {
            "compose.yaml": """
                services:
                  app:
                    build: .
                    command: ./manage.py runserver
                    ports: ["8000:8000"]
                    environment: {A: "1"}
                    depends_on: [redis]
                  worker: {build: ., command: celery worker, environment: {B: "2"}}
                  beat: {build: ., command: celery beat, depends_on: [worker, redis]}
                  redis: {image: redis}
            """,
            "Procfile": "web: gunicorn app\nworker: celery worker\n",
            "requirements.txt": "",
        }
    )
    assert sorted(made.services) == ["app", "beat", "redis"]
    assert made.services["app"].cmd is None
    assert made.env("app") == {"A": "1", "B": "2"}
    assert made.services["beat"].processes == ("web",)
    assert made.services["beat"].require == ("redis",)
    assert made.env("redis") == {"REDIS_PASSWORD": ""}
    assert "worker: it is a process of app, by its Procfile" in made.scaffold.decided


def test_only_data_services_are_in_the_compose_file(make: Make) -> None:
    made = make(
        {
            "docker-compose.yml": "services: {postgres: {image: 'postgres:17'}, mq: {image: 'rabbitmq:3-management'}}",
            "package.json": '{"scripts": {"start": "node ."}}',
            "app.json": '{"addons": ["heroku-postgresql", "heroku-redis"]}',
        }
    )
    assert sorted(made.services) == ["mq", "postgres", "redis", "shop"]
    assert made.services["mq"].image == "rabbitmq:3-management"


def test_a_build_that_no_buildpack_knows(make: Make) -> None:
    made = make(
        {
            "compose.yml": """
                services:
                  api: {build: {context: ./api, dockerfile: Dockerfile.prod, target: run}, image: me/api}
                  far: {build: ../elsewhere}
                  remote: {build: "https://example.com/x.git#main"}
                  web: {build: "${WEB_DIR:-./web}"}
            """,
            "api/go.mod": "",
            "web/package.json": "{}",
        }
    )
    assert (made.services["api"].build, made.services["api"].image) == ("api", None)
    assert made.services["web"].git == "web"
    assert sorted(made.services) == ["api", "web"]
    left = "\n".join(made.scaffold.left)
    for word in (
        "api: build.target",
        "api: build.dockerfile: Dockerfile.prod",
        "far: the build of ../elsewhere",
        "remote: the build",
    ):
        assert word in left, word


def test_names_of_the_environment(make: Make) -> None:
    made = make(
        {
            "compose.yaml": """
                services:
                  web:
                    image: example/web:${TAG:-1.0}
                    ports: ["${PORT:-3000}:${PORT:-3000}", "${NOT_KNOWN}:${NOT_KNOWN}"]
                    command: serve --level $LEVEL --token $API_TOKEN --home $$HOME
                    environment:
                      NESTED: ${A:-${B:-${C-deep}}}
                      GIVEN: ${LEVEL}
                      ALTERNATIVE: ${LEVEL:+yes}
                      REQUIRED: ${MUST_BE:?say it}
                      CLOSED: ${LEVEL
                      LITERAL: $${LEVEL}
                      PORT: 3000
                      DB_PASSWORD: ${DB_PASSWORD}
                  db:
                    image: mysql:8
                    environment:
                      MYSQL_ROOT_PASSWORD: ${DB_PASSWORD}
                      MYSQL_ALLOW_EMPTY_PASSWORD: "no"
                    healthcheck: {test: mysqladmin ping -p$$MYSQL_ROOT_PASSWORD}
            """,
            ".env": "LEVEL=debug\nAPI_TOKEN=tok-123456\nDB_PASSWORD=hunter22\n",
        }
    )
    web = made.services["web"]
    assert web.image == "example/web:1.0"
    assert [port.number for port in web.ports] == [3000]
    assert web.cmd == "serve --level debug --token $API_TOKEN --home $HOME"
    assert made.env("web") == {
        "NESTED": "deep",
        "GIVEN": "debug",
        "ALTERNATIVE": "yes",
        "REQUIRED": "${MUST_BE}",
        "CLOSED": "$${LEVEL",
        "LITERAL": "$${LEVEL}",
        "DB_PASSWORD": "${DB_PASSWORD}",
        "API_TOKEN": "${API_TOKEN}",
    }
    assert made.env("db")["MYSQL_ALLOW_EMPTY_PASSWORD"] == "no"
    assert made.services["db"].healthcheck.cmd == "mysqladmin ping -p$MYSQL_ROOT_PASSWORD"
    assert made.scaffold.generate == ("DB_PASSWORD",)
    assert set(made.scaffold.wanted) == {"API_TOKEN", "MUST_BE"}
    assert "tok-123456" not in made.text
    assert "hunter22" not in made.text


def test_services_extend_others_of_the_file(make: Make) -> None:
    made = make(
        {
            "compose.yaml": """
                services:
                  base: {image: example/app, environment: {A: "1"}}
                  web: {extends: {service: base}, command: serve}
                  again: {extends: again, image: example/x}
            """
        }
    )
    assert made.services["web"].image == "example/app"
    assert made.env("web") == {"A": "1"}
    assert made.services["again"].image == "example/x"


def test_what_the_language_refuses_is_said(make: Make) -> None:
    made = make(
        {
            "compose.yaml": """
                services:
                  web:
                    image: Example/Web
                  ok:
                    image: example/ok
                    stop_signal: SIGWINCH
                    volumes: ["data:/proc/x", "more:/data"]
                    labels: {"bad label": x}
            """
        }
    )
    assert list(made.services) == ["ok"]
    assert [volume.name for volume in made.services["ok"].volumes] == ["more"]
    left = "\n".join(made.scaffold.left)
    for word in (
        "web: the service: 'Example/Web'",
        "ok: stop: 'SIGWINCH'",
        "ok: volumes data: '/proc/x'",
        "ok: labels bad label",
    ):
        assert word in left, word


def test_another_compose_file_or_none(make: Make) -> None:
    files = {
        "compose.yaml": "services: {a: {image: a}}",
        "deploy/docker-compose.prod.yml": "services: {b: {build: ..}}",
        "package.json": "{}",
    }
    assert list(make(files, compose="deploy/docker-compose.prod.yml").services) == ["b"]
    assert list(make(files, with_compose=False).services) == ["shop"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("services: [", "compose.yaml:1:12: this is not valid YAML"),
        ("services:\n  a: !reset null\n", "compose.yaml:2:6: the tag '!reset'"),
        ("a: 1\na: 2\n", "compose.yaml:2:1: the key 'a' stands twice"),
        ("- a\n", "compose.yaml:1:1: a Compose file is a map"),
        ("web: {image: x}\n", "has no map 'services'"),
        ("a: &a [" + "*b," * 3 + "]", "refers to no anchor"),
        (
            "x: &x {a: 1}\n" + "".join(f"y{n}: [" + "*x," * 1000 + "]\n" for n in range(20)),
            "more than 10000 keys",
        ),
        ("a: " + "[" * 50, "more than 32 maps and lists"),
    ],
)
def test_a_compose_file_that_can_t_be_read(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "compose.yaml").write_text(content)
    with pytest.raises(CalzionError) as raised:
        make_scaffold(Checkout(tmp_path), "shop")
    assert raised.value.code == "usage"
    assert sentence in "\n".join([raised.value.message, *(raised.value.detail or [])])


def test_comments_can_t_be_left_and_terminals_not_moved(make: Make) -> None:
    made = make(
        {
            "compose.yaml": r"""
                services:
                  a: {image: a, "x\nEvil: 1": 2, "\e[31m\u2028y": 1}
                  "b\nEvil:": {image: b, profiles: ["\e]0;x"]}
            """,
            "c\nEvil:/Procfile": "web: x\n",
        }
    )
    lines = [line.strip() for line in made.text.splitlines()]
    assert not [line for line in lines if line.startswith("Evil")]
    assert all(sentence.isprintable() for sentence in (*made.scaffold.left, *made.scaffold.decided))
    assert "\x1b" not in made.text


def test_bind_mounts_of_data_become_volumes(make: Make) -> None:
    made = make(
        {
            "docker-compose.yml": """
                services:
                  db:
                    image: postgres:14-alpine
                    shm_size: 256mb
                    volumes:
                      - ./postgres14:/var/lib/postgresql/data
                      - ./conf/pg.conf:/etc/pg.conf
                      - ./sql:/docker-entrypoint-initdb.d
                  search:
                    image: example/search
                    volumes: ["/srv/search:/data", "./index:/index", "./rules:/rules", "shared:/shared"]
                  web:
                    build: .
                    volumes: ["./public/system:/srv/app/public/system", "shared:/srv/app/shared", "./lib:/srv/app/lib"]
            """,
            "conf/pg.conf": "",
            "sql/a.sql": "",
            "rules/a.yaml": "",
            "lib/a.py": "",
            "requirements.txt": "",
            "Dockerfile": "FROM python\nWORKDIR /srv/app\n",
        }
    )
    found = {
        name: [(volume.name, volume.path) for volume in service.volumes]
        for name, service in made.services.items()
    }
    assert found == {
        "db": [("postgres14", "/var/lib/postgresql/data")],
        "search": [("index", "/index"), ("shared", "/shared")],
        "web": [("public-system", "/app/public/system"), ("shared", "/app/shared")],
    }
    assert "db: the bind mount of ./postgres14 at /var/lib/postgresql/data is a volume" in made.text.replace(
        "\n#   ", " "
    )
    left = "\n".join(made.scaffold.left)
    for word in ("conf/pg.conf", "./sql", "/srv/search", "./rules", "./lib at /app/lib", "shm_size"):
        assert word in left, word
    assert "the volume shared in common: search, web each have their own" in left


def test_a_new_name_is_written_where_a_host_is_named(make: Make) -> None:
    made = make(
        {
            "compose.yaml": """
                services:
                  my_db: {image: mysql:8}
                  web:
                    image: example/web
                    ports: ["${HTTP_PORT}:8000"]
                    environment:
                      DATABASE_URL: mysql://app@my_db:3306/my_db
                      API: http://my_db/x?my_db
                      DB_HOST: my_db
                      DB_SERVER: my_db:3306
                      DB_NAME: my_db
            """
        }
    )
    assert made.env("web") == {
        "DATABASE_URL": "mysql://app@my-db:3306/my_db",
        "API": "http://my-db/x?my_db",
        "DB_HOST": "my-db",
        "DB_SERVER": "my-db:3306",
        "DB_NAME": "my_db",
    }
    assert [port.number for port in made.services["web"].ports] == [8000]


def test_the_command_is_that_of_the_dockerfile_which_the_compose_file_names(make: Make) -> None:
    made = make(
        {
            "requirements.txt": "",
            "compose.yaml": """
                services:
                  web: {build: .}
                  jobs: {build: {context: ., dockerfile: docker/jobs}}
                  other: {build: {context: ., dockerfile: docker/none}}
                  outside: {build: {context: ., dockerfile: ../Dockerfile}}
                """,
            "Dockerfile": "FROM x\nCMD python web.py\n",
            "docker/jobs": "FROM x\nCMD python jobs.py\n",
            "docker/none": "FROM x\n",
        }
    )
    commands = {name: service.cmd for name, service in made.services.items()}
    assert commands == {"web": "python web.py", "jobs": "python jobs.py", "other": None, "outside": None}
