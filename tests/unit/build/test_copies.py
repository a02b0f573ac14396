import os
from dataclasses import replace

import pytest

from calzion.build.copies import Copies
from calzion.template.buildpack import parse_reference

REMOTE = parse_reference("https://x.org/a.git#main")
OTHER = parse_reference("https://me:pw@x.org/a.git#main")


@pytest.fixture
def copies(tmp_path):
    (tmp_path / "builds").mkdir()
    return Copies(tmp_path / "copies", tmp_path / "builds")


def tree(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "file").write_text(name)
    return tmp_path / name


def test_what_is_put_is_found_by_those_with_the_same_credentials(copies, tmp_path):
    assert copies.find(REMOTE, "v") is None
    path = copies.put(REMOTE, "v", tree(tmp_path, "one"))
    assert copies.find(REMOTE, "v") == path
    assert (path / "file").read_text() == "one"
    assert copies.find(OTHER, "v") is None
    assert copies.put(REMOTE, "v", tree(tmp_path, "two")) == path
    assert (path / "file").read_text() == "one"


def test_the_last_version_counts_while_its_copy_is_there(copies, tmp_path):
    assert copies.last(REMOTE) == ""
    copies.remember(REMOTE, "v")
    assert copies.last(REMOTE) == ""
    copies.put(REMOTE, "v", tree(tmp_path, "one"))
    assert copies.last(REMOTE) == "v"
    assert copies.last(OTHER) == ""


def test_the_longest_unused_go(copies, tmp_path):
    copies = replace(copies, kept=2)
    for age, name in enumerate(("a", "b")):
        os.utime(copies.put(REMOTE, name, tree(tmp_path, name)), (age, age))
    copies.find(REMOTE, "a")
    copies.put(REMOTE, "c", tree(tmp_path, "c"))
    assert copies.find(REMOTE, "b") is None
    assert copies.find(REMOTE, "a") and copies.find(REMOTE, "c")
    assert list(copies.scratch.iterdir()) == []
