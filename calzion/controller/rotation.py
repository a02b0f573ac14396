"""A new key for all that is sealed at rest; the old one opens nothing of the store afterwards."""

from __future__ import annotations

import time

from calzion.controller.store import audit, deployments, registries, secrets
from calzion.controller.store.database import Database
from calzion.controller.vault import Vault


def rotate_key(database: Database, vault: Vault) -> int:
    """How many values were sealed anew. Ended at any step it leaves all of them readable; the next one finishes it.

    Raises OSError where the file of keys can't be written.
    """
    # The new key is there before the store's lock is taken: whoever takes it afterwards seals with that.
    with vault.rotating(), database.write() as connection:
        count = deployments.reseal(connection, vault) + secrets.reseal(connection, vault)
        count += registries.reseal(connection, vault)
        audit.record(connection, "secret key rotated", now=time.time(), values=count)
    return count
