"""What services run on: processes of this machine, or containers of a Docker Engine."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from calzion.backends.choice import DOCKER, chosen_backend
from calzion.config import Settings
from calzion.layout import Layout

if TYPE_CHECKING:
    from calzion.backends.docker.addresses import AddressPlan
    from calzion.backends.docker.backend import DockerBackend
    from calzion.backends.docker.engine import Engine
    from calzion.backends.docker.pull import Logins
    from calzion.backends.process import ProcessBackend
    from calzion.build.builder import SlugBuilder
    from calzion.build.limits import BuildLimits
    from calzion.build.workshop import Workshop
    from calzion.model import Builder, Login


@dataclass(frozen=True, kw_only=True)
class Platform:
    """`builder` adds what else than slugs can be built.

    `service_addresses`, `port_is_free` and `address_is_free` are as controller.parts has them.
    """

    backend: ProcessBackend | DockerBackend
    workshop: Workshop
    builder: Callable[[SlugBuilder], Builder]
    service_addresses: IPv4Network
    port_is_free: Callable[[int], bool]
    address_is_free: Callable[[str], bool]


def uses_docker(layout: Layout) -> bool:
    return chosen_backend(layout) == DOCKER


def choose_platform(
    settings: Settings, environ: Mapping[str, str], logins: Logins, registries: Callable[[], Iterable[str]]
) -> Platform:
    """The platform that the data directory belongs to, ready for use. Raises CalzionError where it isn't there.

    `logins` gives the credentials of a registry; `registries` are those that have some.
    """
    if uses_docker(settings.layout):
        return _containers(settings, environ, logins, registries)
    return _processes(settings, environ)


def process_backend(layout: Layout) -> ProcessBackend:
    from calzion.backends.process import ProcessBackend

    return ProcessBackend(layout, root=os.geteuid() == 0)


def docker_backend(
    settings: Settings, engine: Engine, restore: Callable[[str], None] | None = None
) -> DockerBackend:
    from calzion.backends.docker.backend import DockerBackend
    from calzion.backends.docker.networks import Networks
    from calzion.images.present import need
    from calzion.routing.haproxy import HaproxyRouter

    return DockerBackend(
        engine,
        settings.layout,
        Networks(engine, address_plan(settings)),
        images=lambda name: need(engine.api, name),
        container_port=lambda: HaproxyRouter(settings.layout).container_port,
        restore=restore,
    )


def docker_engine(layout: Layout, environ: Mapping[str, str]) -> Engine:
    from calzion.backends.docker.engine import Engine

    return Engine(layout, environ)


def address_plan(settings: Settings) -> AddressPlan:
    from calzion.backends.docker.addresses import AddressPlan

    return AddressPlan(IPv4Network(settings.container_network))


def _build_limits(settings: Settings) -> BuildLimits:
    from calzion.build.limits import BuildLimits

    return BuildLimits(memory=settings.build_memory, timeout=settings.build_timeout, log=settings.build_log)


def _processes(settings: Settings, environ: Mapping[str, str]) -> Platform:
    from calzion.build.sandboxed import SandboxWorkshop
    from calzion.ranges import LOOPBACK

    limits = _build_limits(settings)
    return Platform(
        backend=process_backend(settings.layout),
        workshop=SandboxWorkshop.here(settings.layout, environ, limits),
        builder=lambda slugs: slugs,
        service_addresses=LOOPBACK,
        port_is_free=_port_is_free,
        address_is_free=_address_is_free,
    )


def _containers(
    settings: Settings, environ: Mapping[str, str], logins: Logins, registries: Callable[[], Iterable[str]]
) -> Platform:
    """A container has all ports and addresses for itself."""
    from calzion.build.builds import Builds
    from calzion.build.contained import ContainerWorkshop
    from calzion.build.dockerfiles import Dockerfiles
    from calzion.build.pulled import PulledImages
    from calzion.build.store import SlugStore

    layout = settings.layout
    engine = docker_engine(layout, environ)
    pulled = PulledImages(engine, SlugStore(layout.slugs, layout.builds), logins)
    backend = docker_backend(settings, engine, pulled.restore)
    backend.prepare()
    limits = _build_limits(settings)

    def all_logins() -> Mapping[str, Login]:
        return {host: login for host in registries() if (login := logins(host))}

    return Platform(
        backend=backend,
        workshop=ContainerWorkshop.here(engine, layout, environ, limits),
        builder=lambda slugs: Builds(
            slugs=slugs,
            dockerfiles=Dockerfiles.beside(slugs, engine, environ, all_logins),
            pulled=pulled,
            keep_copies=backend.keep_slugs,
        ),
        service_addresses=address_plan(settings).services,
        port_is_free=lambda _port: True,
        address_is_free=lambda _address: True,
    )


def _port_is_free(port: int) -> bool:
    """Whether an instance could listen on the port, on whatever address it chooses."""
    return _can_bind(socket.AF_INET, ("0.0.0.0", port)) and _can_bind(socket.AF_INET6, ("::", port))


def _address_is_free(address: str) -> bool:
    """Whether no other installation on this machine uses the address for its appliances."""
    return all(_can_bind(socket.AF_INET, (address, port)) for port in (5432, 6379))


def _can_bind(family: socket.AddressFamily, address: tuple[str, int]) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(address)
    except OSError as error:
        return error.errno not in (errno.EADDRINUSE, errno.EACCES)
    return True
