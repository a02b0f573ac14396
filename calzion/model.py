"""The nouns of Calzion as frozen values; see the glossary in docs/architecture.md.

Standard library alone. A value of these types has been validated where it entered; nothing checks it again.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol, Self

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Label(str):
    """A DNS label (RFC 1123, lower case, at most 63 characters)."""

    __slots__ = ()
    noun = "name"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return `text` as this type. Raises ValueError with a sentence that says what is allowed."""
        if not _LABEL.fullmatch(text):
            shown = ascii(text if len(text) <= 80 else text[:77] + "...")
            raise ValueError(f"{shown} is no {cls.noun}: use a-z, 0-9 and '-' inside, at most 63 characters")
        return cls(text)


class DeploymentName(Label):
    __slots__ = ()
    noun = "deployment name"


class ServiceName(Label):
    __slots__ = ()
    noun = "service name"


class RepositoryName(Label):
    __slots__ = ()
    noun = "repository name"


class TaskName(Label):
    __slots__ = ()
    noun = "name of a task"


Command = str | tuple[str, ...]
"""A string is run by `bash -c`; a tuple is an argument list."""

Pairs = tuple[tuple[str, str], ...]
"""A mapping in a hashable form: sorted (name, value) pairs."""


@dataclass(frozen=True, kw_only=True)
class Port:
    """`number` None means assigned by the backend. The unnamed port is given as PORT."""

    name: str = ""
    number: int | None = None


@dataclass(frozen=True, kw_only=True)
class Volume:
    name: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Healthcheck:
    """Times are seconds. Without `path` and `cmd` an accepting port is healthy."""

    path: str | None = None
    port: str = ""
    cmd: Command | None = None
    interval: float = 2.0
    timeout: float = 5.0
    grace: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Stop:
    """`signal` is a name such as SIGTERM; `timeout` is seconds until SIGKILL."""

    signal: str = "SIGTERM"
    timeout: float = 30.0


@dataclass(frozen=True, kw_only=True)
class Generate:
    """A value made once per deployment: `length` characters of a-z, A-Z and 0-9."""

    name: str
    length: int = 32


@dataclass(frozen=True, kw_only=True)
class ServiceDefinition:
    """One service in canonical form. `env` is the template's `Env` overlaid by the service's own.

    Exactly one of `image`, `git` and `build` is set. `env`, `image`, `volumes` and `healthcheck` may hold `${NAME}`
    references, which are resolved for each deployment. `buildpacks` None means detected, `processes` None all but
    `release`, `overlap` None what the service's volumes suggest. `require` names services and tasks. `expose` maps
    another service to the prefix of the variables that give its address.
    """

    name: ServiceName
    image: str | None = None
    git: str | None = None
    build: str | None = None
    cmd: Command | None = None
    entrypoint: Command | None = None
    env: Pairs = ()
    ports: tuple[Port, ...] = (Port(),)
    volumes: tuple[Volume, ...] = ()
    buildpacks: tuple[str, ...] | None = None
    build_env: tuple[str, ...] = ()
    processes: tuple[str, ...] | None = None
    release: str | None = None
    healthcheck: Healthcheck = Healthcheck()
    require: tuple[Label, ...] = ()
    expose: Pairs = ()
    stop: Stop = Stop()
    overlap: bool | None = None
    labels: Pairs = ()
    privileged: bool = False

    @property
    def code(self) -> str | None:
        """The directory of the repository that it is built from; None for a service of another image."""
        return self.git if self.git is not None else self.build

    @property
    def code_key(self) -> str:
        """The key of the template that names that directory."""
        return "build" if self.build is not None else "git"


@dataclass(frozen=True, kw_only=True)
class Task:
    """`cmd` runs once in a deployment's life, in the code of `service`, when what it requires is up.

    One that `sanitize`s runs in deployments that begin with a copy of another one's data, before all else sees that.
    """

    name: TaskName
    service: ServiceName
    cmd: Command
    require: tuple[Label, ...] = ()
    sanitize: bool = False


@dataclass(frozen=True, kw_only=True)
class Template:
    services: tuple[ServiceDefinition, ...]
    env: Pairs = ()
    generate: tuple[Generate, ...] = ()
    tasks: tuple[Task, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Submodule:
    """The directory `path` of a source is to have the files of `commit`, which the source itself lacks.

    `url` is as it was pushed, '' where nothing names one; it may hold credentials.
    """

    path: str
    commit: str
    url: str = field(repr=False, default="")


class SourceTree(Protocol):
    """The files of one app at one commit or upload. Paths are relative, with `/`, and never leave the tree."""

    @property
    def digest(self) -> str:
        """Names the content: equal digests mean equal trees."""

    @property
    def commit(self) -> str:
        """The full commit id, or '' for an upload."""

    def names(self) -> tuple[str, ...]:
        """The names at the root; directories end in '/'."""

    def read(self, path: str, limit: int = 1 << 20) -> bytes | None:
        """The bytes of a regular file, None where there is none. Raises ValueError beyond `limit` bytes."""

    def submodules(self) -> tuple[Submodule, ...]:
        """The directories whose files are elsewhere; `export` leaves them empty."""

    def export(self, destination: Path) -> None:
        """Write every file below `destination`, an existing empty directory, as raw blobs."""


@dataclass(frozen=True, kw_only=True)
class Slug:
    """The result of a build. `key` names what went in, `digest` what came out; `root` becomes /app.

    Where an engine runs an image instead, `image` is its id and `root` is None. Of one that was pulled, `digest` is the
    reference by which it can be pulled again, '' where there is none; `ports` and `volumes` are those that it declares.
    """

    key: str
    digest: str
    root: Path | None
    language: str
    process_types: Pairs
    config_vars: Pairs = ()
    size: int = 0
    image: str = ""
    ports: tuple[int, ...] = ()
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Login:
    """A registry's credentials."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class BuildOrder:
    """What a build may depend on. `cache` names the cache directory that is kept between builds.

    `buildpacks` are those that the template names, in order; None means detected. With a `dockerfile` the source has
    one at its root, and `secrets` are apart from the `environment`, whose values may show up in the image.
    """

    deployment: DeploymentName
    service: ServiceName
    repository: str
    cache: str
    source: SourceTree
    environment: Pairs = field(repr=False, default=())
    buildpacks: tuple[str, ...] | None = None
    dockerfile: bool = False
    secrets: Pairs = field(repr=False, default=())


class Sink(Protocol):
    """Where a rollout tells its story. Implementations are safe to call from several threads."""

    def step(self, text: str) -> None: ...

    def log(self, text: str, source: str = "") -> None: ...

    def warning(self, text: str) -> None: ...


class Cancellation(Protocol):
    def cancelled(self) -> bool: ...

    def on_cancel(self, call: Callable[[], None]) -> Callable[[], None]:
        """Have `call` run once when cancelled (at once where it already is); returns what undoes that."""


class Builder(Protocol):
    def key(self, order: BuildOrder) -> str:
        """The slug's key. Raises CalzionError where the source can't be built at all (nothing detected)."""

    def foresee(self, order: BuildOrder) -> str:
        """The same, without keeping anything: of what had to be fetched first, a key that no slug has."""

    def find(self, key: str) -> Slug | None:
        """The slug of an earlier build."""

    def build(self, order: BuildOrder, sink: Sink, cancellation: Cancellation) -> Slug:
        """Build, or return what was built before. Raises CalzionError (code `build`) with the cause."""

    def pull(self, reference: str, sink: Sink, cancellation: Cancellation) -> Slug:
        """Have what a registry has under an image reference now, as a slug that `find` finds.

        Raises CalzionError (build, cancelled, unsupported).
        """

    def prune(self, slugs: Collection[str], caches: Collection[str]) -> Callable[[], None]:
        """Keep these slugs and the caches of these names, and have all others gone at once.

        Their space is freed by calling what is returned, which may take long.
        """


@dataclass(frozen=True, order=True)
class Endpoint:
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bytes and counts; None is unlimited."""

    memory: int | None = None
    processes: int | None = None
    files: int | None = None
    cpus: float | None = None


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """The fully resolved order to run one copy of one process.

    `slug` becomes /app. `appliance` names the data service instead, which listens on `address`; with a `command` that
    runs among the appliance's programs, as a client of it. `image` names what an engine runs instead of both, with
    `entrypoint` in place of the image's own where that is given. `ports` maps the port's name to its number. `volumes`
    are named within the deployment. `hosts` are the names and addresses of the deployment's hosts file. `env` never
    appears in the repr.
    """

    id: str
    deployment: DeploymentName
    service: ServiceName
    process_type: str
    release: int
    command: Command = ""
    appliance: str | None = None
    slug: Path | None = None
    image: str | None = None
    entrypoint: Command = ()
    env: Mapping[str, str] = field(repr=False, default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    address: str = ""
    volumes: tuple[Volume, ...] = ()
    hosts: Pairs = ()
    uid: int = 0
    stop: Stop = Stop()
    limits: Limits = Limits()
    labels: Pairs = ()
    privileged: bool = False
    restart: bool = True


@dataclass(frozen=True, kw_only=True)
class TerminalSize:
    """In characters."""

    rows: int = 24
    columns: int = 80


class InstanceState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"  # exited; started again after its back-off
    EXITED = "exited"  # ended, and not to be started again
    STOPPING = "stopping"


@dataclass(frozen=True, kw_only=True)
class Exit:
    """How a process ended: a status, or a signal's name. `oom` where the memory limit ended it.

    `background` where it ended well and left others behind that ran on, which were ended with it.
    """

    status: int | None = None
    signal: str | None = None
    oom: bool = False
    background: bool = False

    def __str__(self) -> str:
        if self.oom:
            return "out of memory"
        return f"killed by {self.signal}" if self.signal else f"exit code {self.status}"

    @property
    def code(self) -> int:
        """As a shell tells it: 128 + n after signal n."""
        if self.signal:
            return 128 + signal.Signals[self.signal]
        return 128 + signal.SIGKILL if self.oom and not self.status else self.status or 0


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One copy as the backend observes it. Times are seconds since the epoch, memory is bytes.

    `needs_spec` where it is not as ordered, and only `ensure` mends that: the backend adopted it without knowing its
    order, or somebody else stopped it.
    """

    id: str
    deployment: str
    service: str
    process_type: str
    release: int
    state: InstanceState
    ports: Mapping[str, int] = field(default_factory=dict)
    address: str = ""
    pid: int | None = None
    started: float = 0.0
    restarts: int = 0
    exit: Exit | None = None
    memory: int = 0
    needs_spec: bool = False


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """`time` is when it was written, seconds since the epoch, to some 0.05 s."""

    instance: str
    text: str
    time: float = 0.0


class LogStream(Iterator[LogLine], Protocol):
    def close(self) -> None:
        """End it, from whatever thread: no more lines come but those that were read already."""
