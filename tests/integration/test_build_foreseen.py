"""What a description of code says about its build is what the code itself says, and nothing is kept of looking."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from calzion.build.directory import DirectoryTree
from calzion.controller.described import DescribedTree, is_told
from calzion.errors import CalzionError
from calzion.model import BuildOrder, SourceTree
from calzion.packing.description import describe
from calzion.packing.place import Place
from tests.integration.build_site import Cancel, Output, Site
from tests.integration.git_site import GitSite

PYTHON = {"requirements.txt": "", "app.py": "x"}
SOURCES: dict[str, Mapping[str, str]] = {
    "requirements": PYTHON,
    "runtime": PYTHON | {"runtime.txt": "python-3.11"},
    "python-version": PYTHON | {".python-version": "3.11\n"},
    "pyproject": {"pyproject.toml": "[project]\nrequires-python = '>=3.9'\n", "uv.lock": ""},
    "pipfile": {"Pipfile": "[requires]\npython_version = '3.11'\n", "Pipfile.lock": "{}" + " " * 100_000},
    "pipfile alone in the lock": {"Pipfile.lock": '{"_meta": {"requires": {"python_version": "3.11"}}}'},
    "setup": {"setup.py": "", "src/x.py": ""},
    "no such python": PYTHON | {"runtime.txt": "python-2.4"},
    "committed": PYTHON | {"venv/pyvenv.cfg": "", "venv/lib/x": ""},
    "committed long ago": PYTHON | {"env/bin/activate": ""},
    "node": {"package.json": "{}", "public/index.html": "x"},
    "static": {"public/index.html": "x"},
    "empty public": {"public/other.html": "x"},
    "root page": {"index.html": "x"},
    "procfile": {"Procfile": "web: run\n"},
    "bad procfile": {"Procfile": "nonsense\n"},
    "own buildpack": {".buildpacks": "./pack\n", "pack/bin/compile": "x", "Procfile": "web: x\n"},
    "bad list": {".buildpacks": "nowhere at all\n"},
    "too large": {"Procfile": "#" * ((1 << 20) + 1)},
    "nothing": {"notes.txt": "x"},
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.rest()


class Recorder:
    """A SourceTree that knows what was read of it."""

    def __init__(self, tree: DirectoryTree) -> None:
        self.reads: set[str] = set()
        self.digest, self.commit = tree.digest, tree.commit
        self.names, self.submodules, self.export, self._read = (
            tree.names,
            tree.submodules,
            tree.export,
            tree.read,
        )

    def read(self, path: str, limit: int = 1 << 20) -> bytes | None:
        self.reads.add(path)
        return self._read(path, limit)


def described(source: SourceTree) -> DescribedTree:
    assert isinstance(source, DirectoryTree)
    files = Place(directory=source.root).files(as_it_is=False)
    return DescribedTree.parse(describe(files, source.commit).as_dict())


def outcome(key: object, order: BuildOrder) -> object:
    try:
        return key(order)  # type: ignore[operator]  # a method of the builder
    except CalzionError as error:
        return error.as_dict()


def test_a_description_has_the_key_of_the_code(site: Site) -> None:
    builder = site.builder()
    for name, files in SOURCES.items():
        order = site.order(files, A="1")
        assert isinstance(order.source, DirectoryTree)
        recorder = Recorder(order.source)
        key = outcome(builder.key, replace(order, source=recorder))
        told = described(order.source)
        assert told.names() == order.source.names(), name
        assert outcome(builder.foresee, replace(order, source=told)) == key, name
        assert all(map(is_told, recorder.reads)), (name, recorder.reads)
    keys = {outcome(builder.key, site.order(files, A="1")).__class__ for files in SOURCES.values()}
    assert keys == {str, dict}, "some can be built, and some can't"


def kept(site: Site) -> dict[str, tuple[int, str]]:
    return {
        str(path): (path.lstat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(site.layout.buildpacks.rglob("*"))
        if path.is_file() and not path.is_symlink()
    } | {
        str(path): (path.lstat().st_mtime_ns, "")
        for path in sorted(site.layout.buildpacks.glob("*"))
        if path.is_dir()
    }


def test_buildpacks_from_elsewhere_are_looked_at_and_not_kept(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = GitSite(tmp_path / "web")
    monkeypatch.setenv("GIT_SSL_CAINFO", str(web.certificate))
    files = {"bin/detect": "#!/bin/sh\necho Pack\n", "bin/compile": "#!/bin/sh\necho one\n"}
    web.commit("pack", files)
    try:
        builder = site.builder()
        order = replace(site.order(SOURCES["procfile"]), buildpacks=(f"{web.url}/pack.git#main",))
        first = builder.foresee(order)
        assert kept(site) == {} and site.leftovers() == []
        assert builder.build(order, Output(), Cancel()).key == first
        before = kept(site)
        again = replace(order, source=described(order.source))
        assert builder.foresee(again) == first
        web.commit("pack", files | {"new": "x"})
        assert builder.foresee(replace(order, cache="again")) != first, "the branch has moved"
        assert kept(site) == before and site.leftovers() == []
    finally:
        web.close()
