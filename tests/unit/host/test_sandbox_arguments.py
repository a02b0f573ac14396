from __future__ import annotations

from pathlib import Path

from calzion.host.sandbox import (
    BUILD_GID,
    SYSTEM_PATH,
    Identity,
    Machine,
    Mount,
    base_arguments,
    drop_privileges,
    group_text,
    hosts_text,
    mount_arguments,
    passwd_text,
    user_namespace,
)

IDENTITY = Identity(passwd=Path("/d/passwd"), group=Path("/d/group"), hosts=Path("/d/hosts"))


def test_a_machine_with_merged_usr(tmp_path: Path) -> None:
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "bin").symlink_to("usr/bin")
    (tmp_path / "lib64").mkdir()
    (tmp_path / "etc/ssl").mkdir(parents=True)
    (tmp_path / "etc/shadow").touch()
    machine = Machine.look(tmp_path, prefix=Path("/usr/local"))
    assert machine.links == (("/bin", "usr/bin"),)
    assert [mount.target for mount in machine.mounts] == ["/usr", "/lib64", "/etc/ssl"]
    assert machine.path == SYSTEM_PATH


def test_an_interpreter_elsewhere_is_visible_and_last_on_the_path(tmp_path: Path) -> None:
    machine = Machine.look(tmp_path, prefix=Path("/home/me/python"))
    assert machine.mounts[-1] == Mount(source=Path("/home/me/python"), target="/home/me/python")
    assert machine.path == f"{SYSTEM_PATH}:/home/me/python/bin"


def test_parents_of_mounts_can_be_entered() -> None:
    mounts = (
        Mount(source=Path("/a"), target="/x/y/z"),
        Mount(source=Path("/b"), target="/x/w", writable=True),
    )
    assert mount_arguments(mounts) == (
        ["--dir", "/x", "--dir", "/x/y", "--ro-bind", "/a", "/x/y/z", "--bind", "/b", "/x/w"]
    )


def test_every_sandbox_has_processes_and_files_of_its_own() -> None:
    arguments = base_arguments(Machine(links=(("/bin", "usr/bin"),)), IDENTITY)
    assert arguments[:3] == ["--unshare-pid", "--unshare-ipc", "--new-session"]
    told = " ".join(arguments)
    for part in (
        "--symlink usr/bin /bin",
        "--ro-bind /d/passwd /etc/passwd",
        "--ro-bind /d/hosts /etc/hosts",
        "--proc /proc --dev /dev",
        "--perms 1777 --tmpfs /dev/shm",
    ):
        assert part in told


def test_becoming_another_user_for_good() -> None:
    assert drop_privileges(7, 8, (9, 10)) == [
        *("/usr/bin/setpriv", "--reuid", "7", "--regid", "8", "--groups", "9,10"),
        *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--"),
    ]
    assert "--clear-groups" in drop_privileges(7, 8)
    assert user_namespace(7, 8) == ["--unshare-user", "--uid", "7", "--gid", "8"]


def test_the_texts_of_identity() -> None:
    assert "app:x:7:8:app:/app:/bin/bash\n" in passwd_text(7, 8)
    assert f"slug:x:{BUILD_GID}:app\n" in group_text(8)
    assert "slug" not in group_text(BUILD_GID)
    assert hosts_text("box", (("redis", "127.64.0.9"),)).splitlines() == [
        "127.0.0.1 localhost",
        "::1 localhost ip6-localhost ip6-loopback",
        "127.0.1.1 box",
        "127.64.0.9 redis",
    ]
