"""A real git, and what the server's side makes of the archive: the same tree as git's own."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from calzion.build.directory import DirectoryTree
from calzion.controller.archive import ArchiveLimits, extract
from calzion.controller.described import DescribedTree
from calzion.errors import CalzionError
from calzion.packing.archive import archive
from calzion.packing.description import describe
from calzion.packing.file import PackedFile
from calzion.packing.place import Place, Surveyor
from calzion.packing.usergit import UserGit
from calzion.packing.worktree import WorkTree

ENVIRON = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def git(directory: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"]
    command = ["git", "-C", str(directory), *identity, *arguments]
    return subprocess.run(command, env=ENVIRON, check=True, capture_output=True, text=True).stdout.strip()


def repository(path: Path, files: dict[str, str]) -> Path:
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--initial-branch=master")
    commit(path, files)
    return path


def commit(path: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(content)
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--allow-empty", "--message", "change")


def surveyor(template: Path, *search: Path, as_it_is: bool = False) -> Surveyor:
    found = UserGit.of(ENVIRON)
    worktree = WorkTree.find(template, found)
    return Surveyor(git=found, template=template, worktree=worktree, search=search, as_it_is=as_it_is)


def packed(place: Place, *, as_it_is: bool = False) -> bytes:
    return b"".join(archive(place.files(as_it_is=as_it_is)))


def unpacked(data: bytes, target: Path) -> Path:
    target.mkdir()
    extract(io.BytesIO(data), target, ArchiveLimits())
    return target


@pytest.fixture
def app(tmp_path: Path) -> Path:
    app = repository(tmp_path / "app", {"a.txt": "a", "sub/b.txt": "b", "sub/run": "#!/bin/sh\n"})
    (app / "sub" / "run").chmod(0o755)
    (app / "out").symlink_to("/etc/passwd")
    (app / "dangling").symlink_to("nowhere/")
    (app / ("long" * 40)).write_text("a long name")
    Path(os.fsdecode(os.fsencode(app) + b"/caf\xe9")).write_text("no UTF-8")
    (app / "empty").write_text("")
    (app / ".gitattributes").write_text("a.txt export-ignore\nsub/b.txt export-subst\n*.txt text eol=crlf\n")
    (app / ".gitignore").write_text("ignored\n")
    commit(app, {})
    return app


@pytest.mark.parametrize("directory", [".", "sub"])
def test_head_arrives_as_the_very_tree(app: Path, tmp_path: Path, directory: str) -> None:
    data = packed(surveyor(app).find(directory))
    assert data == packed(surveyor(app).find(directory)), "the same files give the same bytes"
    tree = unpacked(data, tmp_path / "target")
    name = "HEAD^{tree}" if directory == "." else f"HEAD:{directory}"
    assert DirectoryTree(tree).digest == git(app, "rev-parse", name)


def test_head_is_not_what_lies_there(app: Path, tmp_path: Path) -> None:
    (app / "a.txt").write_text("changed")
    (app / "sub" / "b.txt").unlink()
    (app / "new").write_text("new")
    (app / "ignored").write_text("ignored")
    place = surveyor(app).find(".")
    assert place.worktree is not None
    assert [str(each) for each in place.worktree.changes()] == [" M a.txt", " D sub/b.txt", "?? new"]
    head = unpacked(packed(place), tmp_path / "head")
    assert (head / "a.txt").read_text() == "a" and not (head / "new").exists()
    tree = unpacked(packed(place, as_it_is=True), tmp_path / "tree")
    assert (tree / "a.txt").read_text() == "changed" and (tree / "new").exists()
    assert not (tree / "sub" / "b.txt").exists() and not (tree / "ignored").exists()
    assert os.readlink(tree / "dangling") == "nowhere/"  # noqa: PTH115


@pytest.mark.parametrize("as_it_is", [False, True])
def test_submodules_where_they_are_checked_out(tmp_path: Path, as_it_is: bool) -> None:
    library = repository(tmp_path / "library", {"lib.py": "one"})
    app = repository(tmp_path / "app", {"main.py": "main"})
    git(app, "submodule", "add", "--quiet", str(library), "vendor/lib")
    commit(app, {})
    place = surveyor(app, as_it_is=as_it_is).find(".")
    tree = unpacked(packed(place, as_it_is=as_it_is), tmp_path / "tree")
    assert (tree / "vendor" / "lib" / "lib.py").read_text() == "one"
    inner = surveyor(app, as_it_is=as_it_is).find("vendor/lib")
    assert (unpacked(packed(inner, as_it_is=as_it_is), tmp_path / "inner") / "lib.py").exists()

    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(app), str(clone))
    with pytest.raises(CalzionError, match="the submodule vendor/lib is not checked out"):
        surveyor(clone, as_it_is=as_it_is).find(".").files(as_it_is=as_it_is)


@pytest.mark.parametrize("as_it_is", [False, True])
def test_a_description_tells_the_tree_that_an_upload_would_be(
    app: Path, tmp_path: Path, as_it_is: bool
) -> None:
    library = repository(tmp_path / "library", {"lib.py": "one", "bin/run": "x"})
    (app / "Procfile").write_text("web: run\n")
    (app / "runtime.txt").symlink_to("Procfile")
    git(app, "submodule", "add", "--quiet", str(library), "vendor/lib")
    commit(app, {})
    (app / "sub" / "b.txt").write_text("changed")
    for directory in (".", "sub", "vendor/lib"):
        place = surveyor(app, as_it_is=as_it_is).find(directory)
        tree = DirectoryTree(
            unpacked(packed(place, as_it_is=as_it_is), tmp_path / f"{directory.replace('/', '-')}+")
        )
        told = describe(place.files(as_it_is=as_it_is), "")
        assert (told.digest, told.names()) == (tree.digest, tree.names())
        assert [told.read(path) for path in ("Procfile", "runtime.txt")] == [
            tree.read(path) for path in ("Procfile", "runtime.txt")
        ]
        again = DescribedTree.parse(json.loads(json.dumps(told.as_dict())))
        assert again.as_dict() == told.as_dict(), "names that are no text travel too"


def test_where_code_is_looked_for(tmp_path: Path) -> None:
    app = repository(tmp_path / "app", {"ops/template.yaml": "", "api/x": "own"})
    other = repository(tmp_path / "other", {"x": "other", "deep/y": "deep"})
    assert surveyor(app / "ops").find("api").inside == "api"
    up = surveyor(app / "ops").find("../api")
    assert (up.inside, up.worktree) == ("api", surveyor(app).worktree)
    assert surveyor(app).find("../other").directory == other
    assert surveyor(app).find("../other/deep").inside == "deep"
    assert surveyor(app, tmp_path).find("other").directory == other
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "z").write_text("z")
    plain = surveyor(app).find("../plain")
    assert plain.worktree is None
    assert [file.path for file in plain.files(as_it_is=False)] == [b"z"]
    (app / "late").mkdir()
    (app / "late" / "l").write_text("l")
    for missing, why in (
        ("late", "not committed"),
        ("no", "there is no directory no"),
        ("../no", "there is no"),
    ):
        with pytest.raises(CalzionError, match=why):
            surveyor(app).find(missing)
    assert surveyor(app, as_it_is=True).find("late").inside == "late"


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    tmp_path.joinpath("new").mkdir()
    git(tmp_path / "new", "init", "--quiet")
    (tmp_path / "new" / "file").write_text("x")
    with pytest.raises(CalzionError, match="has no commit yet"):
        surveyor(tmp_path / "new").find(".")
    place = surveyor(tmp_path / "new", as_it_is=True).find(".")
    assert [file.path for file in place.files(as_it_is=True)] == [b"file"]


def test_the_repository_that_a_hook_runs_for_is_not_mistaken_for_it(app: Path, tmp_path: Path) -> None:
    other = repository(tmp_path / "other", {"x": "other"})
    found = UserGit.of({**ENVIRON, "GIT_DIR": str(other / ".git")})
    tree = WorkTree.find(app, found)
    assert tree is not None and tree.top == app


def test_a_file_that_changes_while_it_is_packed() -> None:
    def file(size: int, *parts: bytes) -> Iterable[PackedFile]:
        return [PackedFile(path=b"f", mode=0o100644, size=size, parts=iter(parts))]

    for files in (file(3, b"ab"), file(3, b"ab", b"cd")):
        with pytest.raises(CalzionError, match="'f' changed while it was packed"):
            list(archive(files))
    with pytest.raises(CalzionError, match="'f' changed while it was packed"):
        describe(file(3, b"ab"), "")
