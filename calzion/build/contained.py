"""Builds in containers of the image slugbuilder."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from docker import types
from docker.errors import APIError
from urllib3.exceptions import HTTPError

from calzion.backends.docker.engine import Engine, reachable
from calzion.backends.docker.ownership import owned_directory
from calzion.backends.docker.sight import Sight
from calzion.build import passthrough
from calzion.build.child import Ending
from calzion.build.container import container_options, host_options
from calzion.build.copied import copied
from calzion.build.engine import engine_errors
from calzion.build.following import follow
from calzion.build.imagepython import ImageInterpreters
from calzion.build.interpreters import Interpreters
from calzion.build.limits import BuildLimits
from calzion.build.network import BuildNetwork
from calzion.build.output import Lines
from calzion.build.sandbox import CACHE, build_environment
from calzion.build.scratch import Scratch
from calzion.build.stack import Stack, build_path
from calzion.errors import CalzionError
from calzion.host.sandbox import APP, BUILD_GID, BUILD_UID, SYSTEM_PATH, Mount, group_text, passwd_text
from calzion.images.present import need
from calzion.images.recipe import carried, recipe
from calzion.layout import Layout
from calzion.model import Cancellation

KIND = "build"
PYTHON = "/usr/bin/python3"
_CACHE_IN_APP = f"{APP}/.calzion-cache"
_SOURCE = "/source"
_COPY = (
    f'cp -a {_SOURCE} {APP} && "$@" && chmod -R u+rwX {APP}'
    f" && find {_SOURCE} -mindepth 1 -delete && cp -a {APP}/. {_SOURCE}"
)
_COPIED = ("/bin/sh", "-c", _COPY, "sh")
"""Runs a command in a copy of the app: what is mounted can be neither removed nor renamed."""

_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_BUNDLES = (_BUNDLE, "/etc/pki/tls/certs/ca-bundle.crt")


@dataclass(frozen=True, kw_only=True)
class ContainerWorkshop:
    """Implements Workshop. `environ` is the server's, of which builds get what passthrough allows.

    App, cache and results are directories of this machine that are mounted: only where the engine does not see them
    they are copied in and out.
    """

    engine: Engine
    limits: BuildLimits
    environ: Mapping[str, str]
    interpreters: Interpreters
    network: BuildNetwork
    sight: Sight

    @classmethod
    def here(
        cls, engine: Engine, layout: Layout, environ: Mapping[str, str], limits: BuildLimits
    ) -> ContainerWorkshop:
        """The one of an installation. Asks the engine nothing yet."""
        return cls(
            engine=engine,
            limits=limits,
            environ=environ,
            interpreters=ImageInterpreters(engine, layout.data, PYTHON),
            network=BuildNetwork(engine, KIND),
            sight=Sight(engine, layout),
        )

    @cached_property
    def stack(self) -> Stack:
        """Named by what slugs run on. What only builds them may change without their being built anew."""
        runner = recipe("slugrunner")
        return Stack(name=f"calzion-{runner.version}", path=build_path(SYSTEM_PATH))

    @property
    def interpreter(self) -> str:
        return PYTHON

    def cache(self, *, replaceable: bool) -> str:
        """In the app, so that files can be linked and moved from one to the other, which two mounts don't allow."""
        return CACHE if replaceable else _CACHE_IN_APP

    def within(self, seconds: float) -> ContainerWorkshop:
        return replace(self, limits=replace(self.limits, timeout=seconds))

    def prepare(self) -> None:
        """Remove the containers of builds that a crash ended. Where no engine answers, none of them runs."""
        with contextlib.suppress(CalzionError), reachable():
            api = self.engine.api
            for container in api.containers(all=True, filters=self.engine.filters(kind=KIND)):
                self._remove(container["Id"])
            for volume in api.volumes(filters=self.engine.filters(kind=KIND))["Volumes"] or ():
                with contextlib.suppress(APIError):
                    api.remove_volume(volume["Name"])
        self.network.remove()

    def run(
        self,
        place: Scratch,
        mounts: Sequence[Mount],
        command: Sequence[str],
        *,
        commit: str,
        cancellation: Cancellation,
        told: Callable[[str], None],
        variables: Mapping[str, str] = MappingProxyType({}),
        replaceable: bool = False,
    ) -> tuple[Ending, bool]:
        passed = passthrough.look(self.environ, container=True)
        with engine_errors(), contextlib.ExitStack() as kept:
            network = kept.enter_context(self.network.joined())
            image = need(self.engine.api, "slugbuilder")
            options = container_options(
                image,
                [*_COPIED, *command] if replaceable else command,
                {**build_environment(self.stack, commit, passed.environment), **variables},
                user=":".join(map(str, _user())),
                labels=self.engine.labels(kind=KIND),
            )
            app = _SOURCE if replaceable else APP
            wanted = {each.target: each for each in _wanted((*_rooms(place, app), *mounts), passed, place)}
            binds = kept.enter_context(self._within_reach(image, [*wanted.values()], passed, place))
            within = host_options(self.limits, binds, network, read_only=not replaceable)
            with self._container(options, within) as container:
                if replaceable:
                    root = owned_directory("/", *_user(), 0o755)  # so that it may replace /app as a whole
                    self.engine.api.put_archive(container, "/", root)
                ended = self._follow(container, cancellation, told)
        return ended

    @contextlib.contextmanager
    def _within_reach(
        self, image: str, mounts: Sequence[Mount], passed: passthrough.Passthrough, place: Scratch
    ) -> Iterator[list[types.Mount]]:
        """The mounts as the engine can make them."""
        if self.sight.sees(image):
            yield [bind for mount in mounts if (bind := self._shared(mount, optional=mount in passed.mounts))]
            return
        ours = [mount for mount in mounts if mount not in passed.mounts]
        indexes = [mount for mount in mounts if mount in passed.mounts]
        theirs = [mount for mount in indexes if self.sight.offers(image, mount.source)]
        with copied(self.engine, image, ours, self.engine.labels(kind=KIND), place.root) as places:
            copies = [_bind(mount, at) for mount, at in zip(ours, places, strict=True)]
            yield [*copies, *(_bind(mount, str(mount.source)) for mount in theirs)]

    def _shared(self, mount: Mount, *, optional: bool) -> types.Mount | None:
        """Where Calzion runs in a container itself, the engine's machine may not have what settings name."""
        try:
            return _bind(mount, self.engine.place(mount.source))
        except CalzionError:
            if optional:
                return None
            raise

    @contextlib.contextmanager
    def _container(self, options: Mapping[str, Any], within: Mapping[str, Any]) -> Iterator[str]:
        api = self.engine.api
        made = api.create_container(**options, host_config=api.create_host_config(**within))
        try:
            yield made["Id"]
        finally:
            self._remove(made["Id"])

    def _follow(
        self, container: str, cancellation: Cancellation, told: Callable[[str], None]
    ) -> tuple[Ending, bool]:
        api, lines = self.engine.api, Lines(self.limits.log)

        def kill() -> None:
            with contextlib.suppress(APIError, CalzionError), reachable():
                api.kill(container)

        with _piped(api.attach(container, stream=True)) as (output, pump):
            api.start(container)
            pump.start()
            undo = cancellation.on_cancel(kill)
            try:
                timed_out = follow(output, lines, timeout=self.limits.timeout, kill=kill, told=told)
            finally:
                undo()
        status = api.wait(container)["StatusCode"]
        ending = Ending(
            status=status,
            timed_out=timed_out,
            cancelled=cancellation.cancelled(),
            lines=tuple(lines.last),
        )
        return ending, bool(api.inspect_container(container)["State"]["OOMKilled"])

    def _remove(self, container: str) -> None:
        with contextlib.suppress(APIError, CalzionError), reachable():
            self.engine.api.remove_container(container, force=True, v=True)


@contextlib.contextmanager
def _piped(stream: Iterator[bytes]) -> Iterator[tuple[int, threading.Thread]]:
    """A descriptor from which the stream can be read, and the thread, to be started, that fills it."""
    reader, writer = os.pipe()

    def pump() -> None:
        # An engine that goes away ends the output; what asks for the container's state next says so.
        with contextlib.suppress(OSError, HTTPError), open(writer, "wb", buffering=0) as pipe:  # noqa: PTH123
            for chunk in stream:
                pipe.write(chunk)

    thread = threading.Thread(target=pump, name="build output", daemon=True)
    try:
        yield reader, thread
    finally:
        os.close(reader)
        if thread.ident is None:
            os.close(writer)


def _user() -> tuple[int, int]:
    """Whom builds run as: where root does not run this, whoever does, since what they make is to be theirs."""
    return (BUILD_UID, BUILD_GID) if os.geteuid() == 0 else (os.geteuid(), os.getegid())


def _bind(mount: Mount, at: str) -> types.Mount:
    return types.Mount(type="bind", source=at, target=mount.target, read_only=not mount.writable)


def _wanted(mounts: Iterable[Mount], passed: passthrough.Passthrough, place: Scratch) -> Iterator[Mount]:
    """What is to be seen inside. Of two with one target the last counts: settings' certificates, not the machine's."""
    held = carried()
    yield from (mount for mount in mounts if mount.target not in held)
    yield from (*_bundle(place), *_files(passed.mounts, place), *place.files(passed.files))
    yield from (mount for mount in passed.mounts if mount.source.is_dir())


def _rooms(place: Scratch, app: str) -> Iterator[Mount]:
    rooms, (uid, gid) = place.rooms(), _user()
    yield from rooms.mounts()
    yield Mount(source=place.app, target=app, writable=True)
    if (place.inside / "cache").is_dir():
        yield Mount(source=place.inside / "cache", target=CACHE, writable=True)
    yield place.file("/etc/passwd", passwd_text(uid, gid))
    yield place.file("/etc/group", group_text(gid))


def _files(mounts: Iterable[Mount], place: Scratch) -> Iterator[Mount]:
    """Those that are files, as copies: the originals may lie where the engine's machine has nothing."""
    yield from (place.copy(mount.target, mount.source) for mount in mounts if mount.source.is_file())


def _bundle(place: Scratch) -> Iterator[Mount]:
    """The certificates that this machine trusts."""
    found = next((path for path in map(Path, _BUNDLES) if path.is_file()), None)
    if found:
        yield place.copy(_BUNDLE, found)
