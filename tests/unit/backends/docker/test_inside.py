"""Processes of containers, told from others of this machine."""

from __future__ import annotations

import os

from calzion.backends.docker.inside import Inside, belongs


def test_a_process_that_only_has_the_number() -> None:
    """As it is where the engine runs on another machine."""
    stranger = Inside(os.getpid(), "f" * 64)
    assert not belongs(os.getpid(), "f" * 64)
    assert not stranger.visible
    assert stranger.listeners() == []
    assert stranger.memory() == 0
    assert stranger.rests()
