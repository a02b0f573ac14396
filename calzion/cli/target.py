"""The names that commands take, parsed where they enter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from calzion.cli.suggest import deployments, items
from calzion.errors import CalzionError
from calzion.lifetime import parse_ttl
from calzion.model import DeploymentName, ServiceName

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_TYPE = re.compile(r"[A-Za-z0-9_-]{1,63}")
_MOST = 1000


@dataclass(frozen=True)
class Target:
    """DEPLOYMENT or DEPLOYMENT:SERVICE."""

    deployment: DeploymentName
    service: ServiceName | None = None

    def __str__(self) -> str:
        return f"{self.deployment}:{self.service}" if self.service else self.deployment

    @property
    def path(self) -> str:
        return f"/deployments/{self.deployment}"


class DeploymentType(click.ParamType[DeploymentName]):
    name = "deployment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> DeploymentName:
        try:
            return DeploymentName.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 (click's)
        incomplete: str,
    ) -> list[CompletionItem[str]]:
        return items(deployments(ctx), incomplete)


class TargetType(click.ParamType[Target]):
    name = "target"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Target:
        deployment, colon, service = str(value).partition(":")
        name, dot, _ = service.partition(".")
        try:
            target = Target(DeploymentName.parse(deployment), ServiceName.parse(name) if colon else None)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if dot:
            self.fail(f"{service!r} is more than a service's name: write {target}", param, ctx)
        return target

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 (click's)
        incomplete: str,
    ) -> list[CompletionItem[str]]:
        """Deployments; and the services of one that is clear."""
        found = deployments(ctx)
        names = [name for name in found if name.startswith(incomplete.partition(":")[0])]
        services = [f"{names[0]}:{service}" for service in found[names[0]]] if len(names) == 1 else []
        return items([*names, *services], incomplete)


class ReleaseType(click.ParamType[int]):
    """The number of a release, written v7 or 7."""

    name = "release"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"v?([1-9][0-9]{0,8})", str(value))
        if not match:
            self.fail(f"{value!r} is no release: write v7", param, ctx)
        return int(match[1])


@dataclass(frozen=True)
class Count:
    """How many instances of SERVICE, or of SERVICE.TYPE."""

    unit: str
    number: int


class TtlType(click.ParamType[str]):
    name = "ttl"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            parse_ttl(str(value))
        except CalzionError as error:
            self.fail(f"{error.message}: {error.hint}", param, ctx)
        return str(value)


class CountType(click.ParamType[Count]):
    name = "count"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Count:
        unit, equals, number = str(value).partition("=")
        service, dot, process_type = unit.partition(".")
        try:
            ServiceName.parse(service)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if dot and not _TYPE.fullmatch(process_type):
            self.fail(f"{process_type!r} is no process type", param, ctx)
        if not equals or not number.isascii() or not number.isdigit() or int(number) > _MOST:
            self.fail(f"{value!r}: write SERVICE=N or SERVICE.TYPE=N, N from 0 to {_MOST}", param, ctx)
        return Count(unit, int(number))

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 (click's)
        incomplete: str,
    ) -> list[CompletionItem[str]]:
        services = deployments(ctx).get(str(ctx.params.get("deployment")), [])
        return items([f"{service}=" for service in services], incomplete)
