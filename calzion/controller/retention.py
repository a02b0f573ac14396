"""Removing what no kept release needs: slugs, uploaded code, stories, versions of secrets, build caches."""

from __future__ import annotations

import logging
from contextlib import ExitStack

from sqlalchemy.exc import SQLAlchemyError

from calzion.controller.origin import Origin
from calzion.controller.parts import Parts
from calzion.controller.store import kept, secrets
from calzion.errors import CalzionError

_log = logging.getLogger(__name__)


def prune(parts: Parts) -> None:
    """Keep what the store says is needed, and nothing else. Where that fails, the reconciler tries it again.

    It is decided and done under the store's write lock, and a rollout records the slugs that it wants before it looks
    for them: what it has found stays.
    """
    parts.unpruned.clear()
    try:
        running = [(each.deployment, each.release, each.service) for each in parts.backend.instances()]
        with ExitStack() as afterwards, parts.database.write() as connection:
            needs = kept.needs(connection, parts.keep_releases, parts.now(), running)
            secrets.prune(connection, needs.secrets)
            parts.stories.prune(needs.stories)
            afterwards.callback(parts.builder.prune(needs.slugs, needs.caches))
        parts.uploads.prune(lambda: _uploads(parts))
    except (OSError, SQLAlchemyError, CalzionError) as error:
        parts.unpruned.set()
        _log.warning("what no release needs is not removed: %s", error)


def _uploads(parts: Parts) -> set[str]:
    with parts.database.read() as connection:
        needs = kept.needs(connection, parts.keep_releases, parts.now(), ())
    return {Origin.parse(source).upload for source in needs.sources}
