from __future__ import annotations

import pytest

from tests.fakes import stores


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--store",
        choices=stores.KINDS,
        default=stores.KINDS[0],
        help="where controllers in tests keep their records",
    )


def pytest_configure(config: pytest.Config) -> None:
    stores.CHOSEN["store"] = config.getoption("--store")
