from __future__ import annotations

from pathlib import Path

from calzion.host.cgroup import Cgroup, CgroupTree


def line(point: Path, kind: str, options: str) -> str:
    return f"30 23 0:26 / {point} rw,nosuid shared:9 - {kind} none {options}\n"


def test_version_1(tmp_path: Path) -> None:
    for name in ("memory", "cpu,cpuacct", "pids"):
        (tmp_path / name).mkdir()
    info = tmp_path / "mountinfo"
    info.write_text(
        line(Path("/"), "ext4", "rw")
        + line(tmp_path / "memory", "cgroup", "rw,memory")
        + line(tmp_path / "cpu,cpuacct", "cgroup", "rw,cpu,cpuacct")
    )
    tree = CgroupTree.find("mine", info)
    assert tree is not None and tree.version == 1
    assert tree.directories == {
        "memory": tmp_path / "memory/mine",
        "cpu": tmp_path / "cpu,cpuacct/mine",
    }
    group = tree.group("a")
    assert group.entrances == (
        tmp_path / "memory/mine/a/cgroup.procs",
        tmp_path / "cpu,cpuacct/mine/a/cgroup.procs",
    )
    tree.sweep()
    assert not (tmp_path / "memory/mine").exists()


def test_version_2_needs_the_memory_controller(tmp_path: Path) -> None:
    info = tmp_path / "mountinfo"
    info.write_text(line(tmp_path, "cgroup2", "rw"))
    assert CgroupTree.find("mine", info) is None
    assert CgroupTree.find("mine", tmp_path / "mountinfo") is None


def test_no_control_groups(tmp_path: Path) -> None:
    info = tmp_path / "mountinfo"
    info.write_text(line(Path("/"), "ext4", "rw"))
    assert CgroupTree.find("mine", info) is None


def test_limits_of_version_2(tmp_path: Path) -> None:
    names = ("memory.max", "memory.swap.max", "pids.max", "cpu.max")
    for name in names:
        (tmp_path / name).touch()
    group = Cgroup(version=2, directories=dict.fromkeys(("memory", "pids", "cpu"), tmp_path))
    group.limit(memory=1000, processes=5, cpus=0.5)
    assert [(tmp_path / name).read_text() for name in names] == ["1000", "0", "5", "50000 100000"]


def test_what_a_group_of_version_2_uses(tmp_path: Path) -> None:
    (tmp_path / "memory.current").write_text("1000\n")
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 300\n")
    (tmp_path / "memory.events").write_text("oom 3\noom_kill 2\n")
    group = Cgroup(version=2, directories={"memory": tmp_path})
    assert (group.memory(), group.out_of_memory_kills()) == (700, 2)


def test_what_a_group_of_version_1_uses(tmp_path: Path) -> None:
    (tmp_path / "memory.usage_in_bytes").write_text("1000\n")
    (tmp_path / "memory.stat").write_text("cache 9\ntotal_inactive_file 300\n")
    (tmp_path / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n")
    group = Cgroup(version=1, directories={"memory": tmp_path})
    assert (group.memory(), group.out_of_memory_kills()) == (700, 1)


def test_a_group_that_is_gone_tells_nothing(tmp_path: Path) -> None:
    group = Cgroup(version=2, directories={"memory": tmp_path / "gone"})
    assert (group.memory(), group.out_of_memory_kills(), group.remove()) == (0, 0, True)
