from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from calzion.host.directory import InstanceDirectory, remove_tree
from calzion.host.identity import identity, write_in_place
from calzion.host.volumes import prepare_volumes, remove_volumes, volume_sizes
from calzion.model import DeploymentName, RunSpec, ServiceName, Volume

SPEC = RunSpec(
    id="a",
    deployment=DeploymentName("demo"),
    service=ServiceName("web"),
    process_type="web",
    release=1,
    volumes=(Volume(name="one", path="/one"), Volume(name="two", path="/two")),
)


def test_a_file_that_is_bound_somewhere_keeps_its_inode(tmp_path: Path) -> None:
    path = tmp_path / "hosts" / "demo"
    write_in_place(path, "long text\n")
    inode = path.stat().st_ino
    write_in_place(path, "short\n")
    assert path.read_text() == "short\n" and path.stat().st_ino == inode
    assert path.stat().st_mode & 0o777 == 0o644


def test_the_identity_of_a_deployment(tmp_path: Path) -> None:
    files = identity(tmp_path, 77, "demo", (("redis", "127.64.0.9"),))
    assert "127.64.0.9 redis" in files.hosts.read_text()
    assert "app:x:77:77" in files.passwd.read_text() and "app:x:77:" in files.group.read_text()


def test_layers_are_fresh_for_every_start(tmp_path: Path) -> None:
    directory = InstanceDirectory(tmp_path / "a")
    directory.prepare(None)
    (directory.upper / "written").touch()
    retired = directory.retire()
    assert retired is not None and (retired / "upper/written").exists()
    directory.prepare(None)
    assert list(directory.upper.iterdir()) == []
    assert directory.tmp.stat().st_mode & 0o7777 == 0o1777
    remove_tree(retired)
    assert not retired.exists()
    directory.remove()
    assert directory.retire() is None


def test_removing_does_not_follow_links_and_opens_what_is_closed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    tree = tmp_path / "tree"
    (tree / "closed" / "deep").mkdir(parents=True)
    (tree / "link").symlink_to(outside)
    (tree / "closed").chmod(0)
    remove_tree(tree)
    assert not tree.exists() and (outside / "kept").exists()
    remove_tree(tmp_path / "missing")


def test_what_another_removes_at_the_same_moment_is_no_failure(tmp_path: Path) -> None:
    with ThreadPoolExecutor(max_workers=2) as pool:
        for number in range(300):
            directory = InstanceDirectory(tmp_path / str(number))
            directory.prepare(None)
            (directory.upper / "written").touch()
            retired = directory.retire()
            assert retired
            started = threading.Barrier(2)
            removals = [
                pool.submit(lambda p, s: (s.wait(), remove_tree(p)), path, started)
                for path in (retired, directory.path)
            ]
            for removal in removals:
                removal.result()
            assert not directory.path.exists()


def test_volumes(tmp_path: Path) -> None:
    prepare_volumes(tmp_path, SPEC, None)
    (tmp_path / "demo/one/file").write_bytes(b"x" * 10_000)
    os.link(tmp_path / "demo/one/file", tmp_path / "demo/one/again")
    sizes = volume_sizes(tmp_path, "demo")
    assert list(sizes) == ["one", "two"] and 10_000 <= sizes["one"] < 20_000
    prepare_volumes(tmp_path, replace(SPEC, volumes=()), None)
    assert (tmp_path / "demo/one/file").exists()
    remove_volumes(tmp_path, "demo")
    assert volume_sizes(tmp_path, "demo") == {}
