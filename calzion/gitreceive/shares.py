"""Who has a share in a repository: keys that may deploy something of it, or were let in by its name.

git serves any object of a repository that it serves at all, so reading is allowed for a whole repository or not at
all; and who deploys something of a repository reads it. That is why none but those who have a share may push to it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from calzion.controller.access import EVERY, may_deploy
from calzion.controller.store.keys import UserKey
from calzion.errors import CalzionError


class Shares:
    """`deployments_of` are the names of a repository's deployments; `is_empty` whether nothing was accepted yet."""

    def __init__(self, deployments_of: Callable[[str], list[str]], is_empty: Callable[[str], bool]) -> None:
        self._deployments_of = deployments_of
        self._is_empty = is_empty
        self._lock = threading.Lock()
        self._first: list[tuple[str, str]] = []

    def require_read(self, key: UserKey, repository: str) -> None:
        """Raises CalzionError (refused)."""
        if not self._has_share(key, repository):
            raise CalzionError(f"{key.name}'s key may not read {repository}", code="refused")

    def require_push(self, key: UserKey, repository: str) -> None:
        """A repository that nobody has pushed to yet is anybody's who may push at all.

        Raises CalzionError (refused).
        """
        if not self._has_share(key, repository) and not (key.allow and self._is_free(repository)):
            raise CalzionError(
                f"{key.name}'s key may not push to the repository {repository}",
                hint="nothing that it may deploy is of that repository: push to one of another name, or have its"
                f" administrator let the key in (calzion keys add … --repository {repository})",
                code="refused",
            )

    def require_tag(self, key: UserKey, repository: str) -> None:
        """Raises CalzionError (refused) where the key may deploy nothing of the repository."""
        if not self._has_share(key, repository):
            raise CalzionError(
                f"{key.name}'s key may push no tags to {repository}",
                hint="it may deploy nothing of it",
                code="refused",
            )

    @contextmanager
    def pushing(self, key: UserKey, repository: str, deployment: str) -> Iterator[None]:
        """A push to a deployment that the key may deploy: of two first pushes at once, one makes it its own.

        Raises CalzionError (refused) as `require_push` does.
        """
        claim = (repository, deployment)
        with self._lock:
            self.require_push(key, repository)
            self._first.append(claim)
        try:
            yield
        finally:
            with self._lock:
                self._first.remove(claim)

    def _has_share(self, key: UserKey, repository: str) -> bool:
        if EVERY in key.allow or repository in key.repositories:
            return True
        return any(may_deploy(key.allow, name) for name in self._names(repository))

    def _is_free(self, repository: str) -> bool:
        return not self._names(repository) and self._is_empty(repository)

    def _names(self, repository: str) -> list[str]:
        first = [deployment for name, deployment in self._first if name == repository]
        return self._deployments_of(repository) + first
