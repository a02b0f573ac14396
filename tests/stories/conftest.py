from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stories.site import Site


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A running server, shared by the stories of a file; each uses deployments of its own."""
    site = Site()
    try:
        site.start()
        added = site.calzion("keys", "add", "alice", str(site.root / "alice.pub"))
        assert added.returncode == 0, added.stderr
        yield site
    finally:
        site.close()
