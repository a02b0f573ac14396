"""Against the real git: what it writes for a work tree is what we compute from the files."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from calzion.build.directory import DirectoryTree

_NAMES = (
    st.binary(min_size=1, max_size=6)
    .map(lambda raw: raw.replace(b"\0", b"-").replace(b"/", b"."))
    .filter(lambda name: name not in (b".", b"..") and not name.lower().startswith((b".git", b"git~")))
)
_SIMILAR = st.sampled_from([b"a", b"a.b", b"a-b", b"a0", b"ab", b"a b"])
_LEAVES = st.one_of(
    st.tuples(st.just("file"), st.binary(max_size=30)),
    st.tuples(st.just("program"), st.binary(max_size=30)),
    st.tuples(st.just("link"), st.binary(min_size=1, max_size=10).filter(lambda target: b"\0" not in target)),
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.dictionaries(st.one_of(_NAMES, _SIMILAR), inner, max_size=5),
    max_leaves=12,
)


def _write(path: Path, content: object) -> None:
    if isinstance(content, dict):
        path.mkdir(parents=True, exist_ok=True)
        for name, inner in content.items():
            _write(path / os.fsdecode(name), inner)
        return
    assert isinstance(content, tuple)
    kind, data = content
    if kind == "link":
        os.symlink(data, path)  # noqa: PTH211  # a Path would change the target
        return
    path.write_bytes(data)
    path.chmod(0o755 if kind == "program" else 0o644)


def _git(work: Path, git_dir: Path, *arguments: str) -> str:
    environment = {
        **os.environ,
        "GIT_DIR": str(git_dir),
        "GIT_WORK_TREE": str(work),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    done = subprocess.run(
        ["git", "-C", str(work), *arguments], env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def _written_by_git(work: Path) -> str:
    git_dir = Path(tempfile.mkdtemp())
    try:
        _git(work, git_dir, "init", "--quiet")
        _git(work, git_dir, "add", "--all", "--force", "--", ".")
        return _git(work, git_dir, "write-tree")
    finally:
        shutil.rmtree(git_dir)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.one_of(_NAMES, _SIMILAR), _TREES, max_size=6))
def test_the_digest_is_the_tree_that_git_writes(content: dict[bytes, object]) -> None:
    work = Path(tempfile.mkdtemp())
    try:
        _write(work, content)
        assert DirectoryTree(work).digest == _written_by_git(work)
    finally:
        shutil.rmtree(work)


def test_nothing_at_all_and_empty_directories(tmp_path: Path) -> None:
    (tmp_path / "empty" / "inside").mkdir(parents=True)
    assert DirectoryTree(tmp_path).digest == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def test_a_directory_sorts_as_if_it_ended_in_a_slash(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/x", "a.b", "a0"):
        (tmp_path / name).write_text(name)
    assert DirectoryTree(tmp_path).digest == _written_by_git(tmp_path)
