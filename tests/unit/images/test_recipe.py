"""Which version of an image is needed, and what it is built from."""

import tarfile

import pytest

from calzion.errors import CalzionError
from calzion.images.context import context
from calzion.images.copied import Copied
from calzion.images.recipe import Recipe, recipes, with_bases


def recipe(directory, name="one", base=None):
    return Recipe(name=name, base=base, files=(Copied(target=".", source=directory),))


@pytest.fixture
def directory(tmp_path):
    place = tmp_path / "image"
    (place / "sub" / "__pycache__").mkdir(parents=True)
    (place / "Dockerfile").write_text("FROM x\n")
    (place / "sub" / "run").write_text("#!/bin/sh\n")
    (place / "sub" / "run").chmod(0o775)
    (place / "sub" / "__pycache__" / "x.pyc").touch()
    return place


def test_each_image_comes_after_what_it_builds_on():
    assert [each.name for each in with_bases(["slugbuilder"])] == ["stack", "slugrunner", "slugbuilder"]
    assert [each.name for each in with_bases(["redis", "postgres"])] == ["stack", "redis", "postgres"]
    assert list(recipes()) == ["stack", "slugrunner", "slugbuilder", "redis", "postgres", "firewall"]
    with pytest.raises(CalzionError, match="no image nosuch") as caught:
        with_bases(["nosuch"])
    assert caught.value.code == "not_found"


def test_tags_are_those_of_an_engine():
    for each in recipes().values():
        name, _, version = each.tag.partition(":")
        assert name == f"calzion/{each.name}"
        assert len(version) == 12


def test_the_version_changes_with_what_goes_in(directory):
    first = recipe(directory).version
    assert recipe(directory).version == first
    (directory / "sub" / "__pycache__" / "x.pyc").write_text("other")
    assert recipe(directory).version == first
    (directory / "sub" / "run").chmod(0o644)
    second = recipe(directory).version
    (directory / "Dockerfile").write_text("FROM y\n")
    third = recipe(directory).version
    assert len({first, second, third}) == 3


def test_the_version_changes_with_the_base(directory, tmp_path):
    (tmp_path / "other").mkdir()
    bases = [recipe(tmp_path / "other", name="base"), None]
    assert len({recipe(directory, base=base).version for base in bases}) == 2


def test_of_what_is_not_here_there_is_an_empty_directory():
    absent = Copied(target="node", source=None)
    with (
        context(Recipe(name="one", base=None, files=(absent,))) as file,
        tarfile.open(fileobj=file) as archive,
    ):
        assert [(each.name, each.isdir()) for each in archive] == [("node", True)]


def test_the_context_has_nothing_of_this_machine(directory):
    (directory / "sub" / "link").symlink_to("run")
    with context(recipe(directory)) as file, tarfile.open(fileobj=file) as archive:
        found = {each.name: each for each in archive}
    assert sorted(found) == [".", "Dockerfile", "sub", "sub/link", "sub/run"]
    assert {(each.uid, each.mtime, each.uname) for each in found.values()} == {(0, 0, "")}
    assert [oct(found[name].mode) for name in ("Dockerfile", "sub/run")] == ["0o644", "0o755"]
    assert found["sub/link"].linkname == "run"
