"""What builds may rely on, wherever the code of an app comes from."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from calzion.build.directory import DirectoryTree
from calzion.gitreceive.source import open_push
from calzion.model import SourceTree
from tests.fakes.builder import FakeTree

PROCFILE = "web: serve\n"
MakeTree = Callable[[str], SourceTree]


def _uploaded(directory: Path, procfile: str) -> SourceTree:
    directory.mkdir()
    (directory / "Procfile").write_text(procfile)
    return DirectoryTree(directory)


def _pushed(directory: Path, procfile: str, stack: ExitStack) -> SourceTree:
    _uploaded(directory, procfile)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"], ["rev-parse", "HEAD"]):
        git = ["git", "-C", str(directory), *identity, *words]
        done = subprocess.run(git, check=True, capture_output=True, text=True)
    return stack.enter_context(open_push(directory / ".git")).tree(done.stdout.strip())


@pytest.fixture(params=["memory", "directory", "commit"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeTree]:
    """Makes the code of an app whose only file is a Procfile."""
    numbers = iter(range(10))
    with ExitStack() as stack:
        makers: dict[str, MakeTree] = {
            "memory": FakeTree,
            "directory": lambda procfile: _uploaded(tmp_path / str(next(numbers)), procfile),
            "commit": lambda procfile: _pushed(tmp_path / str(next(numbers)), procfile, stack),
        }
        yield makers[request.param]


def test_what_is_there_can_be_read_and_written(tree: MakeTree, tmp_path: Path) -> None:
    source = tree(PROCFILE)
    assert source.names() == ("Procfile",)
    assert source.read("Procfile") == source.read("Procfile", len(PROCFILE)) == PROCFILE.encode()
    with pytest.raises(ValueError, match=r"larger|more than"):
        source.read("Procfile", len(PROCFILE) - 1)
    destination = tmp_path / "exported"
    destination.mkdir()
    source.export(destination)
    assert [path.name for path in destination.iterdir()] == ["Procfile"]
    assert (destination / "Procfile").read_text() == PROCFILE
    assert source.submodules() == ()


@pytest.mark.parametrize(
    "path", ["procfile", "Procfile/x", "x/Procfile", "..", "../Procfile", "/etc/hosts", ""]
)
def test_nothing_else_is_there(tree: MakeTree, path: str) -> None:
    assert tree(PROCFILE).read(path) is None


def test_the_digest_is_the_tree_that_git_writes(tree: MakeTree) -> None:
    assert tree(PROCFILE).digest == "ab726c324738f384b334c06d0433202084f7d5e7"
    assert tree("web: other\n").digest != tree(PROCFILE).digest
