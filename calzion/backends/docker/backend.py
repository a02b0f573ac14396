"""The Docker backend: instances are containers of a Docker Engine, which keeps them up itself."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from http.client import CONFLICT
from math import ceil
from typing import Any

from docker.errors import APIError, ImageNotFound, NotFound

from calzion.backends.appliance import contained
from calzion.backends.docker.attached import AttachedContainer
from calzion.backends.docker.checking import run_inside
from calzion.backends.docker.engine import Engine, explain, problem, reachable
from calzion.backends.docker.execution import run_attached
from calzion.backends.docker.files import InstanceFiles
from calzion.backends.docker.history import History
from calzion.backends.docker.holder import sweep_holders
from calzion.backends.docker.inside import Inside
from calzion.backends.docker.labels import INSTANCE, container_name, instance_labels
from calzion.backends.docker.logs import Logs, read_lines
from calzion.backends.docker.networks import Networks
from calzion.backends.docker.observe import address_of, instance_of, pid_of
from calzion.backends.docker.order import Placement, create
from calzion.backends.docker.protection import missing
from calzion.backends.docker.redirect import ensure_redirect, remove_redirect, rule
from calzion.backends.docker.volumes import Volumes
from calzion.backends.docker.watch import Watch
from calzion.errors import CalzionError
from calzion.host.wire import check_spec
from calzion.layout import Layout
from calzion.model import (
    Cancellation,
    DeploymentName,
    Endpoint,
    Exit,
    Instance,
    InstanceState,
    LogStream,
    RunSpec,
    TerminalSize,
)

_AT_ONCE = 8  # containers that are started or stopped at the same time
_START_PAUSE = 0.02  # seconds between looks whether an instance is up
_REMOVAL = 30  # seconds that a removal by somebody else may take
_RUNNER = "slugrunner"


class DockerBackend:
    """See calzion.backends.protocol.Backend. `images` gives the reference of an image of ours by its name.

    `container_port` is where the router awaits what containers send to services. `restore` has an image of others again
    that somebody removed, by its id.
    """

    containers = True

    def __init__(
        self,
        engine: Engine,
        layout: Layout,
        networks: Networks,
        images: Callable[[str], str],
        container_port: Callable[[], int],
        restore: Callable[[str], None] | None = None,
    ) -> None:
        self._engine = engine
        self._root = os.geteuid() == 0
        self._networks = networks
        self._images = images
        self._container_port = container_port
        self._restore = restore
        self._volumes = Volumes(engine)
        self._files = InstanceFiles(engine, layout, images)
        self._history = History()
        self._watches: list[Watch] = []
        self._last: dict[str, str] = {}
        """By instance, the container that it had when it was looked for."""

    def prepare(self) -> None:
        """Bring what a crash or a restart of the machine left behind in order. Raises CalzionError."""
        with reachable():
            self._networks.forget()
            self._lead_to_router()
            sweep_holders(self._engine)
            self._files.sweep(frozenset(instance.id for instance in self.instances()))

    def doctor(self) -> list[str]:
        with reachable():
            return missing(self._engine.api.info(), root=self._root)

    def resolve(self, image: str) -> str | None:
        return contained(image)

    def ensure(self, specs: Sequence[RunSpec]) -> None:
        for spec in specs:
            check_spec(spec, root=self._root)
        if specs and self._root:
            self._lead_to_router()  # somebody may have emptied the firewall; it takes some milliseconds
        self._each(self._ensure, specs)

    def stop(self, ids: Sequence[str]) -> None:
        self._each(self._stop, self._containers(ids).values())

    def forget(self, ids: Sequence[str]) -> None:
        self._each(self._forget, ids)

    def instances(self) -> tuple[Instance, ...]:
        with reachable():
            listed = self._engine.api.containers(all=True, filters=self._engine.filters())
            wanted = [each["Id"] for each in listed if INSTANCE in each["Labels"]]
            found = filter(None, map(self._look, wanted))
            return tuple(map(self._instance, found))

    def watch(self, changed: Callable[[], None]) -> None:
        self._watches.append(Watch(self._engine, self._history, changed))

    def endpoint(self, id: str, port: int) -> Endpoint | None:
        container = self._running(id)
        if container is None:
            return None
        return _inside(container).endpoint(address_of(container), port)

    def listening(self, id: str) -> tuple[int, ...]:
        return tuple(sorted({one.port for one in self._inside(id).listeners()}))

    def unaccepted(self, id: str, port: int) -> int:
        return sum(one.waiting for one in self._inside(id).listeners() if one.port == port)

    def rests(self, id: str) -> bool:
        container = self._running(id)
        return container is not None and _inside(container).rests()

    def run(self, spec: RunSpec, output: Callable[[str], None], cancellation: Cancellation) -> Exit:
        return run_attached(self.attach(spec, None), output, cancellation)

    def attach(self, spec: RunSpec, terminal: TerminalSize | None) -> AttachedContainer:
        check_spec(spec, root=self._root)
        with self._starting(spec):
            container = self._create(spec, terminal=terminal is not None, attached=True)
        return AttachedContainer(self._engine, spec, container, terminal, lambda: self._forget(spec.id))

    def check(self, id: str, spec: RunSpec) -> Exit:
        with reachable():
            while (container := self._find(id)) and self._starts(container):
                time.sleep(_START_PAUSE)
            if container is None or pid_of(container) is None:
                raise CalzionError(f"{id} does not run", code="not_found")
            return run_inside(self._engine, container, spec)

    def tail(self, id: str, lines: int) -> list[str]:
        """Those of one start: an engine starts again what failed before one can look."""
        with reachable():
            container = self._find(id)
        if container is None:
            return []
        found = read_lines(self._engine, id, container["Id"], lines)
        return [line.text for line in self._history.telling(id, found, time.time())]

    def logs(self, ids: Sequence[str], lines: int, follow: bool) -> LogStream:
        return Logs(self._engine, self._containers(ids), lines, follow)

    def volumes(self, deployment: DeploymentName, names: Collection[str] | None = None) -> dict[str, int]:
        with reachable():
            return self._volumes.sizes(deployment, names)

    def volume_names(self, deployment: DeploymentName) -> frozenset[str]:
        with reachable():
            return self._volumes.names(deployment)

    def remove_volumes(self, deployment: DeploymentName, names: Sequence[str]) -> None:
        with reachable():
            self._volumes.remove(deployment, names)

    def remove_deployment(self, deployment: DeploymentName) -> None:
        with reachable():
            self._volumes.remove(deployment)
            self._networks.remove(deployment)
            self._files.remove_deployment(deployment)

    def keep_slugs(self, wanted: Callable[[str], bool]) -> None:
        """Remove the copies of slugs that an engine has which does not see ours, but for those of these keys."""
        with contextlib.suppress(APIError, CalzionError), reachable():
            self._files.keep_slugs(wanted)

    def network(self, deployment: DeploymentName) -> str:
        with reachable():
            return self._networks.cidr(deployment)

    def shut_down(self) -> None:
        """Stop and remove every instance; volumes stay."""
        ids = [instance.id for instance in self.instances()]
        self.stop(ids)
        self.forget(ids)
        remove_redirect(self._engine, self._images, self._redirect)

    def close(self) -> None:
        """End the watches. Instances go on."""
        for watch in self._watches:
            watch.close()
        self._engine.close()

    def _lead_to_router(self) -> None:
        ensure_redirect(self._engine, self._images, self._redirect)

    @property
    def _redirect(self) -> list[str]:
        return rule(self._networks.bridges, str(self._networks.services), self._container_port())

    def _ensure(self, spec: RunSpec) -> None:
        with self._starting(spec):
            container = self._find(spec.id)
            if container is None:
                self._engine.api.start(self._create(spec))
            else:
                self._mend(spec, container)

    def _mend(self, spec: RunSpec, container: Mapping[str, Any]) -> None:
        """Have a container that there is run, with what it needs."""
        self._networks.ensure(spec.deployment)
        self._files.update(spec)
        if not container["NetworkSettings"]["Networks"]:
            self._start_anew(spec)
        elif container["State"]["Paused"]:
            self._engine.api.unpause(container["Id"])
        elif container["State"]["Status"] not in ("running", "restarting"):
            self._start_again(spec, container["Id"])

    def _start_again(self, spec: RunSpec, container: str) -> None:
        """What it needs may be gone meanwhile: then it is made anew."""
        try:
            self._engine.api.start(container)
        except APIError:
            self._start_anew(spec)

    def _start_anew(self, spec: RunSpec) -> None:
        """With the address that it has."""
        self._remove(spec.id)
        self._engine.api.start(self._create(spec))

    def _create(self, spec: RunSpec, *, terminal: bool = False, attached: bool = False) -> str:
        """With the image that it needs, which somebody may have removed from the engine."""
        try:
            return self._create_container(spec, terminal=terminal, attached=attached)
        except ImageNotFound:
            if spec.image is None or self._restore is None:
                raise
        try:
            self._restore(spec.image)
        except CalzionError as error:
            raise CalzionError(
                f"{spec.deployment}:{spec.service} can't be started: {error.message}",
                hint=error.hint,
                code="start",
                detail=error.detail,
            ) from error
        return self._create_container(spec, terminal=terminal, attached=attached)

    def _create_container(self, spec: RunSpec, *, terminal: bool, attached: bool) -> str:
        network = self._networks.ensure(spec.deployment)
        uid = self._files.uid(spec) if spec.image is None else None
        where = Placement(
            image=spec.image or self._images(spec.appliance or _RUNNER),
            network=network,
            address=self._networks.hold(spec.deployment, spec.id),
            binds=[*self._files.binds(spec), *self._volumes.ensure(spec)],
            labels=instance_labels(self._engine.installation, spec),
            user=uid,
        )
        config = create(spec, where, terminal=terminal, attached=attached)
        container = self._engine.create_container(config, container_name(spec))
        if uid is not None:
            self._files.hand_over(container, spec, uid)
            self._volumes.hand_over(container, spec, uid)
        return container

    @contextmanager
    def _starting(self, spec: RunSpec) -> Iterator[None]:
        try:
            with reachable():
                yield
        except APIError as error:
            why, hint = problem(error)
            raise CalzionError(
                f"{spec.deployment}:{spec.service} can't be started: {why}",
                hint=hint,
                code="start",
                detail=[explain(error)] if hint else None,
            ) from error
        except OSError as error:
            raise CalzionError(
                f"{spec.deployment}:{spec.service} can't be started: {error}",
                hint="see whether the disk that holds the data directory is full",
                code="start",
            ) from error

    def _stop(self, container: str) -> None:
        with contextlib.suppress(NotFound), reachable():
            timeout = self._engine.api.inspect_container(container)["Config"].get("StopTimeout") or 10
            self._engine.api.stop(container, timeout=ceil(timeout))

    def _forget(self, id_: str) -> None:
        try:
            self._remove(id_)
        except APIError as error:
            raise CalzionError(f"the container of {id_} can't be removed: {explain(error)}") from error
        self._networks.let_go(id_)
        self._last.pop(id_, None)

    def _remove(self, id_: str) -> None:
        with reachable():
            for container in self._containers([id_]).values():
                with contextlib.suppress(NotFound):
                    self._remove_container(container)
            self._files.remove(id_)

    def _remove_container(self, container: str) -> None:
        try:
            self._engine.api.remove_container(container, v=True, force=True)
        except APIError as error:
            if error.status_code != CONFLICT:
                raise
            # Somebody else's removal of it is under way.
            self._engine.api.wait(container, timeout=_REMOVAL, condition="removed")

    def _containers(self, ids: Sequence[str]) -> Mapping[str, str]:
        """The containers of those instances that have one."""
        if not ids:
            return {}
        with reachable():
            listed = self._engine.api.containers(all=True, filters=self._engine.filters())
        found = {each["Labels"].get(INSTANCE): each["Id"] for each in listed}
        return {id_: found[id_] for id_ in ids if id_ in found}

    def _find(self, id_: str) -> dict[str, Any] | None:
        """One call while an instance keeps its container; to search among all costs the engine more."""
        if (last := self._last.get(id_)) and (found := self._look(last)):
            return found
        filters = self._engine.filters(instance=id_)
        listed = self._engine.api.containers(all=True, filters=filters)
        if not listed:
            self._last.pop(id_, None)
            return None
        self._last[id_] = listed[0]["Id"]
        return self._look(listed[0]["Id"])

    def _look(self, container: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._engine.api.inspect_container(container)
        except NotFound:
            return None
        return found

    def _running(self, id_: str) -> dict[str, Any] | None:
        with reachable():
            found = self._find(id_)
        return found if found and pid_of(found) else None

    def _inside(self, id_: str) -> Inside:
        container = self._running(id_)
        return _inside(container) if container else Inside(None, "")

    def _instance(self, container: Mapping[str, Any]) -> Instance:
        found = instance_of(container, _inside(container).memory())
        return found if found.exit else replace(found, exit=self._history.last_exit(found.id))

    def _starts(self, container: Mapping[str, Any]) -> bool:
        return instance_of(container).state is InstanceState.STARTING

    def _each(self, do: Callable[[Any], None], things: Sequence[Any] | Any) -> None:
        """Do it for all at the same time; the first error is raised when all have ended."""
        waiting = list(things)
        if len(waiting) < 2:
            for thing in waiting:
                do(thing)
            return
        with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="docker") as pool:
            for result in [pool.submit(do, thing) for thing in waiting]:
                result.result()


def _inside(container: Mapping[str, Any]) -> Inside:
    return Inside(pid_of(container), container["Id"])
