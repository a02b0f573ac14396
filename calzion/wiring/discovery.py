"""Who registers instances and tells of them, and where else they are registered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from calzion.config import Settings
from calzion.errors import CalzionError
from calzion.layout import Layout
from calzion.model import DeploymentName, Endpoint
from calzion.registryurl import EMBEDDED
from calzion.wiring.platform import address_plan, uses_docker

if TYPE_CHECKING:
    from calzion.controller.api.status import PartCheck
    from calzion.discovery.embedded import EmbeddedRegistry
    from calzion.discovery.etcd.access import Access
    from calzion.discovery.etcd.routes import EtcdRoutes
    from calzion.discovery.registry import Registry
    from calzion.discovery.routepublisher import RoutePublisher
    from calzion.routing.daemon import Containers

_log = logging.getLogger(__name__)


@contextmanager
def registering(settings: Settings) -> Iterator[None]:
    """Keep instances registered meanwhile, and tell of them.

    Nothing of it that can't be done ends the router: `calzion status` tells it.
    """
    from calzion.discovery.embedded import EmbeddedRegistry
    from calzion.discovery.listening import Listening
    from calzion.discovery.orders import Orders
    from calzion.discovery.publisher import Publisher
    from calzion.discovery.registrar import Registrar, TroubleFile

    layout = settings.layout
    for directory in (layout.run, layout.router):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    here = EmbeddedRegistry()
    registries: list[Registry] = [here]
    routes: list[RoutePublisher] = []
    unusable: list[str] = []
    with _told(unusable):
        _tell_of(layout, here)
    with _told(unusable):
        registries += _elsewhere(settings)
        routes += _routes_elsewhere(settings)
    trouble = TroubleFile(layout.registry_trouble)
    registrar = Registrar(
        Orders(layout.registrations),
        [Publisher(registry) for registry in registries],
        Listening(),
        lambda why: trouble.write("; ".join([*unusable, *([why] if why else [])])),
        routes,
    )
    registrar.start()
    try:
        yield
    finally:
        registrar.stop()


@contextmanager
def following(settings: Settings) -> Iterator[None]:
    """Lead to other machines' routers meanwhile, where none but this part of Calzion is on this one.

    Whose reconciler makes routes, or whose own routes others follow, follows none.
    """
    from calzion.discovery.routefollower import RouteFollower
    from calzion.wiring.elsewhere import RoutesElsewhere

    announced = settings.layout.registrations
    if settings.registry.kind == EMBEDDED or settings.advertise or announced.exists():
        yield
        return
    routes = RoutesElsewhere(settings.layout)
    follower = RouteFollower(
        etcd_routes(settings), routes.known(), routes.apply, wanted=lambda: not announced.exists()
    )
    follower.start()
    try:
        yield
    finally:
        follower.stop()


@contextmanager
def _told(problems: list[str]) -> Iterator[None]:
    try:
        yield
    except CalzionError as error:
        problems.append(f"{error.message} ({error.hint})")
        _log.error("%s", problems[-1])


def discovery_variables(settings: Settings) -> Callable[[DeploymentName], Mapping[str, str]]:
    """What instances are given; nothing where nobody answers them."""
    from calzion.controller.environment import DISCOVERY_TOKEN, DISCOVERY_URL
    from calzion.discovery.door import read_door

    file = settings.layout.discovery
    address = address_plan(settings).discovery if uses_docker(settings.layout) else None

    def variables(deployment: DeploymentName) -> Mapping[str, str]:
        door = read_door(file)
        if door is None:
            return {}
        url = f"http://{address}" if address else door.url
        return {DISCOVERY_URL: url, DISCOVERY_TOKEN: door.token(deployment)}

    return variables


def containers_of_router(settings: Settings) -> Containers | None:
    """None where services are processes, which reach this machine's loopback interface by themselves."""
    from calzion.discovery.door import read_door
    from calzion.routing.configuration import Relay
    from calzion.routing.daemon import Containers

    if not uses_docker(settings.layout):
        return None
    plan, door = address_plan(settings), read_door(settings.layout.discovery)
    relay = Relay(address=plan.discovery, port=door.port) if door else None
    return Containers(services=str(plan.services), discovery=relay)


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
    if settings.registry.kind == EMBEDDED:
        return []
    with _packages(settings):
        from calzion.discovery.etcd.registry import EtcdRegistry
    return [EtcdRegistry(_access(settings))]


def _routes_elsewhere(settings: Settings) -> list[RoutePublisher]:
    from calzion.discovery.routepublisher import RoutePublisher

    if settings.registry.kind == EMBEDDED or settings.advertise is None:
        return []
    return [RoutePublisher(etcd_routes(settings), Endpoint(settings.advertise.host, settings.advertise.port))]


def etcd_routes(settings: Settings) -> EtcdRoutes:
    """Raises CalzionError: usage, unsupported."""
    with _packages(settings):
        from calzion.discovery.etcd.routes import EtcdRoutes
    return EtcdRoutes(_access(settings))


def _access(settings: Settings) -> Access:
    from calzion.discovery.etcd.access import Access

    return Access.of(settings.registry, settings.layout.registry)


@contextmanager
def _packages(settings: Settings) -> Iterator[None]:
    """What talks to etcd is imported within."""
    try:
        yield
    except ImportError as error:
        raise CalzionError(
            f"the registry {settings.registry} needs Python packages that are not here: {error.name}",
            hint="install Calzion with them: pip install 'calzion[etcd]'",
            code="unsupported",
        ) from error
