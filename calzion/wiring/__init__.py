"""The composition root: settings become real objects. The only file that names a backend, a store or a router."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import calzion
from calzion.backends.choice import engine_answers, engine_socket
from calzion.config import SETTINGS, Address, Settings
from calzion.errors import CalzionError
from calzion.layout import Layout
from calzion.resources import resource
from calzion.wiring.discovery import (
    check_registry,
    containers_of_router,
    discovery_variables,
    following,
    registering,
)
from calzion.wiring.platform import (
    choose_platform,
    docker_backend,
    docker_engine,
    process_backend,
    uses_docker,
)

if TYPE_CHECKING:
    from datetime import datetime

    from calzion.backends.docker.backend import DockerBackend
    from calzion.backends.process import ProcessBackend
    from calzion.backup.contents import Contents
    from calzion.controller.api.status import PartCheck
    from calzion.controller.parts import Parts
    from calzion.gitreceive.entries import SourceLimits
    from calzion.images.building import ImageBuilder
    from calzion.images.pruning import Pruned
    from calzion.model import DeploymentName
    from calzion.sshd.limits import SshLimits

Ready = Callable[[dict[str, object]], None]

_STOP_WITHIN = 30.0


def run_part(part: str, settings: Settings, ready: Ready, environ: Mapping[str, str]) -> int:
    """Run one part until it is told to stop. Each part imports what it needs alone: processes stay small."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)
    runs: dict[str, Callable[[], None]] = {
        "host": lambda: _run_host(settings, ready, environ),
        "router": lambda: _run_router(settings, ready),
        "reconciler": lambda: run_reconciler(settings, ready, reconciler_parts(settings, environ)),
        "controller": lambda: _run_controller(settings, ready, environ),
        "sshd": lambda: _run_sshd(settings, ready),
    }
    if part not in runs:
        raise CalzionError(f"there is no part {part}", hint=f"parts: {', '.join(runs)}", code="usage")
    runs[part]()
    return 0


def stop_everything(settings: Settings, environ: Mapping[str, str]) -> None:
    """Stop every instance, the host daemon and the router. Nothing to stop is no error."""
    from calzion.routing.record import stop_router

    layout = settings.layout
    if uses_docker(layout):
        _stop_backend(docker_backend(settings, docker_engine(layout, environ)))
    elif _answers(layout.host_socket):
        _stop_backend(process_backend(layout))
        _wait_until(lambda: not _answers(layout.host_socket), "the host daemon")
    stop_router(layout)


def _stop_backend(backend: DockerBackend | ProcessBackend) -> None:
    backend.shut_down()
    backend.close()


def _run_host(settings: Settings, ready: Ready, environ: Mapping[str, str]) -> None:
    from calzion.host.daemon import run_host

    _when_answering(settings.layout.host_socket, ready)
    run_host(settings.layout, environ)


def _run_router(settings: Settings, ready: Ready) -> None:
    from calzion.routing.daemon import run_router

    _when_answering(settings.layout.router_socket, ready)
    with registering(settings), following(settings):
        run_router(
            settings.layout,
            settings.http,
            containers_of_router(settings),
            outside=settings.tcp_ports,
            trusted=settings.trusted_routers.each,
        )


def _run_sshd(settings: Settings, ready: Ready) -> None:
    """The port is root's to take, and the rest is read by whom it is served as."""
    from calzion.sshd.confinement import confine
    from calzion.sshd.listener import listen

    layout, hooks = Layout(settings.data.resolve()), resource("hooks")
    listener = listen(settings.ssh)
    unprotected = confine(layout, hooks)

    from calzion.sshd.server import SshConfig, SshServer

    server = SshServer(
        SshConfig(
            address=settings.ssh,
            keys=layout.ssh_keys,
            push_socket=layout.push_socket,
            repositories=layout.repositories,
            hooks=hooks,
            max_push=settings.push_size,
            limits=ssh_limits(settings),
        )
    )
    _on_signal(server.stop)
    facts = {"fingerprint": server.fingerprint} | ({"unprotected": unprotected} if unprotected else {})
    server.run(lambda address: ready({**facts, "port": address.port}), listener)


def _run_controller(settings: Settings, ready: Ready, environ: Mapping[str, str]) -> None:
    from calzion.controller.api.app import ApiParts, local_app, token_app
    from calzion.controller.api.client import ReconcilerClient
    from calzion.controller.api.gate import Gate
    from calzion.controller.api.server import Wsgi, by_socket, serve
    from calzion.controller.auditbook import AuditBook
    from calzion.controller.store.database import Database, check_schema
    from calzion.controller.store.tokens import any_valid
    from calzion.controller.vault import Vault
    from calzion.discovery.client import DiscoveryClient

    check_schema(settings.store)
    layout = settings.layout
    database = Database(settings.store)

    def wanted() -> bool:
        with database.read() as connection:
            return any_valid(connection, time.time())

    gate = Gate(settings.api, wanted)

    def make() -> Wsgi:
        parts = ApiParts(
            database=database,
            vault=Vault.open(layout.secret_key),
            reconciler=ReconcilerClient(layout.reconciler_socket),
            uploads=layout.uploads,
            audit=AuditBook(database, layout.audit),
            keep_releases=settings.keep_releases,
            checks=_part_checks(settings, environ, gate.problem),
            gate=gate,
            registered=DiscoveryClient(layout.discovery),
        )
        return by_socket(local_app(parts), token_app(parts), gate.guests)

    serve(make, layout.api_socket, gate, lambda: ready({}))


def run_reconciler(settings: Settings, ready: Ready, parts: Parts) -> None:
    """Be the reconciler until a signal ends it; the process ends with it."""
    from calzion.controller.actor import for_callers
    from calzion.controller.channel import ChannelServer
    from calzion.controller.deployer import Deployer
    from calzion.controller.desk import Desk
    from calzion.controller.moving.desk import MovingDesk
    from calzion.controller.moving.importing import Imports
    from calzion.controller.reconciler import Reconciler
    from calzion.controller.retention import prune
    from calzion.controller.store import audit
    from calzion.controller.traffic import Traffic
    from calzion.gitreceive.history import GitHistories
    from calzion.gitreceive.intake import Intake, IntakeLimits

    layout = settings.layout
    layout.push_socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # A rollout's many short questions wait for the interpreter behind whatever thread is busy.
    sys.setswitchinterval(0.0005)
    traffic = Traffic(parts)
    deployer = Deployer(parts, traffic)
    reconciler = Reconciler(parts, traffic)
    reconciler.recover()
    with parts.database.write() as connection:
        audit.record_settings(connection, _values(settings), now=parts.now())
    histories = GitHistories(layout.repositories, _source_limits(settings))
    imports = Imports(parts, deployer, histories, layout.imports)
    imports.recover()
    prune(parts)
    limits = IntakeLimits(source=_source_limits(settings), template=settings.template_size)
    intake = Intake(parts.database, deployer, layout.repositories, limits)
    desk = Desk(parts, traffic, deployer).operations()
    moving = MovingDesk(parts, deployer, histories, imports).operations()
    servers = [
        ChannelServer(layout.reconciler_socket, for_callers(desk | moving)),
        ChannelServer(layout.push_socket, {"authorize": intake.authorize, "push": intake.push}),
    ]
    for server in servers:
        server.start()
    _on_signal(reconciler.stop)
    ready({})
    reconciler.run()
    for server in servers:
        server.stop()
    deployer.activation.wait_for_rollouts(settings.drain_timeout)
    # Threads that still wait for a rollout that was not let go of would keep the process alive.
    logging.shutdown()
    os._exit(0)


def _values(settings: Settings) -> dict[str, str]:
    """What is in force, by the settings' names, as people may read it."""
    values = ((each, str(getattr(settings, each.name.replace("-", "_")))) for each in SETTINGS)
    return {each.name: each.shown(value) for each, value in values}


def reconciler_parts(settings: Settings, environ: Mapping[str, str]) -> Parts:
    """What the reconciler works with, over a store that has been brought to this version's schema."""
    from calzion.build.builder import slug_builder
    from calzion.build.directory import DirectoryTree
    from calzion.controller.auditbook import AuditBook
    from calzion.controller.observed import Observed
    from calzion.controller.parts import Parts, Timeouts
    from calzion.controller.registries import login, with_login
    from calzion.controller.store.database import Database, migrate
    from calzion.controller.stories import StoryBook
    from calzion.controller.uploads import Uploads
    from calzion.controller.vault import Vault
    from calzion.discovery.orders import Announcer
    from calzion.gitreceive.branch import remove_branch
    from calzion.gitreceive.source import open_commit
    from calzion.routing.haproxy import HaproxyRouter

    layout = settings.layout
    layout.run.mkdir(parents=True, exist_ok=True, mode=0o700)
    migrate(settings.store, layout.run / "migrate.lock")
    database, vault = Database(settings.store), Vault.open(layout.secret_key)
    platform = choose_platform(
        settings, environ, lambda host: login(database, vault, host), lambda: with_login(database)
    )
    builder = slug_builder(
        layout,
        platform.workshop,
        buildpacks=resource("buildpacks"),
        environ=environ,
        parallel=settings.build_parallel,
        python_downloads=settings.python_downloads == "yes",
    )
    builder.prepare()
    return Parts(
        database=database,
        vault=vault,
        builder=platform.builder(builder),
        backend=platform.backend,
        observed=Observed(platform.backend),
        router=HaproxyRouter(layout),
        stories=StoryBook(layout.stories),
        domain=settings.domain,
        http_port=settings.http.port,
        tcp_ports=settings.tcp_ports,
        uploads=Uploads(layout.uploads),
        open_upload=lambda name, directory, commit: DirectoryTree(
            _below(layout.uploads / name, directory), commit
        ),
        open_commit=lambda repository, commit, directory: open_commit(
            layout.repositories, repository, commit, directory, _source_limits(settings)
        ),
        forget_branch=lambda repository, name: remove_branch(layout.repositories, repository, name),
        service_addresses=platform.service_addresses,
        discovery=discovery_variables(settings),
        announce=Announcer(layout.registrations),
        port_is_free=platform.port_is_free,
        address_is_free=platform.address_is_free,
        timeouts=Timeouts(boot=settings.boot_timeout, drain=settings.drain_timeout),
        keep_releases=settings.keep_releases,
        rotate_audit=AuditBook(database, layout.audit).rotate,
        allow_privileged=settings.allow_privileged == "yes",
    )


def image_builder(
    layout: Layout, environ: Mapping[str, str], told: Callable[[str, str], None]
) -> ImageBuilder:
    """What builds images with the engine of `environ`; `told` gets an image's name and a line of its build."""
    from calzion.images.building import ImageBuilder

    return ImageBuilder(client=docker_engine(layout, environ).api, environ=environ, told=told)


def backup_contents(settings: Settings, deployments: tuple[DeploymentName, ...], now: datetime) -> Contents:
    """What a backup of this server says beside its deployments. Raises CalzionError where DATA can't be read."""
    from calzion.backup.contents import BackedUpKey, BackedUpLogin, Contents
    from calzion.controller.store import keys, registries
    from calzion.controller.store.database import Database, check_schema
    from calzion.controller.vault import Vault
    from calzion.sshd.hostkeys import read_host_keys

    check_schema(settings.store)
    vault = Vault.open(settings.layout.secret_key)
    with Database(settings.store).read() as connection:
        found = keys.all_keys(connection)
        hosts = [each.host for each in registries.listed(connection)]
        logins = {host: registries.find(connection, vault, host) for host in hosts}
    return Contents(
        made=now.isoformat(timespec="seconds"),
        version=calzion.__version__,
        deployments=deployments,
        keys=tuple(
            BackedUpKey(
                name=key.name,
                line=f"{key.type} {key.blob}",
                allow=key.allow,
                admin=key.admin,
                repositories=key.repositories,
            )
            for key in found
        ),
        logins=tuple(
            BackedUpLogin(host=host, user=login.user, password=login.password)
            for host, login in logins.items()
            if login
        ),
        host_keys=read_host_keys(settings.layout.ssh_keys),
    )


def prune_images(layout: Layout, environ: Mapping[str, str]) -> list[Pruned]:
    """Remove the images that other versions of Calzion built with the engine of `environ`. Raises CalzionError."""
    from calzion.backends.docker.engine import reachable
    from calzion.images.pruning import prune

    with reachable():
        return prune(docker_engine(layout, environ).api)


def _part_checks(
    settings: Settings, environ: Mapping[str, str], api: Callable[[], str]
) -> tuple[PartCheck, ...]:
    from calzion.controller.api.status import PartCheck

    layout = settings.layout
    sockets = {
        "reconciler": layout.reconciler_socket,
        **({} if uses_docker(layout) else {"host": layout.host_socket}),
        "router": layout.router_socket,
    }

    def of_socket(path: Path) -> Callable[[], str]:
        return lambda: "" if _answers(path) else f"nothing answers at {path}"

    def of_address(address: Address) -> Callable[[], str]:
        return lambda: "" if _accepts(address) else f"nothing answers at {address}"

    def of_engine() -> str:
        return "" if engine_answers(environ) else "no container engine answers"

    return (
        *(PartCheck(name, of_socket(path)) for name, path in sockets.items()),
        PartCheck("sshd", of_address(settings.ssh)),
        PartCheck("http", of_address(settings.http)),
        PartCheck("api", api),
        check_registry(settings),
        *((PartCheck("engine", of_engine),) if uses_docker(layout) and engine_socket(environ) else ()),
    )


def ssh_limits(settings: Settings) -> SshLimits:
    from calzion.sshd.limits import SshLimits

    names = [field.name for field in fields(SshLimits)]
    return SshLimits(**{name: getattr(settings, f"ssh_{name}") for name in names})


def _source_limits(settings: Settings) -> SourceLimits:
    from calzion.gitreceive.entries import SourceLimits

    return SourceLimits(entries=settings.source_files, size=settings.source_size, path=settings.source_path)


def _below(directory: Path, name: str) -> Path:
    """A directory of an upload, which no link on the way may lead out of it."""
    path = directory / name
    if not directory.is_dir():
        raise CalzionError("the upload was removed", code="template")
    if path.resolve() != directory.resolve() / name or not path.is_dir():
        raise CalzionError(f"there is no directory {name} in the upload", code="template")
    return path


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2.0)
        try:
            connection.connect(str(path))
        except OSError:
            return False
    return True


def _accepts(address: Address) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)
    try:
        socket.create_connection((host, address.port), timeout=2.0).close()
    except OSError:
        return False
    return True


def _when_answering(path: Path, ready: Ready) -> None:
    def wait() -> None:
        while not _answers(path):
            time.sleep(0.01)
        ready({})

    threading.Thread(target=wait, name="ready", daemon=True).start()


def _on_signal(stop: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())


def _wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _STOP_WITHIN
    while not holds():
        if time.monotonic() > deadline:
            raise CalzionError(
                f"{what} did not end within {_STOP_WITHIN:g} s", hint="see logs below the data directory"
            )
        time.sleep(0.02)
