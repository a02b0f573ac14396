"""A backup is there as a whole, or not at all."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from calzion.backup import reading, writing
from calzion.errors import CalzionError


@pytest.mark.parametrize("name", ["backup", "backup.tar"])
def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    with writing.opened(str(target), io.BytesIO()) as writer:
        with writer.file("deployments/one") as write:
            write(b"two ")
            write(b"parts")
        assert not target.exists()
    with reading.opened(str(target)) as reader:
        with reader.open("deployments/one") as file:
            assert file.read() == b"two parts"
        with pytest.raises(FileNotFoundError):
            reader.open("deployments/two")


@pytest.mark.parametrize("name", ["backup", "backup.tar"])
def test_what_fails_leaves_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ZeroDivisionError), writing.opened(str(tmp_path / name), io.BytesIO()) as writer:
        with writer.file("one") as write:
            write(b"one")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["backup", "backup.tar"])
def test_a_file_that_fails_is_left_out(tmp_path: Path, name: str) -> None:
    with writing.opened(str(tmp_path / name), io.BytesIO()) as writer:
        with pytest.raises(ZeroDivisionError), writer.file("half") as write:
            write(b"half")
            raise ZeroDivisionError
        with writer.file("whole") as write:
            write(b"whole")
    with reading.opened(str(tmp_path / name)) as reader:
        reader.open("whole").close()
        with pytest.raises(FileNotFoundError):
            reader.open("half")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    with pytest.raises(CalzionError) as raised, writing.opened(str(tmp_path), io.BytesIO()):
        pass
    assert raised.value.code == "refused"


def test_an_archive_goes_to_standard_output(tmp_path: Path) -> None:
    out = io.BytesIO()
    with writing.opened("-", out) as writer, writer.file("one") as write:
        write(b"1")
    (tmp_path / "out").write_bytes(out.getvalue())
    with reading.opened(str(tmp_path / "out")) as reader, reader.open("one") as file:
        assert file.read() == b"1"
