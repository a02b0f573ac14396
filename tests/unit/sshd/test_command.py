from __future__ import annotations

import pytest

from calzion.errors import CalzionError
from calzion.model import RepositoryName
from calzion.sshd.command import GitCommand, parse_exec


@pytest.mark.parametrize(
    "line",
    [b"git-receive-pack 'myapp'", b"git-receive-pack '/myapp.git'", b"git receive-pack 'myapp.git'"],
)
def test_what_git_sends_is_understood(line: bytes) -> None:
    assert parse_exec(line) == GitCommand(service="receive-pack", repository=RepositoryName("myapp"))


def test_upload_pack() -> None:
    assert parse_exec(b"git-upload-pack '/a-1'").service == "upload-pack"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"sh",
        b"git-receive-pack",
        b"git-receive-pack myapp",
        b'git-receive-pack "myapp"',
        b"git-receive-pack 'myapp' ",
        b" git-receive-pack 'myapp'",
        b"git-receive-pack  'myapp'",
        b"git-receive-pack 'myapp'\n",
        b"git-receive-pack 'myapp'; id",
        b"git-receive-pack 'my'\\''app'",
        b"git-receive-pack '-x' 'myapp'",
        b"git-receive-pack --help",
        b"git-upload-archive 'myapp'",
        b"git-receive-pack 'my\0app'",
        b"git-receive-pack '" + b"a" * 100_000 + b"'",
    ],
)
def test_nothing_else_is(line: bytes) -> None:
    with pytest.raises(CalzionError, match="speaks git alone"):
        parse_exec(line)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "//myapp",
        "../x",
        "a/b",
        "/a/../b",
        "-x",
        "x-",
        "~x",
        "X",
        "a.b",
        "myapp.git.git",
        "ä",
        "a" * 64,
        ".",
    ],
)
def test_a_bad_repository_name_is_refused_and_explained(path: str) -> None:
    with pytest.raises(CalzionError) as refused:
        parse_exec(f"git-receive-pack '{path}'".encode())
    assert not path or "no repository name" in refused.value.message
    assert refused.value.message.isprintable()
