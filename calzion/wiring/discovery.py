"""Who registers instances, and where."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from calzion.config import Settings
from calzion.errors import CalzionError
from calzion.registryurl import EMBEDDED

if TYPE_CHECKING:
    from calzion.controller.api.status import PartCheck
    from calzion.discovery.registrar import Registrar
    from calzion.discovery.registry import Registry

_log = logging.getLogger(__name__)


def make_registrar(settings: Settings) -> Registrar:
    """What can't be used of the settings is told as a trouble of the registry: the router does not depend on it."""
    from calzion.discovery.embedded import EmbeddedRegistry
    from calzion.discovery.listening import listening
    from calzion.discovery.orders import Orders
    from calzion.discovery.publisher import Publisher
    from calzion.discovery.registrar import Registrar, TroubleFile

    layout = settings.layout
    layout.run.mkdir(parents=True, exist_ok=True, mode=0o700)
    registries: list[Registry] = [EmbeddedRegistry()]
    trouble, unusable = TroubleFile(layout.registry_trouble), ""
    try:
        if settings.registry.kind != EMBEDDED:
            registries.append(_elsewhere(settings))
    except CalzionError as error:
        unusable = f"{error.message} ({error.hint})"
        _log.error("%s", unusable)
    return Registrar(
        Orders(layout.registrations),
        [Publisher(registry) for registry in registries],
        listening,
        lambda why: trouble.write(unusable or why),
    )


def check_registry(settings: Settings) -> tuple[PartCheck, ...]:
    """For `calzion status`: one elsewhere may be away while everything serves."""
    from calzion.controller.api.status import PartCheck
    from calzion.discovery.registrar import TroubleFile

    if settings.registry.kind == EMBEDDED:
        return ()
    return (PartCheck("registry", TroubleFile(settings.layout.registry_trouble).read),)


def _elsewhere(settings: Settings) -> Registry:
    from calzion.discovery.etcd.access import Access

    access = Access.of(settings.registry, settings.layout.registry)
    try:
        from calzion.discovery.etcd.registry import EtcdRegistry
    except ImportError as error:
        raise CalzionError(
            f"the registry {settings.registry} needs Python packages that are not here: {error.name}",
            hint="install Calzion with them: pip install 'calzion[etcd]'",
            code="unsupported",
        ) from error
    return EtcdRegistry(access)
