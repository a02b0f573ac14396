"""The registries that the contract holds for."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod

from calzion.discovery.embedded import EmbeddedRegistry
from calzion.discovery.etcd.access import Access
from calzion.discovery.etcd.registry import EtcdRegistry
from calzion.discovery.registration import Registration
from calzion.discovery.registry import Registry
from calzion.model import Endpoint
from calzion.registryurl import ETCD, RegistryUrl
from tests.integration.etcd_server import EtcdServer, addresses

TTL = 2


class RegistryStage(ABC):
    @abstractmethod
    def another(self) -> Registry:
        """A client of the same registry, to be used by another thread."""


class MemoryStage(RegistryStage):
    def __init__(self) -> None:
        self._registry = EmbeddedRegistry()

    def another(self) -> Registry:
        return self._registry


class EtcdStage(RegistryStage):
    """A prefix of its own in an etcd that tests share."""

    def __init__(self, server: EtcdServer, kind: str = ETCD) -> None:
        self.server = server
        self._url = RegistryUrl(kind, endpoints=addresses([server]), prefix=uuid.uuid4().hex)

    def another(self) -> Registry:
        return EtcdRegistry(Access(url=self._url), timeout=1, silence=1)


def web(
    instance: str, port: int = 5000, service: str = "web", name: str = "", deployment: str = "shop"
) -> Registration:
    return Registration(
        deployment=deployment,
        service=service,
        port=name,
        instance=instance,
        endpoint=Endpoint("127.0.0.1", port),
    )
