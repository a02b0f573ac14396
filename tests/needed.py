"""What a test needs of this machine, and does not always find."""

from __future__ import annotations

import os

import pytest


def needed(missing: str) -> None:
    """Skip the test where something is missing, and fail it where nothing may be (CI=true)."""
    if not missing:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"nothing may be skipped here: {missing}")
    pytest.skip(missing)
