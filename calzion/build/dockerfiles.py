"""Source in, image out: by its Dockerfile, with the docker command, which knows more of that than the engine's API."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from docker.errors import APIError

from calzion.backends.docker.engine import Engine, reachable
from calzion.build import passthrough
from calzion.build.builder import SlugBuilder
from calzion.build.child import Ending, run_child
from calzion.build.dockercli import docker_environment, find_docker
from calzion.build.dockerconfig import docker_config
from calzion.build.dockerfile import NAME, DockerCli, ImageBuild, build_arguments, declared_arguments
from calzion.build.lfs import pointers, remark
from calzion.build.recipe import read_source
from calzion.build.scratch import Scratch, scratch
from calzion.build.store import SlugStore
from calzion.build.submodules import fetched_submodules, place_submodules, wanted_submodules
from calzion.build.turns import Turns
from calzion.build.verdict import judge
from calzion.build.workshop import Workshop
from calzion.errors import CalzionError
from calzion.images.exposed import exposed_ports
from calzion.images.present import look_for
from calzion.model import BuildOrder, Cancellation, Login, Sink, Slug

LANGUAGE = "Dockerfile"
_FORMAT = 1
_WEB = (("web", ""),)
"""An image has one process type, which runs its own command."""


@dataclass(frozen=True, kw_only=True)
class Dockerfiles:
    """Builds orders that have a Dockerfile. `environ` is the server's; images are kept in `store` by their ids.

    Build arguments are the variables of the order that the Dockerfile declares; its secrets are secret mounts. `logins`
    are registries' credentials, for the images that it begins from.
    """

    engine: Engine
    environ: Mapping[str, str]
    workshop: Workshop
    store: SlugStore
    turns: Turns
    builds: Path
    logins: Callable[[], Mapping[str, Login]]

    @classmethod
    def beside(
        cls,
        slugs: SlugBuilder,
        engine: Engine,
        environ: Mapping[str, str],
        logins: Callable[[], Mapping[str, Login]],
    ) -> Dockerfiles:
        """Those that take turns with the builds of slugs, and share their store."""
        return cls(
            engine=engine,
            environ=environ,
            workshop=slugs.workshop,
            store=slugs.store,
            turns=slugs.turns,
            builds=slugs.layout.builds,
            logins=logins,
        )

    def key(self, order: BuildOrder) -> str:
        """Raises CalzionError (build) where there is no Dockerfile."""
        _dockerfile(order)
        parts = [_FORMAT, LANGUAGE, order.source.digest, sorted(order.environment), sorted(order.secrets)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def is_there(self, slug: Slug) -> bool:
        """Whether the engine has the image still; where it can't be asked nobody says that it is gone."""
        try:
            with reachable():
                return look_for(self.engine.api, slug.image) is not None
        except (APIError, CalzionError):
            return True

    def build(self, order: BuildOrder, sink: Sink, cancellation: Cancellation) -> Slug:
        """Raises CalzionError (build, unsupported, cancelled)."""
        key = self.key(order)
        with self.turns.take(frozenset({f"key {key}"}), sink, order.service, cancellation):
            found = self.store.find(key)
            if found and self.is_there(found):
                return found
            self.store.remove(key)
            try:
                with reachable():
                    return self._build(order, key, sink, cancellation)
            except (OSError, subprocess.SubprocessError, APIError) as error:
                raise CalzionError(
                    f"{order.service}: the build could not be carried out: {error}",
                    hint="see whether the disk is full; 'calzion doctor' looks at the engine",
                    code="build",
                ) from error

    def remove(self, key: str) -> None:
        """Let go of the image of a build. What still runs from it keeps it."""
        with contextlib.suppress(APIError, CalzionError), reachable():
            self.engine.api.remove_image(self._tag(key))

    def _build(self, order: BuildOrder, key: str, sink: Sink, cancellation: Cancellation) -> Slug:
        cli = find_docker(self.environ)
        _check_secrets(order, cli)

        def told(line: str) -> None:
            sink.log(line, source=order.service)

        wanted = wanted_submodules(order.source, order.service)
        submodules = fetched_submodules(
            self.workshop, self.builds, wanted, order.service, cancellation=cancellation, told=told
        )
        with submodules as fetched, scratch(self.builds) as place:
            place.fill(())
            order.source.export(place.app)
            if pointed := remark(list(pointers(place.app))):
                sink.warning(f"{order.service}: {pointed}")
            place_submodules(fetched, place.app)
            build = self._image_build(order, key, place)
            ending = self._run(cli, build, place, cancellation, told)
            judge(order.service, ending, self.workshop.limits, out_of_memory=False)
            return self.store.put(self._slug(key, build.result.read_text().strip()))

    def _image_build(self, order: BuildOrder, key: str, place: Scratch) -> ImageBuild:
        ignored = place.app / ".dockerignore"
        if ignored.is_symlink():  # the command would read what it leads to
            ignored.unlink()
        declared = declared_arguments(_dockerfile(order))
        proxies = {name: self.environ[name] for name in passthrough.PROXIES if self.environ.get(name)}
        return ImageBuild(
            context=place.app,
            result=place.out / "image",
            tag=self._tag(key),
            labels=self.engine.labels(kind="image"),
            arguments=proxies | {name: value for name, value in order.environment if name in declared},
            secrets={name: _secret(place, name, value) for name, value in order.secrets},
            memory=self.workshop.limits.memory,
        )

    def _run(
        self,
        cli: DockerCli,
        build: ImageBuild,
        place: Scratch,
        cancellation: Cancellation,
        told: Callable[[str], None],
    ) -> Ending:
        """The engine ends a build whose client is gone."""
        with docker_config(self.environ, self.logins(), place.root) as environ:
            return run_child(
                build_arguments(cli, build),
                docker_environment(environ, place.root, buildkit=cli.buildkit),
                timeout=self.workshop.limits.timeout,
                log=self.workshop.limits.log,
                cancellation=cancellation,
                told=told,
            )

    def _slug(self, key: str, image: str) -> Slug:
        facts = look_for(self.engine.api, image)
        if facts is None:
            raise CalzionError(
                "the image was removed right after it was built", hint="push again", code="build"
            )
        return Slug(
            key=key,
            digest=image,
            root=None,
            language=LANGUAGE,
            process_types=_WEB,
            size=int(facts["Size"]),
            image=image,
            ports=exposed_ports(facts),
        )

    def _tag(self, key: str) -> str:
        return f"calzion-{self.engine.installation}:{key[:32]}"


def _dockerfile(order: BuildOrder) -> bytes:
    content = read_source(order.source, NAME)
    if content is None:
        raise CalzionError(
            f"{order.service}: there is no {NAME} in the directory that 'build' names",
            hint="point 'build' at the directory that has it, or use 'git' to have a buildpack build the app",
            code="build",
        )
    return content


def _check_secrets(order: BuildOrder, cli: DockerCli) -> None:
    if order.secrets and not cli.buildkit:
        raise CalzionError(
            f"{order.service}: the secrets of 'build_env' need BuildKit, which {cli.program} can't use",
            hint="let the server's administrator install its plugin buildx, or leave 'build_env' out",
            code="unsupported",
        )


def _secret(place: Scratch, name: str, value: str) -> Path:
    path = place.root / "etc" / f"secret-{name}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 (a descriptor)
        file.write(value.encode("utf-8", "surrogateescape"))
    return path
