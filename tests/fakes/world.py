"""A whole controller over parts in memory, which may die at any step and be started again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from calzion.config import PortRange
from calzion.controller.claim import Claim
from calzion.controller.deployer import Deployer
from calzion.controller.expiry import Expiry
from calzion.controller.locks import CancellationToken
from calzion.controller.observed import Observed
from calzion.controller.parts import Parts, Timeouts
from calzion.controller.promote import promote
from calzion.controller.reconciler import Reconciler
from calzion.controller.retention import prune
from calzion.controller.rollback import rollback
from calzion.controller.store import deployments, instances, releases
from calzion.controller.store.instances import InstanceRole
from calzion.controller.store.releases import Release, ReleaseState
from calzion.controller.stories import StoryBook
from calzion.controller.traffic import Traffic
from calzion.controller.uploads import Uploads
from calzion.controller.vault import Vault
from calzion.discovery.health import Check, ProbeResult
from calzion.model import DeploymentName, Endpoint, Instance, ServiceName
from calzion.progress import Event
from calzion.template import parse_template
from tests.fakes.backend import FakeBackend
from tests.fakes.builder import FakeBuilder, FakeTree
from tests.fakes.fuse import Crash, Fuse, Fused, FusedDatabase
from tests.fakes.router import FakeRouter
from tests.fakes.stores import new_store

NAME = DeploymentName("app")


class World:
    """The backend, router, slugs and files outlive the controller, as they do on a machine."""

    def __init__(self, directory: Path, keep_releases: int = 10, url: str = "") -> None:
        self.directory = directory
        self.keep_releases = keep_releases
        self.url = url or new_store(directory)
        self.vault = Vault.open(directory / "key")
        self.backend = FakeBackend()
        self.router = FakeRouter()
        self.builder = FakeBuilder(directory / "slugs")
        self.fuse = Fuse()
        self.events: list[Event] = []
        self._ids = iter(range(1, 1 << 30))
        self.start()

    def start(self) -> None:
        """A controller begins, as after a crash."""
        self.fuse.reset()
        backend: Any = Fused(
            self.backend,
            self.fuse,
            "ensure",
            "stop",
            "forget",
            "run",
            "attach",
            "remove_volumes",
            "remove_deployment",
        )
        router: Any = Fused(self.router, self.fuse, "apply", "retire")
        builder: Any = Fused(self.builder, self.fuse, "build", "prune")
        self.parts = Parts(
            database=FusedDatabase(self.url, self.fuse),
            vault=self.vault,
            builder=builder,
            backend=backend,
            observed=Observed(backend),
            router=router,
            stories=StoryBook(self.directory / "stories"),
            domain="localhost",
            http_port=80,
            tcp_ports=PortRange(5000, 5009),
            uploads=Uploads(self.directory / "uploads"),
            open_upload=lambda name, directory, commit: FakeTree(name, commit),
            open_commit=lambda repository, commit, directory: nullcontext(FakeTree(directory, commit)),
            forget_branch=lambda repository, name: None,
            port_is_free=lambda port: True,
            address_is_free=lambda address: True,
            probe=_up,
            timeouts=Timeouts(boot=2.0, drain=0.0, settle=0.0),
            keep_releases=self.keep_releases,
            new_id=lambda: f"{next(self._ids):016x}",
        )
        self.traffic = Traffic(self.parts)
        self.deployer = Deployer(self.parts, self.traffic)
        self.reconciler = Reconciler(self.parts, self.traffic)

    def recover(self) -> None:
        """What the reconciler does at its start, and its first pass."""
        self.start()
        self.reconciler.recover()
        prune(self.parts)
        self.reconciler.reconcile(first=True)

    def lose_power(self) -> None:
        """Everything ends at once: the controller, every instance and the router."""
        self.backend.lose_power()
        self.router.stop()
        self.router.start()

    def deploy(
        self,
        template: str,
        procfiles: Mapping[str, str],
        commit: str = "",
        secrets: Collection[str] = (),
        name: DeploymentName = NAME,
        repository: str | None = None,
    ) -> Release:
        """Release a template whose apps have these Procfiles; returns when the old instances are gone too."""
        parsed = parse_template(template.encode(), secrets=frozenset(secrets))
        sources = {ServiceName(name): FakeTree(text, commit) for name, text in procfiles.items()}
        claim = Claim(user="t", commit=commit, repository=repository)
        return self._act(
            name,
            lambda token: self.deployer.release_template(
                name, parsed, sources, claim, self.events.append, token
            ),
        )

    def rollback(self, number: int | None = None) -> Release:
        return self._act(
            NAME,
            lambda token: rollback(self.parts, self.deployer, NAME, number, "t", self.events.append, token),
        )

    def promote(self, target: DeploymentName) -> Release:
        """What NAME runs, to another deployment."""
        return self._act(
            target,
            lambda token: promote(self.parts, self.deployer, NAME, target, "t", self.events.append, token),
        )

    def _act(self, name: DeploymentName, act: Callable[[CancellationToken], Release]) -> Release:
        token = CancellationToken()
        try:
            with self.deployer.turn(name, "a test", self.events.append, token):
                return act(token)
        finally:
            self.settle()

    def settle(self) -> None:
        for thread in threading.enumerate():
            if thread.name in ("drain", "expiry"):
                thread.join(10)

    def begin_expiry(self, later: Parts) -> None:
        """What the reconciler does for deployments whose time is over, by the clock of `later`."""
        Expiry(later, self.traffic).end_due()

    def expire(self, later: Parts) -> None:
        self.begin_expiry(later)
        self.settle()

    def running(self) -> list[Instance]:
        return [instance for instance in self.backend.instances() if instance.pid is not None]

    def state(self) -> dict[str, str]:
        """Service -> the command that serves it."""
        return {each.service: str(self.backend.specs[each.id].command) for each in self.running()}

    def check(self) -> None:
        """One whole release serves; nothing that the store doesn't know runs or is routed."""
        with self.parts.database.read() as connection:
            found = deployments.find(connection, NAME)
            records = instances.all_instances(connection)
            current = releases.current(connection, found.id) if found else None
            unfinished = releases.in_state(connection, *releases.UNFINISHED, ReleaseState.OPEN)
            services = releases.services(connection, current.id) if current else ()
            lived = releases.services_ever_live(connection, found.id) if found else frozenset()
        assert not unfinished, unfinished
        assert all(record.state is InstanceRole.LIVE for record in records), records
        assert {record.id for record in records} == {each.id for each in self.running()}
        assert {record.id for record in records} == {each.id for each in self.backend.instances()}
        slugs = {service.name: service.slug for service in services}
        for each in self.running():
            slug = self.backend.specs[each.id].slug
            assert slug is None or slug.name == slugs[ServiceName(each.service)], each
        assert {each.service for each in self.running()} == {str(name) for name in slugs}
        assert {name.partition(".")[0] for name in self.backend.volume_names(NAME)} <= lived
        self._check_routes({record.pool for record in records if record.pool})

    def _check_routes(self, pools: set[str]) -> None:
        assert {name.rpartition("/")[0] for name in self.router.pools} == pools
        assert {name.rpartition("/")[0] for name in self.router.table.pools} == pools
        ports = {port for each in self.running() for port in each.ports.values()}
        for pool in self.router.table.pools.values():
            assert pool.endpoints and all(endpoint.port in ports for endpoint in pool.endpoints)


def _up(_endpoint: Endpoint, _check: Check) -> ProbeResult:
    return ProbeResult(up=True, reason="")


def quiet_crashes() -> None:
    """A thread that dies with the process says nothing."""
    before = threading.excepthook

    def hook(arguments: Any) -> None:
        if arguments.exc_type is not Crash:
            before(arguments)

    threading.excepthook = hook
