import os
from pathlib import Path

import pytest

from calzion.build.directory import DirectoryTree
from calzion.build.store import remove_tree


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_bytes(b"a")
    (root / "sub" / "run").write_bytes(b"#!/bin/sh\n")
    (root / "sub" / "run").chmod(0o755)
    return root


def test_names_and_contents(tree):
    assert DirectoryTree(tree).names() == ("a.txt", "sub/")
    assert DirectoryTree(tree).read("sub/run") == b"#!/bin/sh\n"
    assert DirectoryTree(tree).read("sub") is None
    assert DirectoryTree(tree).read("none/at/all") is None


def test_a_file_that_is_too_large(tree):
    with pytest.raises(ValueError, match="larger than 0 bytes"):
        DirectoryTree(tree).read("a.txt", limit=0)


@pytest.mark.parametrize(
    "path", ["../outside", "/etc/passwd", "link", "up/outside", "sub/../a.txt", "pipe", ""]
)
def test_reading_never_leaves_the_tree(tree, path):
    (tree.parent / "outside").write_text("secret")
    (tree / "link").symlink_to("../outside")
    (tree / "up").symlink_to("..")
    os.mkfifo(tree / "pipe")
    assert DirectoryTree(tree).read(path) is None


def test_export_keeps_links_as_links_and_programs_executable(tree, tmp_path):
    (tree / "link").symlink_to("/etc/passwd")
    (tree / ".git").mkdir()
    os.mkfifo(tree / "pipe")
    target = tmp_path / "target"
    target.mkdir()
    DirectoryTree(tree).export(target)
    assert sorted(entry.name for entry in target.iterdir()) == ["a.txt", "link", "sub"]
    assert (target / "link").readlink() == Path("/etc/passwd")
    assert os.access(target / "sub" / "run", os.X_OK)
    assert not (target / "a.txt").stat().st_mode & 0o111


def test_the_digest_names_content_paths_and_the_executable_bit(tree):
    seen = [DirectoryTree(tree).digest, DirectoryTree(tree).digest]
    assert seen[0] == seen[1]
    (tree / "a.txt").chmod(0o755)
    seen.append(DirectoryTree(tree).digest)
    (tree / "a.txt").write_bytes(b"b")
    seen.append(DirectoryTree(tree).digest)
    (tree / "a.txt").rename(tree / "b.txt")
    seen.append(DirectoryTree(tree).digest)
    assert len(set(seen[1:])) == 4


def test_a_very_deep_tree(tree, tmp_path):
    deep = tree
    for _ in range(1500):
        deep /= "d"
        deep.mkdir()
    target = tmp_path / "target"
    target.mkdir()
    DirectoryTree(tree).export(target)
    assert DirectoryTree(target).digest == DirectoryTree(tree).digest
    for root in (tree, target):
        remove_tree(root)
        assert not root.exists()
