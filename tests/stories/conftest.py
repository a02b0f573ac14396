from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stories.site import Site


@pytest.fixture(scope="module")
def flags() -> tuple[str, ...]:
    """Further flags for the server of a file's stories."""
    return ()


@pytest.fixture(scope="module")
def site(flags: tuple[str, ...]) -> Iterator[Site]:
    """A running server, shared by the stories of a file; each uses deployments of its own."""
    site = Site()
    try:
        site.start(*flags)
        added = site.calzion("keys", "add", "alice", str(site.root / "alice.pub"))
        assert added.returncode == 0, added.stderr
        yield site
    finally:
        site.close()
