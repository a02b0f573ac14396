from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.containers import need_images
from tests.stories.site import Site


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A file whose stories are told on several backends names them in BACKENDS."""
    backends = getattr(metafunc.module, "BACKENDS", ())
    if backends and "backend" in metafunc.fixturenames:
        metafunc.parametrize("backend", backends, scope="module")


@pytest.fixture(scope="module")
def backend() -> str:
    """CALZION_TEST_BACKEND=docker tells the stories of all files there."""
    return os.environ.get("CALZION_TEST_BACKEND", "process")


@pytest.fixture(scope="module")
def flags() -> tuple[str, ...]:
    """Further flags for the server of a file's stories."""
    return ()


@pytest.fixture(scope="module")
def site(backend: str, flags: tuple[str, ...]) -> Iterator[Site]:
    """A running server, shared by the stories of a file; each uses deployments of its own."""
    if backend == "docker":
        need_images()
    site = Site(backend)
    try:
        site.start(*flags)
        added = site.calzion("keys", "add", "alice", str(site.root / "alice.pub"), "--allow", "*")
        assert added.returncode == 0, added.stderr
        yield site
    finally:
        site.close()
