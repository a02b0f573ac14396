"""What stands at the beginning of an exported deployment: all of it but code, data and values. Pure.

docs/decisions/0037-a-deployment-as-a-file.md describes the whole format.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self, TypeVar

from calzion.controller.appliance import generated_password
from calzion.controller.proposed import read_sections
from calzion.controller.secret import check_secret
from calzion.controller.transfer import DataKind
from calzion.errors import CalzionError
from calzion.model import DeploymentName, Label, RepositoryName, ServiceName, Task, Template
from calzion.template import as_keys, parse_service
from calzion.template.image import ImageReference
from calzion.template.interpolation import MAX_VALUE

FORMAT = 1
HISTORY = "history"
"""The stream with the commits; a service whose code is `history` has its code in one of them."""

_MOST_STREAMS = 2000
_COMMIT = re.compile("[0-9a-f]{40}")
_STREAM = re.compile(r"[a-z0-9][a-z0-9.-]{0,140}")
_LINE = re.compile(r"[^\x00-\x1f\x7f]{0,64}")
_PROCESS = re.compile(r"[A-Za-z0-9_-]{1,63}")
_MOST_INSTANCES = 1000
_LONGEST_TTL = 366 * 86_400

_Name = TypeVar("_Name", bound=Label)


class StreamKind(StrEnum):
    HISTORY = "history"  # a pack of git: these commits with everything that they come from
    CODE = "code"  # a tar archive of uploaded files
    POSTGRES = DataKind.POSTGRES.value  # what pg_dump writes as its custom format
    REDIS = DataKind.REDIS.value  # a dump of redis (RDB)
    VOLUME = DataKind.VOLUME.value  # a tar archive of the files of an app's volume


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Bytes of a length that nobody knows beforehand. Data belongs to a `service`, files to a `volume` of it."""

    name: str
    kind: StreamKind
    service: str = ""
    volume: str = ""

    @property
    def what(self) -> str:
        return "/".join(filter(None, (self.service, self.volume))) or self.name


@dataclass(frozen=True, kw_only=True)
class CodePlace:
    """Where a service's code is: in the stream of that name, made of `commit` where that is not ''."""

    stream: str
    commit: str = ""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """`tree` names the stream with the code of all services that have none of their own. `done` are tasks of `Run`.
    `images` are what the references of images led to, with digests.

    `secrets` and `generated` are names; their values are in the file where `with_secrets`. `shallow` are the commits
    at which the history ends although it goes on.
    """

    deployment: DeploymentName
    repository: RepositoryName | None
    release: int
    commit: str
    made: str
    by: str
    version: str
    ttl: int
    template: Template
    code: Mapping[ServiceName, CodePlace]
    tree: str
    images: Mapping[ServiceName, str] = field(default_factory=dict)
    held: tuple[str, ...]
    scale: Mapping[tuple[str, str], int]
    done: tuple[str, ...]
    secrets: tuple[str, ...]
    generated: tuple[str, ...]
    with_secrets: bool
    shallow: tuple[str, ...]
    streams: tuple[Stream, ...]

    @property
    def commits(self) -> tuple[str, ...]:
        """Those of the history from which code is taken."""
        return tuple(sorted({each.commit for each in self.code.values() if each.stream == HISTORY}))

    @property
    def tip(self) -> str:
        """The commit that the deployment's branch is to hold, '' where there is no history to have one of."""
        return self.commit if self.commit in self.commits else next(iter(self.commits), "")

    def to_json(self) -> bytes:
        template = self.template
        data = {
            "format": FORMAT,
            "deployment": self.deployment,
            "repository": self.repository,
            "release": self.release,
            "commit": self.commit,
            "made": self.made,
            "by": self.by,
            "calzion": self.version,
            "ttl": self.ttl,
            "env": dict(template.env),
            "generate": {rule.name: rule.length for rule in template.generate},
            "run": {task.name: _task(task) for task in template.tasks},
            "services": {each.name: as_keys(each) for each in template.services},
            "code": {name: vars(place) for name, place in self.code.items()},
            "tree": self.tree,
            "images": dict(self.images),
            "held": list(self.held),
            "scale": [[*unit, count] for unit, count in sorted(self.scale.items())],
            "done": list(self.done),
            "secrets": list(self.secrets),
            "generated": list(self.generated),
            "with_secrets": self.with_secrets,
            "shallow": list(self.shallow),
            "streams": [vars(each) for each in self.streams],
        }
        return json.dumps(data, indent=1).encode()

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Raises CalzionError (usage, template) for what no export writes, or one of another format."""
        data = _object(content, "manifest.json")
        _check_format(data)
        try:
            found = cls(**_fields(data))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _unusable(f"manifest.json: {type(error).__name__}: {error}") from error
        _check_references(found)
        return found


@dataclass(frozen=True, kw_only=True)
class Values:
    """What nobody is to see: secrets as users set them, and what was generated."""

    secrets: Mapping[str, str] = field(repr=False, default_factory=dict)
    generated: Mapping[str, str] = field(repr=False, default_factory=dict)

    def to_json(self) -> bytes:
        return json.dumps({"secrets": dict(self.secrets), "generated": dict(self.generated)}).encode()

    @classmethod
    def parse(cls, content: bytes, manifest: Manifest) -> Self:
        """Raises CalzionError (usage) for values that could not be set, or that the manifest does not name."""
        data = _object(content, "secrets.json")
        secrets, generated = (_texts(data.get(name)) for name in ("secrets", "generated"))
        for name, value in secrets.items():
            check_secret(name, value)
        if set(secrets) != set(manifest.secrets) or set(generated) != set(manifest.generated):
            raise _unusable("secrets.json has other names than manifest.json")
        return cls(secrets=secrets, generated=generated)


def _object(content: bytes, name: str) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _unusable(f"{name} is no JSON: {error}") from error
    if not isinstance(data, dict):
        raise _unusable(f"{name} is no JSON object")
    return data


def _check_format(data: Mapping[str, Any]) -> None:
    given = data.get("format")
    if given != FORMAT or isinstance(given, bool):
        raise CalzionError(
            f"this file has the format {str(given)[:20]!a}, and this version of Calzion reads {FORMAT}",
            hint=f"Calzion {data.get('calzion', '?')!s:.20} wrote it: import it with that version or a later one",
            code="usage",
        )


def _fields(data: Mapping[str, Any]) -> dict[str, Any]:
    sections = read_sections(data)
    given = {_label(ServiceName, name): keys for name, keys in data["services"].items()}
    services = tuple(parse_service(name, keys, sections.env) for name, keys in given.items())
    return {
        "deployment": _label(DeploymentName, data["deployment"]),
        "repository": _label(RepositoryName, data["repository"]) if data["repository"] else None,
        "release": _number(data["release"], 10**9),
        "commit": _commit(data["commit"]),
        "made": _line(data, "made"),
        "by": _line(data, "by"),
        "version": _line(data, "calzion"),
        "ttl": _number(data["ttl"], _LONGEST_TTL),
        "template": replace(sections, services=services),
        "code": {_label(ServiceName, name): _place(place) for name, place in data["code"].items()},
        "tree": str(data["tree"]),
        "images": {_label(ServiceName, name): _pin(pin) for name, pin in data.get("images", {}).items()},
        "held": _list(data, "held", lambda each: _label(ServiceName, each)),
        "scale": dict(_list(data, "scale", _scale)),
        "done": _list(data, "done", lambda each: _label(Label, each)),
        "secrets": _list(data, "secrets", _secret_name),
        "generated": _list(data, "generated", lambda name: _matching(_STREAM_OR_NAME, name)),
        "with_secrets": data["with_secrets"] is True,
        "shallow": _list(data, "shallow", _commit),
        "streams": _list(data, "streams", _stream),
    }


_STREAM_OR_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")


def _check_references(found: Manifest) -> None:
    """What names something names what there is."""
    services = {each.name: each for each in found.template.services}
    streams = {each.name: each for each in found.streams}
    images = {name for name, each in services.items() if each.image}
    takes_code = {name for name, each in services.items() if each.git is not None}
    expected = {rule.name for rule in found.template.generate}
    expected |= {generated_password(name).name for name in services}
    problems = [
        *(f"code of {name}" for name in found.code.keys() - takes_code),
        *(f"the image of {name}" for name in found.images.keys() - images),
        *(f"data of {each.service}" for each in found.streams if each.service not in ("", *services)),
        *(f"scale of {service}" for service, _ in found.scale if service not in services),
        *(f"the value {name}" for name in found.generated if name not in expected),
    ]
    if len(streams) != len(found.streams):
        problems.append("two streams of one name")
    for place in found.code.values():
        kind = streams[place.stream].kind if place.stream in streams else ""
        if kind not in (StreamKind.CODE, StreamKind.HISTORY) or (kind == HISTORY and not place.commit):
            problems.append(f"code in {place.stream!a}")
    if found.tree and (found.tree not in streams or streams[found.tree].kind != StreamKind.CODE):
        problems.append(f"code in {found.tree!a}")
    if (HISTORY in streams) != bool(found.commits) or (HISTORY in streams and not found.repository):
        problems.append("a history without a repository or commits")
    if problems:
        raise _unusable(f"manifest.json speaks of {problems[0]}, which fits nothing in it")


def _task(task: Task) -> dict[str, Any]:
    command = list(task.cmd) if isinstance(task.cmd, tuple) else task.cmd
    data = {"service": task.service, "cmd": command, "require": list(task.require)}
    return data | ({"sanitize": True} if task.sanitize else {})


def _stream(data: Mapping[str, Any]) -> Stream:
    kind = StreamKind(data["kind"])
    name = _matching(_STREAM, data["name"])
    if (kind is StreamKind.HISTORY) != (name == HISTORY):
        raise ValueError(f"a stream {name} of the kind {kind}")
    belongs = kind not in (StreamKind.HISTORY, StreamKind.CODE)
    return Stream(
        name=name,
        kind=kind,
        service=_label(ServiceName, data["service"]) if belongs else "",
        volume=_label(Label, data["volume"]) if kind is StreamKind.VOLUME else "",
    )


def _place(data: Mapping[str, Any]) -> CodePlace:
    return CodePlace(stream=_matching(_STREAM, data["stream"]), commit=_commit(data["commit"]))


def _pin(value: Any) -> str:
    reference = ImageReference.parse(value if isinstance(value, str) else "")
    if not reference.digest:
        raise ValueError(f"{str(reference)[:80]!a} has no digest")
    return str(reference)


def _scale(data: Any) -> tuple[tuple[str, str], int]:
    service, process, count = data
    return (_label(ServiceName, service), _matching(_PROCESS, process)), _number(count, _MOST_INSTANCES)


def _secret_name(name: Any) -> str:
    check_secret(str(name), "a value")
    return str(name)


def _list(data: Mapping[str, Any], name: str, read: Callable[[Any], Any]) -> tuple[Any, ...]:
    given = data[name]
    if not isinstance(given, list) or len(given) > _MOST_STREAMS:
        raise ValueError(f"{name} is no list of at most {_MOST_STREAMS}")
    return tuple(read(each) for each in given)


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(_is_value(each) for each in value.values()):
        raise _unusable("secrets.json is no object of texts")
    return value


def _is_value(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value and len(value) <= MAX_VALUE


def _line(data: Mapping[str, Any], name: str) -> str:
    return _matching(_LINE, data.get(name, ""))


def _commit(value: Any) -> str:
    return _matching(_COMMIT, value) if value else ""


def _matching(pattern: re.Pattern[str], value: Any) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{str(value)[:80]!a}")
    return value


def _number(value: Any, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError(f"{str(value)[:80]!a} is no number up to {most}")
    return value


def _label(kind: type[_Name], value: Any) -> _Name:
    return kind.parse(value if isinstance(value, str) else "")


def _unusable(why: str) -> CalzionError:
    return CalzionError(
        f"this is no export that can be used: {why[:300]}",
        hint="export the deployment again with 'calzion export'",
        code="usage",
    )
