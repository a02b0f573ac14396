"""The file of an export: what is written is read again, and anything else is refused with nothing kept."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from calzion.controller.moving.format import PART, ArchiveWriter
from calzion.controller.moving.manifest import (
    HISTORY,
    CodePlace,
    Manifest,
    Stream,
    StreamKind,
    Values,
)
from calzion.controller.moving.reading import Package, receive
from calzion.controller.moving.volumefiles import check_volume
from calzion.errors import CalzionError
from calzion.model import DeploymentName, RepositoryName, ServiceName
from calzion.template import parse_template

COMMIT = "b" * 40
WEB = ServiceName("web")
STREAMS = (
    Stream(name=HISTORY, kind=StreamKind.HISTORY),
    Stream(name="data.db", kind=StreamKind.POSTGRES, service="db"),
    Stream(name="data.web.files", kind=StreamKind.VOLUME, service="web", volume="files"),
)
MANIFEST = Manifest(
    deployment=DeploymentName("shop"),
    repository=RepositoryName("shop"),
    release=7,
    commit=COMMIT,
    made="2030-01-01T00:00:00Z",
    by="alice",
    version="1.2",
    ttl=0,
    template=parse_template(
        b"web: {git: ., volumes: {files: /files}, env: {A: '${TOKEN}'}}\ndb: {image: postgres}\n"
        b"Generate: {TOKEN: {length: 9}}\nRun: {seed: {service: web, cmd: [a, b]}}\n"
    ),
    code={WEB: CodePlace(stream=HISTORY, commit=COMMIT)},
    tree="",
    images={ServiceName("db"): f"postgres@sha256:{'1' * 64}"},
    held=(),
    scale={("web", "web"): 2},
    done=("seed",),
    secrets=("KEY",),
    generated=("TOKEN", "db.password"),
    with_secrets=True,
    shallow=(),
    streams=STREAMS,
)
VALUES = Values(secrets={"KEY": "k"}, generated={"TOKEN": "t", "db.password": "p"})
NOISE = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(5000))
CONTENT = {HISTORY: NOISE, "data.db": b"x" * (PART + 5), "data.web.files": b""}


def written() -> bytes:
    out = bytearray()
    writer = ArchiveWriter(out.extend)
    writer.begin(MANIFEST, VALUES)
    for stream in STREAMS:
        with writer.stream(stream) as put:
            for start in range(0, len(CONTENT[stream.name]), 100_000):
                put(CONTENT[stream.name][start : start + 100_000])
    writer.finish()
    return bytes(out)


def read(content: bytes, directory: Path) -> Package:
    return receive(io.BytesIO(content), directory, lambda _: None)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    package = read(written(), tmp_path)
    assert package.manifest == MANIFEST and package.values == VALUES
    assert {each.name: package.path(each).read_bytes() for each in STREAMS} == CONTENT


def test_tar_reads_it_too(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(written())) as archive:
        names = archive.getnames()
        archive.extractall(tmp_path, filter="data")
    assert names[:3] == ["manifest.json", "secrets.json", "history/000000"] and names[-1] == "checksums.json"
    parts = sorted((tmp_path / "data.db").iterdir())
    assert b"".join(part.read_bytes() for part in parts) == CONTENT["data.db"]


def test_a_value_is_in_no_repr() -> None:
    assert "'k'" not in repr(VALUES)


Members = list[tuple[str, bytes, bytes]]


def members() -> Members:
    """Name, type and content of each."""
    with tarfile.open(fileobj=io.BytesIO(written())) as archive:
        return [(each.name, each.type, _content(archive, each)) for each in archive]


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    assert file
    return file.read()


def packed(entries: Members) -> bytes:
    """An archive of these."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:", format=tarfile.USTAR_FORMAT) as archive:
        for name, kind, content in entries:
            member = tarfile.TarInfo(name)
            member.type, member.size = kind, len(content)
            if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                member.linkname = "/etc/passwd"
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(out.getvalue(), 1)


def changed(name: str, kind: bytes = tarfile.REGTYPE, content: bytes | None = None, as_: str = "") -> bytes:
    return packed(
        [
            (as_ or name, kind, found if content is None else content)
            if each == name
            else (each, type_, found)
            for each, type_, found in members()
        ]
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (lambda: b"", "not whole"),
        (lambda: b"this is no archive at all", "no file of 'calzion export'"),
        (lambda: gzip.compress(b"x" * 600), "no file of 'calzion export'"),
        (lambda: gzip.compress(b""), "not whole"),
        (lambda: written() + gzip.compress(b"more"), "something follows"),
        (lambda: changed("history/000000", as_="../../etc/cron.d/x"), "stands where history/000000 should"),
        (lambda: changed("history/000000", as_="/etc/passwd"), "stands where history/000000 should"),
        (
            lambda: changed("data.db/000001", as_="data.db/000007"),
            "stands where data.web.files/000000 should",
        ),
        (lambda: changed("history/000000", kind=tarfile.SYMTYPE, content=b""), "no plain file"),
        (lambda: changed("history/000000", kind=tarfile.LNKTYPE, content=b""), "no plain file"),
        (lambda: changed("history/000000", kind=tarfile.BLKTYPE, content=b""), "no plain file"),
        (lambda: changed("history/000000", kind=tarfile.XHDTYPE), "no plain file"),
        (lambda: changed("history/000000", content=b"kcap"), "history does not agree with its checksum"),
        (lambda: changed("data.db/000001", content=b"y" * 5), "data.db does not agree with its checksum"),
        (lambda: changed("data.db/000000", content=b"y" * (PART + 1)), "stands where"),
        (lambda: changed("checksums.json", content=b"[]"), "does not agree"),
        (lambda: changed("checksums.json", content=b"{"), "no JSON"),
        (lambda: changed("checksums.json", content=b" " * (9 << 20)), "stands where checksums.json should"),
        (lambda: packed(members()[:-1]), "not whole"),
        (lambda: packed(members()[1:]), "stands where manifest.json should"),
        (
            lambda: packed([each for each in members() if each[0] != "secrets.json"]),
            "where secrets.json should",
        ),
        (lambda: changed("secrets.json", content=b'{"secrets": {}, "generated": {}}'), "other names"),
        (lambda: changed("secrets.json", content=b'{"secrets": {"KEY": 1}}'), "no object of texts"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, content: Callable[[], bytes], why: str) -> None:
    with pytest.raises(CalzionError, match=why) as refused:
        read(content(), tmp_path)
    assert refused.value.code == "usage" and refused.value.hint


def test_bytes_that_change_on_the_way_are_noticed(tmp_path: Path) -> None:
    for place in range(20, 600, 30):
        directory = tmp_path / str(place)
        directory.mkdir()
        content = bytearray(written())
        content[place] ^= 0x40
        with pytest.raises(CalzionError):
            read(bytes(content), directory)


def test_the_disk_is_not_filled(tmp_path: Path) -> None:
    with pytest.raises(CalzionError, match="no room"):
        receive(io.BytesIO(written()), tmp_path, lambda _: None, free=lambda _: 1 << 20)


def manifest(**changes: Any) -> bytes:
    return json.dumps({**json.loads(MANIFEST.to_json()), **changes}).encode()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (manifest(format=2), "has the format '2', and this version of Calzion reads 1"),
        (manifest(format=True), "has the format"),
        (b"[]", "no JSON object"),
        (b"[" * 100_000, "no JSON"),
        (manifest(deployment="../x"), "no deployment name"),
        (manifest(repository="a/b"), "no repository name"),
        (manifest(commit="HEAD"), "'HEAD'"),
        (manifest(shallow=["--all"]), "'--all'"),
        (manifest(by="a\nb"), r"'a\\nb'"),
        (manifest(services={"web": {"git": ".", "nonsense": 1}}), "web"),
        (manifest(services={}), "fits nothing"),
        (manifest(code={"db": {"stream": HISTORY, "commit": COMMIT}}), "code of db"),
        (manifest(code={"web": {"stream": "data.db", "commit": COMMIT}}), "code in 'data.db'"),
        (manifest(code={"web": {"stream": "nowhere", "commit": COMMIT}}), "code in 'nowhere'"),
        (manifest(code={}), "a history without"),
        (manifest(tree="data.db"), "code in 'data.db'"),
        (manifest(repository=None), "a history without"),
        (manifest(generated=["OTHER"]), "the value OTHER"),
        (manifest(secrets=["PATH=x"]), "PATH=x"),
        (manifest(images={"web": f"app@sha256:{'1' * 64}"}), "the image of web"),
        (manifest(images={"db": "postgres:17"}), "has no digest"),
        (manifest(images={"db": 1}), "no image reference"),
        (manifest(images=["db"]), "AttributeError"),
        (manifest(scale=[["web", "web", -1]]), "no number"),
        (manifest(scale=[["other", "web", 1]]), "scale of other"),
        (manifest(ttl=10**12), "no number"),
        (manifest(streams=[{"name": "../x", "kind": "code", "service": "", "volume": ""}]), "'../x'"),
        (manifest(streams=[{"name": "x", "kind": "device", "service": "", "volume": ""}]), "device"),
        (manifest(streams=[vars(STREAMS[0]), *[vars(STREAMS[1])] * 2]), "two streams of one name"),
        (manifest(streams=None), "no list"),
    ],
)
def test_a_manifest_that_no_export_writes_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(CalzionError, match=why):
        Manifest.parse(content)


def volume(tmp_path: Path, *entries: tuple[str, bytes, str]) -> Path:
    """Name, type and target of each."""
    path = tmp_path / "volume.tar"
    with tarfile.open(path, "w:", format=tarfile.GNU_FORMAT) as archive:
        for name, kind, target in entries:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)
    return path


FILE, LINK, HARD, DIR = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([("/etc/passwd", FILE, "")], "leads out"),
        ([("../x", FILE, "")], "leads out"),
        ([("a/../../x", FILE, "")], "leads out"),
        ([("a", LINK, "/etc"), ("a/passwd", FILE, "")], "behind a link"),
        ([("./a/b", LINK, ".."), ("a//b/c", FILE, "")], "behind a link"),
        ([("a", LINK, "/etc"), ("b", HARD, "a"), ("b/passwd", FILE, "")], "behind a link"),
        ([("a", HARD, "../../etc/shadow")], "leads out"),
        ([("null", tarfile.CHRTYPE, "")], "device"),
        ([("disk", tarfile.BLKTYPE, "")], "device"),
    ],
)
def test_files_that_lead_out_of_a_volume_are_refused(
    tmp_path: Path, entries: list[tuple[str, bytes, str]], why: str
) -> None:
    with pytest.raises(CalzionError, match=why):
        check_volume(volume(tmp_path, *entries), "web/files")


def test_files_that_an_app_makes_are_taken(tmp_path: Path) -> None:
    entries = [(".", DIR, ""), ("./a", DIR, ""), ("./a/f", FILE, ""), ("./l", LINK, "/app/x")]
    check_volume(volume(tmp_path, *entries, ("./h", HARD, "./a/f"), ("p", tarfile.FIFOTYPE, "")), "web/files")


def test_what_is_no_archive_is_no_volume(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(hashlib.sha256(b"").digest() * 40)
    with pytest.raises(CalzionError, match="the files of web/files can't be used"):
        check_volume(tmp_path / "x", "web/files")
