"""Archives that give a directory to somebody."""

from __future__ import annotations

import io
import tarfile

import pytest

from calzion.backends.docker.ownership import owned_directory


@pytest.mark.parametrize("name", ["/", "../data"])
def test_an_archive_of_one_directory(name: str) -> None:
    with tarfile.open(fileobj=io.BytesIO(owned_directory(name, 7, 8, 0o750))) as archive:
        (entry,) = archive.getmembers()
    found = (entry.isdir(), entry.name, entry.uid, entry.gid, oct(entry.mode))
    assert found == (True, name.rstrip("/"), 7, 8, "0o750")
