"""The shape of a template as pydantic models: which keys there are, what each means, and what it may hold."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from calzion.template.meaning import Meaning, OrNothing, OrShort
from calzion.template.values import (
    HEALTH_PATH,
    Buildpacks,
    CodeDirectory,
    CommandShape,
    Directory,
    Duration,
    EnvMap,
    EnvName,
    Exposed,
    Flag,
    Given,
    HealthPath,
    Image,
    Labels,
    Length,
    Period,
    PortName,
    PortNumber,
    Ports,
    ProcessTypes,
    ReleaseScript,
    Require,
    ServiceRef,
    Signal,
    TaskKey,
    TemplatePath,
    VariableNames,
    Volumes,
    emptied,
    emptied_list,
)


def _named_path(value: Any) -> Any:
    """`healthcheck: /healthz` is short for `healthcheck: {path: /healthz}`."""
    return {"path": value} if isinstance(value, str) else value


class Shape(BaseModel):
    """`nested` are the shapes of the maps below.

    For sentences: `what` is wanted, `noun` is what a key is called, `aside` follows an unknown one.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        model_title_generator=lambda shape: shape.__name__.removesuffix("Shape"),
    )

    what: ClassVar[str]
    noun: ClassVar[str] = "key"
    aside: ClassVar[str] = ""
    nested: ClassVar[dict[str, type[Shape]]] = {}


class HealthcheckShape(Shape):
    what = "a health check is a path such as /healthz, or a map"

    path: Annotated[HealthPath, Meaning("the path of an HTTP request", examples=("/healthz",))] = None
    port: Annotated[PortName, Meaning("the name of the port that is asked")] = ""
    cmd: Annotated[
        CommandShape | None,
        Given,
        Meaning(
            "a command in the instance instead of a request: healthy where it ends with 0; not with `path` and `port`"
        ),
    ] = None
    interval: Annotated[
        Period | None, Given, Meaning("from one check to the next, at least 0.1s", "2s", (5, "500ms"))
    ] = None
    timeout: Annotated[Period | None, Given, Meaning("how long one check may take, at least 0.1s", "5s")] = (
        None
    )
    grace: Annotated[
        Duration | None,
        Given,
        Meaning("how long a new instance may take until it is healthy", "60s", ("2m",)),
    ] = None


class StopShape(Shape):
    what = "stop is a map of signal and timeout"

    signal: Annotated[
        Signal, Meaning("how an instance is asked to end; `SIG` may be left out", "SIGTERM")
    ] = None
    timeout: Annotated[
        Duration | None, Given, Meaning("how long an instance may take to end", "30s", (10, "1m"))
    ] = None


class GenerateShape(Shape):
    what = "a generated value is a map such as {length: 32}, or empty"

    length: Annotated[Length, Meaning("how many characters of a-z, A-Z and 0-9, from 1 to 1024", "32")] = 32


class TaskShape(Shape):
    what = "a task is a map of service, cmd, require and sanitize"

    service: Annotated[ServiceRef, Meaning("the app in whose code and environment the command runs")]
    cmd: Annotated[CommandShape, Meaning("the command: text, which `bash -c` runs, or a list of arguments")]
    require: Annotated[Require, Meaning("a list of services that are up and tasks that are done before")] = (
        Field(default_factory=list)
    )
    sanitize: Annotated[
        Flag,
        Meaning(
            "`true` for a task that makes a copy of another deployment's data safe to use: it runs only where a "
            "deployment begins with such a copy, before anything else sees it",
            "`false`",
        ),
    ] = None


class ServiceShape(Shape):
    what = "a service is a map of keys, or empty"
    nested: ClassVar[dict[str, type[Shape]]] = {"healthcheck": HealthcheckShape, "stop": StopShape}

    image: Annotated[
        Image,
        Meaning(
            "an image reference: `[registry/]path[:tag][@digest]`",
            "the key, where there is no `git`",
            ("postgres", "mycompany/redis:7"),
        ),
    ] = None
    git: Annotated[
        CodeDirectory,
        Meaning(
            "the directory of the repository that holds an app; `.` is the root", examples=(".", "./web")
        ),
    ] = None
    build: Annotated[
        Directory, Meaning("the directory of a Dockerfile, instead of `git`; needs a container engine")
    ] = None
    cmd: Annotated[
        CommandShape | None,
        Given,
        Meaning(
            "the command: text, which `bash -c` runs, or a list of arguments",
            "the image's own; for an app its Procfile",
            ("gunicorn -b :$PORT app:app", ["python", "-m", "app"]),
        ),
    ] = None
    entrypoint: Annotated[
        CommandShape | None, Given, Meaning("text or a list, for images alone", "the image's own")
    ] = None
    env: Annotated[EnvMap, Meaning("a map of environment variables", examples=({"LOG_LEVEL": "info"},))] = (
        Field(default_factory=dict)
    )
    port: Annotated[PortNumber, Meaning("the number of the one port, or `assign`", "`assign`", (8000,))] = (
        None
    )
    ports: Annotated[
        Ports | None,
        Given,
        Meaning(
            "named ports: a map of names to numbers or `assign`, or a list of names (all assigned); `[]` for none",
            examples=({"http": "assign", "admin": 9000}, ["http", "admin"], []),
        ),
    ] = None
    volumes: Annotated[
        Volumes,
        Meaning(
            "a map of names to absolute paths; what is written there is kept across releases",
            examples=({"data": "/var/lib/data"},),
        ),
    ] = Field(default_factory=dict)
    buildpacks: Annotated[
        Buildpacks | None,
        Given,
        Meaning(
            "a list of buildpacks that run in order: `python`, `node`, `static`, `procfile`, a URL with `#ref`, or a "
            "directory of the app such as `./buildpack`",
            "those in `.buildpacks`, else detected",
            (["node", "python"],),
        ),
    ] = None
    build_env: Annotated[
        VariableNames,
        Meaning(
            "a list of variables from `env` or `Env` that the build sees though their values are secret or generated; "
            "the slug then belongs to these values"
        ),
    ] = Field(default_factory=list)
    processes: Annotated[
        ProcessTypes | None,
        Given,
        Meaning("a list: which process types of the Procfile run", "all but `release`", (["web", "worker"],)),
    ] = None
    release: Annotated[
        ReleaseScript,
        Meaning(
            "a command that runs once in the new release before traffic moves to it",
            "the Procfile's `release`",
            ("python manage.py migrate",),
        ),
    ] = None
    healthcheck: Annotated[
        HealthcheckShape,
        BeforeValidator(_named_path),
        OrShort(HEALTH_PATH.json_schema or {}),
        Meaning(
            "when an instance counts as healthy: a path such as `/healthz`, or a map",
            "its port accepts a connection",
            ("/healthz", {"path": "/healthz", "grace": "2m"}),
        ),
    ] = HealthcheckShape()
    require: Annotated[
        Require,
        Meaning(
            "a list of services that are up, and tasks of `Run` that are done, before this one starts; circles are a "
            "mistake"
        ),
    ] = Field(default_factory=list)
    expose: Annotated[
        Exposed,
        Meaning(
            "a map of other services to prefixes: `{postgres: DB}` gives `DB_HOST`, `DB_PORT`, `DB_ADDR` and `DB_URL` "
            "instead of `POSTGRES_…`",
            "the service's name in capitals",
            ({"postgres": "DB"},),
        ),
    ] = Field(default_factory=dict)
    stop: Annotated[
        StopShape,
        Meaning(
            "a map of `signal` and `timeout`: how an instance is asked to end, and how long it may take",
            "SIGTERM, 30s",
            ({"signal": "SIGINT", "timeout": "1m"},),
        ),
    ] = StopShape()
    overlap: Annotated[
        Flag,
        Meaning(
            "whether old and new instances may run at the same time",
            "`true`, but `false` for a service with volumes",
        ),
    ] = None
    labels: Annotated[Labels, Meaning("a map of labels for the engine")] = Field(default_factory=dict)
    privileged: Annotated[
        Flag,
        Meaning(
            "`true` gives a container all privileges, where the server's setting `allow-privileged` is `yes`; "
            "needs a container engine",
            "`false`",
        ),
    ] = None


Generated = Annotated[GenerateShape, BeforeValidator(emptied), OrNothing()]


class IncludesShape(Shape):
    """`Includes` is read before all files are merged; the other sections afterwards."""

    what = "a template is a map of services and sections"

    Includes: Annotated[
        list[TemplatePath],
        BeforeValidator(emptied_list),
        OrNothing(),
        Meaning("a list of other template files of the repository, merged in front of this one"),
    ] = Field(default_factory=list)


class SectionsShape(IncludesShape):
    what = "a template is a map of services and sections"
    noun = "section"
    aside = "; it begins with a capital, so it is no service"
    nested: ClassVar[dict[str, type[Shape]]] = {"Generate": GenerateShape, "Run": TaskShape}

    Env: Annotated[EnvMap, Meaning("environment of every service; a service's own `env` goes before it")] = (
        Field(default_factory=dict)
    )
    Generate: Annotated[
        dict[EnvName, Generated],
        BeforeValidator(emptied),
        OrNothing(),
        Meaning(
            "values that are made once per deployment and kept; `length` is 1 to 1024 characters of a-z, A-Z, 0-9 (32)"
        ),
    ] = Field(default_factory=dict)
    Run: Annotated[
        dict[TaskKey, TaskShape],
        BeforeValidator(emptied),
        OrNothing(),
        Meaning("tasks that are done once in a deployment's life"),
    ] = Field(default_factory=dict)
