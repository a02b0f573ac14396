"""What the controller is made of; the composition root fills it."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from calzion.backends.protocol import Backend
from calzion.config import PortRange
from calzion.controller.locks import DeploymentLocks
from calzion.controller.observed import Observed
from calzion.controller.store.database import Database
from calzion.controller.stories import StoryBook
from calzion.controller.troubles import Troubles
from calzion.controller.uploads import Uploads
from calzion.controller.vault import Vault
from calzion.discovery.health import Check, ProbeResult, probe
from calzion.discovery.registration import Registration
from calzion.model import Builder, DeploymentName, Endpoint, SourceTree
from calzion.ranges import LOOPBACK
from calzion.routing.protocol import Router


def _new_id() -> str:
    return uuid.uuid4().hex[:16]


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds. `settle` is how long a process without a port must live at least to count as up."""

    boot: float = 60.0
    drain: float = 30.0
    settle: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Parts:
    """`open_upload` opens a directory of uploaded code, which was made of a commit; `open_commit` one of a commit of a
    repository. `forget_branch` removes a destroyed deployment's branch.

    `keep_releases` is how many releases of a deployment can be gone back to.
    `rotate_audit` moves old records of the audit trail to a file where there are many.
    `allow_privileged`: templates may ask for containers that can do all that the machine's root can.
    `tasks` are the ids of tasks that rollouts run right now, which the store does not know.
    `unpruned` is set while what no release needs could not be removed.
    `tcp_ports` are those that the router holds for services to the outside.
    `service_addresses` is the range of services' stable addresses.
    `discovery` gives the variables by which a deployment's instances ask for one another.
    `announce` says which instances should be registered as far as they are up, and which host names are served.
    `port_is_free` and `address_is_free` say whether this machine's network would take a listener there.
    """

    database: Database
    vault: Vault
    builder: Builder
    backend: Backend
    observed: Observed
    router: Router
    stories: StoryBook
    domain: str
    http_port: int
    tcp_ports: PortRange
    uploads: Uploads
    open_upload: Callable[[str, str, str], SourceTree]
    open_commit: Callable[[str, str, str], AbstractContextManager[SourceTree]]
    forget_branch: Callable[[str, DeploymentName], None]
    port_is_free: Callable[[int], bool]
    address_is_free: Callable[[str], bool]
    discovery: Callable[[DeploymentName], Mapping[str, str]] = lambda _: {}
    announce: Callable[[Iterable[Registration], Iterable[str]], None] = lambda _instances, _hosts: None
    probe: Callable[[Endpoint, Check], ProbeResult] = probe
    timeouts: Timeouts = Timeouts()
    keep_releases: int = 10
    rotate_audit: Callable[[], None] = lambda: None
    allow_privileged: bool = False
    service_addresses: IPv4Network = LOOPBACK
    locks: DeploymentLocks = field(default_factory=DeploymentLocks)
    tasks: set[str] = field(default_factory=set)
    troubles: Troubles = field(default_factory=Troubles)
    unpruned: threading.Event = field(default_factory=threading.Event)
    now: Callable[[], float] = time.time
    new_id: Callable[[], str] = _new_id
