"""What a service manager is told."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from calzion.supervisor.notify import notifier


@pytest.mark.parametrize("abstract", [False, True])
def test_the_manager_is_told_and_children_know_nothing_of_it(tmp_path: Path, abstract: bool) -> None:
    address = f"@calzion-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address.replace("@", "\0") if abstract else address)
        environ = {"NOTIFY_SOCKET": address, "OTHER": "stays"}
        notifier(environ)("READY=1\nSTATUS=up")
        assert manager.recv(100) == b"READY=1\nSTATUS=up"
    assert environ == {"OTHER": "stays"}


@pytest.mark.parametrize("address", ["", "relative", "/nowhere/at/all", "/" + 200 * "x"])
def test_without_a_manager_nothing_is_told_and_nothing_fails(address: str) -> None:
    notifier({"NOTIFY_SOCKET": address} if address else {})("READY=1")
