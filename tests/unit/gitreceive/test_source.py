from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from calzion.errors import CalzionError
from calzion.gitreceive.entries import SourceLimits, walk
from calzion.gitreceive.source import open_push
from calzion.model import Submodule

Git = Callable[..., str]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tmp_path / "tree"


@pytest.fixture
def git(tree: Path) -> Git:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tree),
        **{
            f"GIT_{who}_{what}": "a@example.org"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }

    def run(*words: str, stdin: str | None = None) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=tree,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            input=stdin,
        )
        return done.stdout.strip()

    tree.mkdir()
    run("init", "-q", "-b", "master")
    return run


def commit(git: Git) -> str:
    git("add", "-A")
    git("commit", "-q", "-m", "x")
    return git("rev-parse", "HEAD")


def filled(tree: Path, git: Git) -> str:
    (tree / "app" / "bin").mkdir(parents=True)
    (tree / "template.yaml").write_text("web:\n  git: app\n")
    (tree / "app" / "Procfile").write_text("web: ./bin/run\n")
    (tree / "app" / "bin" / "run").write_text("#!/bin/sh\n")
    (tree / "app" / "bin" / "run").chmod(0o755)
    (tree / "app" / "outside").symlink_to("/etc/passwd")
    (tree / "app" / "raw").write_bytes(b"$Id$\r\n\0" * 1000)
    (tree / "app" / ".gitattributes").write_text("raw export-ignore\nProcfile export-subst\n")
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},app/module")
    git("add", "template.yaml", "app/Procfile", "app/bin", "app/outside", "app/raw", "app/.gitattributes")
    git("commit", "-q", "-m", "x")
    return git("rev-parse", "HEAD")


def test_reads_the_files_of_a_commit(tree: Path, git: Git) -> None:
    head = filled(tree, git)
    with open_push(tree / ".git") as commits:
        assert commits.read(head, "template.yaml") == b"web:\n  git: app\n"
        app = commits.tree(head, "./app/")
        assert app.commit == head
        assert app.digest == git("rev-parse", f"{head}:app")
        assert sorted(app.names()) == [".gitattributes", "Procfile", "bin/", "module/", "outside", "raw"]
        assert app.read("bin/run") == b"#!/bin/sh\n"
        assert app.read("outside") is None, "a link is no regular file"
        assert app.read("bin") is None and app.read("no/such") is None and app.read("Procfile/x") is None
        with pytest.raises(ValueError, match="7000"):
            app.read("raw", limit=100)
        assert app.read("Procfile") == b"web: ./bin/run\n", "still readable after a refusal"


def test_exports_raw_blobs_modes_and_links(tree: Path, git: Git, tmp_path: Path) -> None:
    head = filled(tree, git)
    destination = tmp_path / "out"
    destination.mkdir()
    with open_push(tree / ".git") as commits:
        commits.tree(head, "app").export(destination)
    assert (destination / "raw").read_bytes() == b"$Id$\r\n\0" * 1000
    assert (destination / "Procfile").read_text() == "web: ./bin/run\n"
    assert stat.S_IMODE((destination / "bin/run").stat().st_mode) == 0o755
    assert stat.S_IMODE((destination / "Procfile").stat().st_mode) == 0o644
    assert str((destination / "outside").readlink()) == "/etc/passwd"
    assert list((destination / "module").iterdir()) == []


def test_submodules_have_the_addresses_of_the_root(tree: Path, git: Git) -> None:
    head = filled(tree, git)
    with open_push(tree / ".git") as commits:
        assert commits.tree(head).submodules() == (Submodule(path="app/module", commit="1" * 40),)
    (tree / ".gitmodules").write_text(
        '[submodule "m"]\n\tpath = app/module\n\turl = https://me:pw@x.org/m.git\n'
    )
    git("add", ".gitmodules")
    git("commit", "-q", "-m", "y")
    with open_push(tree / ".git") as commits:
        (found,) = commits.tree(git("rev-parse", "HEAD"), "app").submodules()
        assert (found.path, found.url) == ("module", "https://me:pw@x.org/m.git")
        assert "pw@" not in repr(found)


@pytest.mark.parametrize("content", ["[submodule", "# " + "x" * 70_000])
def test_a_gitmodules_that_can_not_be_read(tree: Path, git: Git, content: str) -> None:
    filled(tree, git)
    (tree / ".gitmodules").write_text(content)
    git("add", ".gitmodules")
    git("commit", "-q", "-m", "y")
    with (
        open_push(tree / ".git") as commits,
        pytest.raises(CalzionError, match=r"\.gitmodules (can't|is too)"),
    ):
        commits.tree(git("rev-parse", "HEAD")).submodules()


def test_missing_template_and_directory_are_sentences(tree: Path, git: Git) -> None:
    (tree / "template.yml").write_text("")
    head = commit(git)
    with open_push(tree / ".git") as commits:
        with pytest.raises(CalzionError, match=r"no template\.yaml at the root of") as missing:
            commits.read(head, "template.yaml")
        assert "template.yml" in missing.value.hint
        for directory in ("app", "template.yml", "..", "../x"):
            with pytest.raises(CalzionError, match="there is no directory"):
                commits.tree(head, directory)
        with pytest.raises(CalzionError, match="lacks"):
            commits.tree("1" * 40)


def test_only_commits_are_read(tree: Path, git: Git) -> None:
    (tree / "file").write_text("x")
    commit(git)
    git("tag", "-a", "v1", "-m", "x")
    with open_push(tree / ".git") as commits, pytest.raises(CalzionError, match="is no commit but a tag"):
        commits.tree(git("rev-parse", "v1"))


def test_export_is_limited(tree: Path, git: Git, tmp_path: Path) -> None:
    for number in range(5):
        (tree / f"file{number}").write_bytes(b"x" * 1000)
    head = commit(git)
    limits = {
        "source-files": SourceLimits(entries=4),
        "source-size": SourceLimits(size=4999),
        "source-path": SourceLimits(path=4),
    }
    for name, each in limits.items():
        out = tmp_path / name
        out.mkdir()
        with open_push(tree / ".git", limits=each) as commits, pytest.raises(CalzionError, match=name):
            commits.tree(head).export(out)


@pytest.mark.parametrize("name", [b"..", b".", b".git", b".GIT", b"a/b", b"", b"x" * 256])
def test_hostile_names_are_refused(name: bytes) -> None:
    with pytest.raises(CalzionError, match="can't be created"):
        list(walk(lambda _: [(name, 0o100644, "1" * 40)], "0" * 40, SourceLimits()))


def test_a_tree_that_holds_itself_ends() -> None:
    with pytest.raises(CalzionError, match="within each other"):
        list(walk(lambda tree: [(b"a", 0o40000, tree), (b"b", 0o40000, tree)], "0" * 40, SourceLimits()))


def test_nothing_is_written_through_a_link(tree: Path, git: Git, tmp_path: Path) -> None:
    """A tree with a link and a directory of one name: git's own checks refuse it, and so does the export."""
    (tree / "file").write_text("x")
    commit(git)
    blob = bytes.fromhex(git("hash-object", "-w", "file"))
    (tree / "target").write_text(str(tmp_path / "victim"))
    link = bytes.fromhex(git("hash-object", "-w", "target"))
    (tmp_path / "victim").mkdir()
    inner = _write(tree, b"tree", b"100644 owned\0" + blob)
    outer = _write(tree, b"tree", b"120000 a\0" + link + b"40000 a\0" + bytes.fromhex(inner))
    head = git("commit-tree", outer, "-m", "x")
    out = tmp_path / "out"
    out.mkdir()
    with open_push(tree / ".git") as commits, suppress(CalzionError):
        commits.tree(head).export(out)
    assert list((tmp_path / "victim").iterdir()) == []


def _write(tree: Path, kind: bytes, content: bytes) -> str:
    data = kind + b" " + str(len(content)).encode() + b"\0" + content
    name = hashlib.sha1(data).hexdigest()
    path = tree / ".git" / "objects" / name[:2] / name[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(data))
    return name
