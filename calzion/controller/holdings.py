"""What is a deployment's own for life: stable addresses, generated values, secrets. Taken, or only looked at."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from calzion.controller.parts import Parts
from calzion.controller.store import deployments, infrastructure, secrets
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.secrets import Versions
from calzion.infrastructure.declaration import Declaration
from calzion.model import Generate, ServiceName

UNMADE_ADDRESS = "127.64.0.0"
"""Stands for an address that a service will get; no service can have it."""


class Holdings(Protocol):
    def address(self, service: ServiceName) -> str:
        """The service's stable address."""

    def generated(self, rules: Collection[Generate]) -> dict[str, str]:
        """Every generated value, those of the rules among them."""

    def secrets(self, versions: Versions | None) -> dict[str, str]:
        """What users have set: in these versions, or the newest ones."""

    def declaration(self) -> Declaration:
        """The infrastructure file that is in force."""


@dataclass(frozen=True, kw_only=True)
class _Held:
    """What is there, whether more is made or not."""

    parts: Parts
    connection: Connection
    deployment: Deployment

    def secrets(self, versions: Versions | None) -> dict[str, str]:
        known = secrets.newest(self.connection, self.deployment.id) if versions is None else versions
        return secrets.values(self.connection, self.parts.vault, self.deployment, known)

    def declaration(self) -> Declaration:
        return infrastructure.declared(self.connection)


class Taken(_Held):
    """What is missing is made, within the write transaction of `connection`."""

    def address(self, service: ServiceName) -> str:
        parts = self.parts
        within, usable = parts.service_addresses, parts.address_is_free
        return deployments.address(self.connection, self.deployment.id, service, within, usable)

    def generated(self, rules: Collection[Generate]) -> dict[str, str]:
        if rules:
            deployments.ensure_generated(self.connection, self.parts.vault, self.deployment, rules)
        return deployments.generated_values(self.connection, self.parts.vault, self.deployment)


class Foreseen(_Held):
    """What is missing has a stand-in: only what is new can see it, so nothing that stays seems to change."""

    def address(self, service: ServiceName) -> str:
        known = deployments.known_address(self.connection, self.deployment.id, service)
        return known or UNMADE_ADDRESS

    def generated(self, rules: Collection[Generate]) -> dict[str, str]:
        made = deployments.generated_values(self.connection, self.parts.vault, self.deployment)
        return {rule.name: "0" * rule.length for rule in rules} | made
