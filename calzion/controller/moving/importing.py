"""Import: a new deployment made of an export, with a rollout like any other; all of it, or nothing of it stays."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from calzion.controller.archive import Readable
from calzion.controller.claim import Claim, Listener
from calzion.controller.code import opened
from calzion.controller.copying import has_lived, undo_copy
from calzion.controller.deployer import Deployer
from calzion.controller.locks import CancellationToken
from calzion.controller.moving.arrival import Arrival
from calzion.controller.moving.history import Histories
from calzion.controller.moving.manifest import HISTORY, Manifest, StreamKind
from calzion.controller.moving.reading import Package, receive
from calzion.controller.moving.volumefiles import check_volume
from calzion.controller.origin import Origin
from calzion.controller.ownership import check_owner
from calzion.controller.parts import Parts
from calzion.controller.rollout import Manner
from calzion.controller.secret import users
from calzion.controller.store import deployments, releases, secrets, tasks
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.releases import Release, ReleaseService, ReleaseState
from calzion.controller.store.tasks import TaskState
from calzion.durable import sync_directory
from calzion.errors import CalzionError
from calzion.model import DeploymentName, ServiceName, SourceTree

_PENDING = "branch.json"
_LIVED = (ReleaseState.CURRENT, ReleaseState.SUPERSEDED)


@dataclass(frozen=True, kw_only=True)
class ImportOrder:
    deployment: DeploymentName
    user: str
    sanitize: bool = False


class Imports:
    """Imports that are under way, each in a directory of its own below `directory`. One process has them."""

    def __init__(self, parts: Parts, deployer: Deployer, histories: Histories, directory: Path) -> None:
        self._parts = parts
        self._deployer = deployer
        self._histories = histories
        self._directory = directory

    @contextmanager
    def received(self, order: ImportOrder, stream: Readable) -> Iterator[Package]:
        """Read and check all of an export. It goes with the block, but for a branch that is still to be set.

        Raises CalzionError (usage, refused, conflict) before anything of the deployment is made.
        """
        directory = self._directory / self._parts.new_id()
        directory.mkdir(mode=0o700, parents=True)
        try:
            package = receive(stream, directory, partial(self._check_possible, order))
            self._check_content(package)
            yield package
        finally:
            if not (directory / _PENDING).exists():
                shutil.rmtree(directory, ignore_errors=True)

    def roll_out(
        self, order: ImportOrder, package: Package, listener: Listener, cancellation: CancellationToken
    ) -> Release:
        """Make the deployment, and a release of it. The caller holds the turn. Raises CalzionError."""
        self._check_possible(order, package.manifest)
        self._undo_half(order.deployment)
        with ExitStack() as arriving:
            uploads = {
                each.name: arriving.enter_context(self._upload(package.path(each)))
                for each in package.manifest.streams
                if each.kind is StreamKind.CODE
            }
            opening = _Opening(self._parts, order, package, uploads)
            deployment, release, versions = opening.open()
        try:
            return self._activate(order, package, deployment, release, versions, listener, cancellation)
        except BaseException:
            self._undo_half(order.deployment)
            if not has_lived(self._parts, deployment):
                (package.directory / _PENDING).unlink(missing_ok=True)
            raise

    def recover(self) -> None:
        """Once, at the start: set the branches of what went live, and remove what a crash left half."""
        if not self._directory.is_dir():
            return
        for directory in self._directory.iterdir():
            pending = directory / _PENDING
            if pending.exists():
                self._settle(directory, json.loads(pending.read_bytes()))
            shutil.rmtree(directory, ignore_errors=True)

    def _settle(self, directory: Path, pending: Mapping[str, str]) -> None:
        with self._parts.database.read() as connection:
            found = deployments.find(connection, pending["deployment"])
            listed = releases.of_deployment(connection, found.id) if found else []
        if any(each.id == int(pending["release"]) and each.state in _LIVED for each in listed):
            branch = DeploymentName(pending["deployment"])
            scratch = directory / HISTORY
            self._histories.accept(scratch, pending["repository"], branch, pending["commit"])

    def check_name(self, name: DeploymentName) -> None:
        """Raises CalzionError (refused) where there is such a deployment."""
        with self._parts.database.read() as connection:
            found = deployments.find(connection, name)
        if found and not found.copying and has_lived(self._parts, found):
            raise CalzionError(
                f"there is a deployment {name} already",
                hint="import to another name, or destroy this one first",
                code="refused",
            )

    def _check_possible(self, order: ImportOrder, manifest: Manifest) -> None:
        name = order.deployment
        self.check_name(name)
        check_owner(self._parts, name, manifest.repository)
        with self._parts.database.read() as connection:
            found = deployments.find(connection, name)
            present = frozenset(secrets.newest(connection, found.id)) if found else frozenset()
        missing = _missing(manifest, present)
        if missing:
            raise CalzionError(
                f"the file was exported without secrets, and {name} lacks {', '.join(missing)}",
                hint="\n".join(f"calzion secrets set {name} {each}" for each in missing)
                + "\nthen import again",
                code="conflict",
            )

    def _check_content(self, package: Package) -> None:
        manifest = package.manifest
        for stream in manifest.streams:
            if stream.kind is StreamKind.VOLUME:
                check_volume(package.path(stream), stream.what)
            elif stream.kind is StreamKind.HISTORY:
                scratch = package.directory / HISTORY
                self._histories.unpack(package.path(stream), manifest.commits, manifest.shallow, scratch)

    def _undo_half(self, name: DeploymentName) -> None:
        with self._parts.database.read() as connection:
            found = deployments.find(connection, name)
        if found and found.copying:
            undo_copy(self._parts, found)

    @contextmanager
    def _upload(self, path: Path) -> Iterator[str]:
        with path.open("rb") as file, self._parts.uploads.receive(file) as name:
            yield name

    def _activate(
        self,
        order: ImportOrder,
        package: Package,
        deployment: Deployment,
        release: Release,
        versions: Mapping[str, int],
        listener: Listener,
        cancellation: CancellationToken,
    ) -> Release:
        begin = partial(
            Arrival.prepare,
            self._parts,
            deployment,
            release.number,
            package,
            versions,
            self._accepting(package, deployment, release),
            order.sanitize,
        )
        with (
            self._sources(package, deployment, release) as sources,
            self._deployer.cancellable(release.id, cancellation),
        ):
            return self._deployer.activation.activate(
                deployment,
                release.id,
                sources,
                listener,
                cancellation,
                may_hold=bool(package.manifest.held),
                manner=Manner(
                    secrets=release.secrets,
                    begin=begin,
                    sanitize=order.sanitize,
                    images=package.manifest.images,
                ),
            )

    @contextmanager
    def _sources(
        self, package: Package, deployment: Deployment, release: Release
    ) -> Iterator[Mapping[ServiceName, SourceTree]]:
        """The code of all services that have some: uploads from where they lie, commits from what was unpacked."""
        places = package.manifest.code
        with self._parts.database.read() as connection:
            services = releases.services(connection, release.id)
        pushed = [each for each in services if each.name in places and places[each.name].stream == HISTORY]
        uploaded = [
            each
            for each in services
            if each not in pushed and each.definition.code and (each.source or release.source)
        ]
        with ExitStack() as stack:
            found = dict(stack.enter_context(opened(self._parts, deployment, release, uploaded)))
            for each in pushed:
                directory, commit = each.definition.code or ".", places[each.name].commit
                tree = self._histories.open(package.directory / HISTORY, commit, directory)
                found[each.name] = stack.enter_context(tree)
            yield found

    def _accepting(self, package: Package, deployment: Deployment, release: Release) -> _Accepting:
        pending = package.directory / _PENDING
        manifest = package.manifest
        if manifest.tip:
            order = {
                "deployment": deployment.name,
                "release": str(release.id),
                "repository": manifest.repository,
                "commit": manifest.tip,
            }
            _write_safely(pending, json.dumps(order).encode())
        return _Accepting(self._histories, manifest, deployment.name, package.directory)


class _Accepting:
    """Keeps the commits that came; says what a user can do from there on."""

    def __init__(
        self, histories: Histories, manifest: Manifest, branch: DeploymentName, directory: Path
    ) -> None:
        self._histories, self._manifest = histories, manifest
        self._branch, self._directory = branch, directory

    def __call__(self) -> str:
        commit, repository = self._manifest.tip, self._manifest.repository
        if not commit or not repository:
            return "its code came as files: go on with 'calzion deploy', or push to it"
        self._histories.accept(self._directory / HISTORY, repository, self._branch, commit)
        (self._directory / _PENDING).unlink()
        return (
            f"its branch {self._branch} of the repository {repository} is at {commit[:7]}: push on from there"
        )


class _Opening:
    """The rows of the deployment and of its release, marked as going again unless that goes live."""

    def __init__(
        self, parts: Parts, order: ImportOrder, package: Package, uploads: Mapping[str, str]
    ) -> None:
        self._parts, self._order, self._uploads = parts, order, uploads
        self._manifest, self._values = package.manifest, package.values

    def open(self) -> tuple[Deployment, Release, Mapping[str, int]]:
        """With the versions of the secrets that came."""
        manifest = self._manifest
        with self._parts.database.write() as connection:
            now = self._parts.now()
            created = deployments.create(connection, self._order.deployment, manifest.repository, now)
            deployments.set_copying(connection, created.id, True)
            deployments.set_formation(connection, created.id, manifest.scale)
            self._set_done(connection, created)
            versions = self._set_values(connection, created)
            release = self._open_release(connection, created)
            # Known to the store at once, so that nothing removes them as unneeded.
            every = {**versions, **secrets.newest(connection, created.id)}
            releases.set_secrets(connection, release.id, every)
            return (
                deployments.by_id(connection, created.id),
                releases.by_id(connection, release.id),
                {name: version for name, version in versions.items() if every[name] == version},
            )

    def _set_done(self, connection: Connection, deployment: Deployment) -> None:
        again = {
            task.name for task in self._manifest.template.tasks if task.sanitize and self._order.sanitize
        }
        for name in self._manifest.done:
            if name not in again:
                tasks.set_state(connection, deployment.id, name, TaskState.DONE, self._parts.now())

    def _set_values(self, connection: Connection, deployment: Deployment) -> dict[str, int]:
        """What the deployment has already goes before what comes."""
        if self._values is None:
            return {}
        vault, now = self._parts.vault, self._parts.now()
        deployments.set_generated(connection, vault, deployment, self._values.generated)
        return {
            name: secrets.add_version(connection, vault, deployment, name, value, now)
            for name, value in self._values.secrets.items()
        }

    def _open_release(self, connection: Connection, deployment: Deployment) -> Release:
        manifest, order = self._manifest, self._order
        claim = Claim(user=order.user, commit=manifest.commit)
        release = releases.open_release(
            connection,
            deployment.id,
            user=claim.user,
            commit=claim.commit,
            act=f"imports {manifest.deployment} v{manifest.release}",
            ttl=manifest.ttl or None,
            state=ReleaseState.WAITING,
            now=self._parts.now(),
        )
        template = manifest.template
        releases.set_sections(connection, release.id, template.env, template.generate, template.tasks)
        releases.set_source(connection, release.id, self._uploads.get(manifest.tree, ""))
        for definition in template.services:
            source = self._source(definition.name)
            releases.put_service(connection, release.id, ReleaseService(definition=definition, source=source))
        return release

    def _source(self, service: ServiceName) -> str:
        place = self._manifest.code.get(service)
        if place is None:
            return ""
        return str(Origin(upload=self._uploads.get(place.stream, ""), commit=place.commit))


def _missing(manifest: Manifest, present: frozenset[str]) -> list[str]:
    if manifest.with_secrets:
        return []
    template = manifest.template
    return [
        name
        for name in manifest.secrets
        if name not in present and users(name, template.env, template.services)
    ]


def _write_safely(path: Path, content: bytes) -> None:
    scratch = path.with_suffix(".new")
    with scratch.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    sync_directory(path.parent)
