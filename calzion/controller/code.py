"""Where the code of a release's services is, and opening it for a build."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from calzion.controller.origin import Origin
from calzion.controller.parts import Parts
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.releases import Release, ReleaseService
from calzion.errors import CalzionError
from calzion.model import ServiceName, SourceTree, Submodule


@contextmanager
def opened(
    parts: Parts, deployment: Deployment, release: Release | None, services: Iterable[ReleaseService]
) -> Iterator[Mapping[ServiceName, SourceTree]]:
    """The code of services, from where they or their release say that it is.

    Raises CalzionError (build) that names one whose code is gone.
    """
    with ExitStack() as stack:
        yield {each.name: _open(parts, deployment, release, each, stack) for each in services}


def is_known(release: Release | None, service: ReleaseService) -> bool:
    """Whether something says where the code of the service is."""
    return bool(service.definition.code and (service.source or (release and release.source)))


def lacks_slug(parts: Parts, service: ReleaseService) -> bool:
    """Whether an app was not built yet, or what was built is gone."""
    return bool(service.definition.code) and parts.builder.find(service.slug) is None


def _open(
    parts: Parts, deployment: Deployment, release: Release | None, service: ReleaseService, stack: ExitStack
) -> SourceTree:
    origin = Origin.parse(service.source)
    directory = service.definition.code or "."
    try:
        if origin.upload:
            return parts.open_upload(origin.upload, ".", origin.commit)
        if release and release.source:
            return parts.open_upload(release.source, directory, release.commit)
        if origin.commit and deployment.repository:
            return stack.enter_context(parts.open_commit(deployment.repository, origin.commit, directory))
    except CalzionError as error:
        raise _gone(service.name, error.message) from error
    raise _gone(service.name, "nothing says where it came from")


def _gone(name: ServiceName, why: str) -> CalzionError:
    return CalzionError(
        f"the code of {name} is not here any more ({why})",
        hint="push it again, or use 'calzion deploy'",
        code="build",
    )


class BuiltAgain:
    """A SourceTree like another one that shares no slug with it: a build of it starts anew."""

    def __init__(self, tree: SourceTree, occasion: str) -> None:
        self._tree = tree
        self._occasion = occasion

    @property
    def digest(self) -> str:
        return f"{self._tree.digest} {self._occasion}"

    @property
    def commit(self) -> str:
        return self._tree.commit

    def names(self) -> tuple[str, ...]:
        return self._tree.names()

    def read(self, path: str, limit: int = 1 << 20) -> bytes | None:
        return self._tree.read(path, limit)

    def submodules(self) -> tuple[Submodule, ...]:
        return self._tree.submodules()

    def export(self, destination: Path) -> None:
        self._tree.export(destination)
