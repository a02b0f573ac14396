"""`calzion show`."""

from __future__ import annotations

import json
from typing import Any

import click

from calzion.cli.deployments import version
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.target import Target, TargetType
from calzion.cli.terminal import print_json, size, table
from calzion.errors import CalzionError


@click.command()
@click.argument("target", type=TargetType(), metavar="DEPLOYMENT[:SERVICE]")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@connection_options
@pass_invocation
def show(invocation: Invocation, target: Target, as_json: bool) -> None:
    """Show a deployment, or one of its services, in detail."""
    deployment: dict[str, Any] = invocation.client().get(target.path)
    found = deployment if target.service is None else _service(deployment, target)
    if as_json:
        print_json(found)
        return
    for line in deployment_lines(found) if target.service is None else service_lines(found):
        print(line)


def _service(deployment: dict[str, Any], target: Target) -> dict[str, Any]:
    services: list[dict[str, Any]] = deployment["services"]
    for service in services:
        if service["name"] == target.service:
            return service
    raise CalzionError(
        f"{target.deployment} has no service {target.service}",
        code="not_found",
        hint=f"it has: {', '.join(service['name'] for service in services) or 'none'}",
    )


def deployment_lines(deployment: dict[str, Any]) -> list[str]:
    """What a person wants to know about a deployment."""
    lines = _facts(
        ("name", deployment["name"]),
        ("release", version(deployment["release"])),
        ("state", deployment["state"]),
        ("expires", deployment.get("expires") or ""),
        ("repository", deployment.get("repository") or "-"),
        *(("url", url) for url in deployment.get("urls", [])),
    )
    if deployment["services"]:
        rows = [_service_row(service) for service in deployment["services"]]
        lines += ["", *table(["SERVICE", "KIND", "STATE", "PROCESSES", "ADDRESS", "HELD"], rows)]
    if volumes := deployment.get("volumes"):
        lines += ["", *table(["VOLUME", "SIZE"], [[name, size(count)] for name, count in volumes.items()])]
    return lines


def service_lines(service: dict[str, Any]) -> list[str]:
    """What a person wants to know about a service."""
    source = "image" if service.get("image") else "git"
    lines = _facts(
        ("name", service["name"]),
        ("kind", service["kind"]),
        (source, str(service.get(source) or "-")),
        ("digest", service.get("digest") or ""),
        ("state", service["state"]),
        ("held", service.get("held") or ""),
        ("address", service.get("address") or "-"),
        ("processes", _processes(service) or "-"),
    )
    if env := service.get("env"):
        lines += [
            "",
            *table(["VARIABLE", "VALUE"], [[name, str(value)] for name, value in sorted(env.items())]),
        ]
    if definition := service.get("definition"):
        lines += ["", "definition:", *json.dumps(definition, indent=2, ensure_ascii=False).splitlines()]
    return lines


def _service_row(service: dict[str, Any]) -> list[str]:
    return [
        service["name"],
        service["kind"],
        service["state"],
        _processes(service),
        service.get("address") or "-",
        service.get("held") or "",
    ]


def _processes(service: dict[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in (service.get("processes") or {}).items())


def _facts(*facts: tuple[str, str]) -> list[str]:
    return table(["", ""], [[f"{name}:", value] for name, value in facts if value])[1:]
