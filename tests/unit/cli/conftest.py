from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# The fake is a module beside the tests, which are imported by path.
sys.path.insert(0, str(Path(__file__).parent))

from fake_api import FakeApi

from calzion.cli.main import run

Run = Callable[..., int]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"CALZION_DATA": str(tmp_path), "HOME": str(tmp_path / "home")}


@pytest.fixture
def calzion(environ: dict[str, str]) -> Run:
    """Runs the command in this process; returns its exit status."""
    return lambda *arguments: run(list(arguments), environ)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[FakeApi]:
    with FakeApi(tmp_path / "api.sock") as server:
        yield server
