from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from calzion.controller.uploads import Uploads
from calzion.errors import CalzionError


def archive() -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("file"))
    packed.seek(0)
    return packed


def kept(uploads: Path) -> set[str]:
    return {path.name for path in uploads.iterdir()} - {".lock"}


def test_what_is_needed_or_on_its_way_is_kept(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    with uploads.receive(archive()) as needed:
        pass
    with uploads.receive(archive()) as held:
        pass
    with uploads.receive(archive()) as coming:
        Uploads(tmp_path).prune(set)
        assert kept(tmp_path) == {needed, held, coming}, "nothing goes while one is on its way"
    (tmp_path / ".half").mkdir()
    with uploads.held(held):
        uploads.prune(lambda: {needed})
        assert kept(tmp_path) == {needed, held}
    uploads.prune(lambda: {needed})
    assert kept(tmp_path) == {needed}
    Uploads(tmp_path / "none").prune(set)


def test_what_can_not_be_used_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(CalzionError, match="no tar archive that can be used"),
        Uploads(tmp_path).receive(io.BytesIO(b"nonsense")),
    ):
        pass
    assert kept(tmp_path) == set()
