"""What an upload may hold, and what is refused of it."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from calzion.controller.archive import ArchiveLimits, extract


def tar(*members: tuple[str, dict[str, Any]], content: bytes = b"x") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, facts in members:
            info = tarfile.TarInfo(name)
            for key, value in facts.items():
                setattr(info, key, value)
            if info.type == tarfile.REGTYPE:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def link(target: str) -> dict[str, Any]:
    return {"type": tarfile.SYMTYPE, "linkname": target}


def hard(target: str) -> dict[str, Any]:
    return {"type": tarfile.LNKTYPE, "linkname": target}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "target"
    path.mkdir(parents=True)
    return path


def unpack(data: bytes, target: Path, **limits: int) -> None:
    extract(io.BytesIO(data), target, ArchiveLimits(**limits))


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_files_links_and_programs(target: Path, compress: Any) -> None:
    data = tar(
        ("./", {"type": tarfile.DIRTYPE, "mode": 0}),
        ("./a/b", {"mode": 0o4777}),
        ("a/c", {"mode": 0o600}),
        ("a/up", link("../../..")),
        ("same", hard("./a/c")),
        (".git/config", {}),
        ("a/.git", link("/etc")),
    )
    unpack(compress(data), target)
    found = sorted(str(path.relative_to(target)) for path in target.rglob("*"))
    assert found == ["a", "a/b", "a/c", "a/up", "same"]
    assert (target / "a" / "b").stat().st_mode & 0o7777 == 0o755
    assert (target / "a" / "c").stat().st_mode & 0o7777 == 0o644
    assert (target / "a" / "up").readlink() == Path("../../..")
    assert (target / "same").read_bytes() == b"x"


HOSTILE = {
    "parent": tar(("../out", {})),
    "inner parent": tar(("a/../../out", {})),
    "absolute": tar(("/tmp/out", {})),
    "through a link": tar(("dir", link("..")), ("dir/out", {})),
    "a link over a directory": tar(("dir/file", {}), ("dir", link(".."))),
    "a link below a link": tar(("dir", link("..")), ("dir/out", link("x"))),
    "a link twice": tar(("l", link("a")), ("l", link("b"))),
    "a file twice": tar(("f", {}), ("f", {})),
    "a hard link to the outside": tar(("h", hard("../../secret"))),
    "a hard link to a link": tar(("l", link("../../secret")), ("h", hard("l"))),
    "a device": tar(("d", {"type": tarfile.CHRTYPE})),
    "a pipe": tar(("p", {"type": tarfile.FIFOTYPE})),
    "too deep": tar(("/".join("d" * 70), {})),
    "a long name": tar(("n" * 300, {})),
    "a sparse file": tar(("s", {"type": tarfile.GNUTYPE_SPARSE})),
    "nothing": b"",
    "no archive": b"\x1f\x8b but no gzip",
    "half": tar(("f", {}), content=b"y" * 5000)[:3000],
    "a huge header": tar(("f", {"pax_headers": {"comment": "c" * (2 << 20)}})),
    "many files": tar(*((f"f{number}", {}) for number in range(11))),
    "much": tar(("f", {}), content=b"z" * 10_001),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_refused(target: Path, name: str) -> None:
    (target.parent.parent / "secret").write_text("secret")
    with pytest.raises((ValueError, OSError, tarfile.TarError, EOFError)):
        unpack(HOSTILE[name], target, entries=10, size=10_000)
    outside = [path for path in target.parent.parent.rglob("*") if not path.is_relative_to(target)]
    assert sorted(path.name for path in outside) == ["in", "secret"]


def test_headers_nested_without_end(target: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 0
    with pytest.raises(ValueError, match="nested"):
        unpack(header.tobuf() * 5000, target)
