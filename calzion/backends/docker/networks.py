"""One network per deployment: a bridge of its own, whose containers reach no other deployment's."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from calzion.backends.docker.addresses import AddressPlan, Network
from calzion.backends.docker.engine import Engine, explain
from calzion.backends.docker.labels import DEPLOYMENT, network_name
from calzion.errors import CalzionError
from calzion.model import DeploymentName

_ATTEMPTS = 16  # networks that others may hold without the engine's knowledge


class Networks:
    """The networks of one installation. One process alone starts containers in them.

    Their bridges' names begin alike, so that one rule of the firewall fits all.
    """

    def __init__(self, engine: Engine, plan: AddressPlan) -> None:
        self._engine = engine
        self._plan = plan
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        self._held: dict[str, str] = {}

    @property
    def bridges(self) -> str:
        """What the names of all bridges begin with; interfaces have at most 15 characters."""
        return f"cz{self._engine.installation[:6]}"

    @property
    def services(self) -> Network:
        """The range of services' stable addresses."""
        return self._plan.services

    def ensure(self, deployment: DeploymentName) -> str:
        """Have the deployment's network exist, and return its name. Raises CalzionError (start)."""
        name = network_name(self._engine.installation, deployment)
        with self._lock:
            found = self._find(deployment)
            self._known[deployment] = found or self._create(name, deployment)
        return name

    def hold(self, deployment: DeploymentName, instance: str) -> str:
        """An address of the deployment's network for the life of an instance's container, however often it starts."""
        with self._lock:
            network = Network(self._known[deployment])
            listed = set(self._taken(deployment))
            if (held := self._held.get(instance)) and held not in listed and Network(held).subnet_of(network):
                return held
            taken = {*self._held.values(), *listed}
            free = (str(host) for host in network.hosts() if str(host) not in taken)
            next(free)  # the first is the bridge's
            address = next(free, None)
            if address is None:
                raise CalzionError(
                    f"the network {network} of {deployment} is full",
                    hint="scale something down",
                    code="start",
                )
            self._held[instance] = address
            return address

    def let_go(self, instance: str) -> None:
        """An instance's container is gone."""
        with self._lock:
            self._held.pop(instance, None)

    def cidr(self, deployment: DeploymentName) -> str:
        """The addresses of the deployment's containers, '' while it has no network."""
        with self._lock:
            if deployment not in self._known:
                self._known |= dict(self._all())
            return self._known.setdefault(deployment, "")

    def remove(self, deployment: DeploymentName) -> None:
        """Remove the network, where it exists. No container may be left in it."""
        with self._lock:
            self._known.pop(deployment, None)
            for network in self._engine.api.networks(filters=self._engine.filters(deployment=deployment)):
                try:
                    self._engine.api.remove_network(network["Id"])
                except NotFound:
                    continue

    def forget(self) -> None:
        """Look anew: somebody may have changed what the engine has."""
        with self._lock:
            self._known.clear()

    def _taken(self, deployment: DeploymentName) -> Iterator[str]:
        filters = self._engine.filters(deployment=deployment)
        for container in self._engine.api.containers(all=True, filters=filters):
            for network in container["NetworkSettings"]["Networks"].values():
                yield (network.get("IPAMConfig") or {}).get("IPv4Address", "")

    def _find(self, deployment: DeploymentName) -> str:
        networks = self._engine.api.networks(filters=self._engine.filters(deployment=deployment))
        return next((str(cidr) for network in networks for cidr in _subnets(network)), "")

    def _all(self) -> Iterator[tuple[str, str]]:
        for network in self._engine.api.networks(filters=self._engine.filters()):
            if (deployment := network["Labels"].get(DEPLOYMENT)) is not None:
                yield from ((deployment, str(cidr)) for cidr in _subnets(network))

    def _create(self, name: str, deployment: DeploymentName) -> str:
        taken = [cidr for network in self._engine.api.networks() for cidr in _subnets(network)]
        said = "all are taken"
        for _, cidr in zip(range(_ATTEMPTS), self._plan.free(taken), strict=False):
            try:
                self._engine.api.create_network(
                    name,
                    driver="bridge",
                    ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=str(cidr))]),
                    options={"com.docker.network.bridge.name": self._bridge(cidr)},
                    labels=self._engine.labels(deployment=deployment),
                    check_duplicate=True,
                )
            except APIError as error:
                said = explain(error)
                continue
            return str(cidr)
        raise CalzionError(
            f"{deployment} gets no network from {self._plan.whole}: {said}",
            hint="give containers another range with --container-network",
            code="start",
        )

    def _bridge(self, cidr: Network) -> str:
        return f"{self.bridges}{self._plan.number(cidr):x}"


def _subnets(network: Mapping[str, Any]) -> Iterator[Network]:
    for config in (network.get("IPAM") or {}).get("Config") or ():
        subnet = ipaddress.ip_network(config.get("Subnet", "::/128"))
        if isinstance(subnet, Network):
            yield subnet
