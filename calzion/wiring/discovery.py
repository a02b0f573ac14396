"""Who registers instances and tells of them, and where else they are registered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from calzion.config import Settings
from calzion.errors import CalzionError
from calzion.layout import Layout
from calzion.model import DeploymentName
from calzion.registryurl import EMBEDDED
from calzion.wiring.platform import uses_docker

if TYPE_CHECKING:
    from calzion.controller.api.status import PartCheck
    from calzion.discovery.embedded import EmbeddedRegistry
    from calzion.discovery.registry import Registry

_log = logging.getLogger(__name__)


@contextmanager
def registering(settings: Settings) -> Iterator[None]:
    """Keep instances registered meanwhile, and tell of them.

    Nothing of it that can't be done ends the router: `calzion status` tells it.
    """
    from calzion.discovery.embedded import EmbeddedRegistry
    from calzion.discovery.listening import listening
    from calzion.discovery.orders import Orders
    from calzion.discovery.publisher import Publisher
    from calzion.discovery.registrar import Registrar, TroubleFile

    layout = settings.layout
    for directory in (layout.run, layout.router):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    here = EmbeddedRegistry()
    registries: list[Registry] = [here]
    unusable: list[str] = []
    with _told(unusable):
        _tell_of(layout, here)
    with _told(unusable):
        registries += _elsewhere(settings)
    trouble = TroubleFile(layout.registry_trouble)
    registrar = Registrar(
        Orders(layout.registrations),
        [Publisher(registry) for registry in registries],
        listening,
        lambda why: trouble.write("; ".join([*unusable, *([why] if why else [])])),
    )
    registrar.start()
    try:
        yield
    finally:
        registrar.stop()


@contextmanager
def _told(problems: list[str]) -> Iterator[None]:
    try:
        yield
    except CalzionError as error:
        problems.append(f"{error.message} ({error.hint})")
        _log.error("%s", problems[-1])


def discovery_variables(layout: Layout) -> Callable[[DeploymentName], Mapping[str, str]]:
    """What instances are given. Containers can't reach the loopback interface on which it answers: nothing."""
    from calzion.controller.environment import DISCOVERY_TOKEN, DISCOVERY_URL
    from calzion.discovery.door import read_door

    def variables(deployment: DeploymentName) -> Mapping[str, str]:
        door = None if uses_docker(layout) else read_door(layout.discovery)
        return {DISCOVERY_URL: door.url, DISCOVERY_TOKEN: door.token(deployment)} if door else {}

    return variables


def check_registry(settings: Settings) -> PartCheck:
    """For `calzion status`: it may be away while everything serves."""
    from calzion.controller.api.status import PartCheck
    from calzion.discovery.registrar import TroubleFile

    return PartCheck("registry", TroubleFile(settings.layout.registry_trouble).read)


def _tell_of(layout: Layout, registry: EmbeddedRegistry) -> None:
    from calzion.discovery.door import open_door
    from calzion.discovery.server import DiscoveryServer

    door, listener = open_door(layout.discovery)
    DiscoveryServer(door, listener, registry).start()


def _elsewhere(settings: Settings) -> list[Registry]:
    from calzion.discovery.etcd.access import Access

    if settings.registry.kind == EMBEDDED:
        return []
    access = Access.of(settings.registry, settings.layout.registry)
    try:
        from calzion.discovery.etcd.registry import EtcdRegistry
    except ImportError as error:
        raise CalzionError(
            f"the registry {settings.registry} needs Python packages that are not here: {error.name}",
            hint="install Calzion with them: pip install 'calzion[etcd]'",
            code="unsupported",
        ) from error
    return [EtcdRegistry(access)]
