"""Whoever takes over the SSH server of a plain `calzion serve` by root is a user who sees what is served alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from calzion.sshd.confinement import PUSH_USER
from tests.stories.apps import web
from tests.stories.site import DEADLINE, Site

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to give up")

_MINE = ("ssh", "repositories", "run/push")


@pytest.fixture(scope="module")
def stolen() -> Iterator[Site]:
    """A server whose data were all root's, as those of an earlier version are."""
    site = Site()
    try:
        site.start()
        assert (
            site.calzion("keys", "add", "alice", str(site.root / "alice.pub"), "--allow", "*").returncode == 0
        )
        assert site.repository("before", web("one")).push("before").status == 0
        site.stop()
        for name in _MINE:
            subprocess.run(["chown", "-hR", "0:0", site.data / name], check=True)
        (site.data / "repositories" / "link").symlink_to(site.data / "secret.key")
        os.link(site.data / "secret.key", site.data / "repositories" / "name")
        site.start()
        yield site
    finally:
        site.close()


def as_thief(site: Site, *command: str, inside: bool = True) -> subprocess.CompletedProcess[str]:
    view = ["nsenter", f"--mount=/proc/{site.pid('sshd')}/ns/mnt"] if inside else []
    user = [
        "setpriv",
        f"--reuid={PUSH_USER}",
        f"--regid={PUSH_USER}",
        "--clear-groups",
        "--bounding-set=-all",
    ]
    words = [*view, *user, "--no-new-privs", *command]
    return subprocess.run(words, cwd="/", capture_output=True, text=True, timeout=DEADLINE, check=False)


def test_it_has_no_rights_of_roots(stolen: Site) -> None:
    status = Path(f"/proc/{stolen.pid('sshd')}/status").read_text()
    user = "\t".join([str(PUSH_USER)] * 4)
    assert f"Uid:\t{user}\n" in status and f"Gid:\t{user}\n" in status and "Groups:\t \n" in status
    for kind in ("Prm", "Eff", "Bnd", "Amb"):
        assert f"Cap{kind}:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status


def test_it_goes_on_serving_what_was_roots(stolen: Site) -> None:
    clone = stolen.repository("before", {})
    clone.git("fetch", "--quiet", "calzion", "before")
    clone.git("reset", "--quiet", "--hard", "FETCH_HEAD")
    clone.commit(web("two"))
    push = clone.push("before")
    assert push.status == 0, push
    owners = {
        path.lstat().st_uid for path in (stolen.data / "repositories").rglob("*") if path.name != "name"
    }
    assert owners == {PUSH_USER}
    assert (stolen.data / "secret.key").stat().st_uid == 0
    assert (stolen.data / "repositories" / "name").stat().st_uid == 0


@pytest.mark.parametrize("inside", [True, False], ids=["in its view", "outside of it"])
@pytest.mark.parametrize("name", ["secret.key", "calzion.db", "logs/reconciler.log", "instances"])
def test_it_reads_no_secret_and_no_database(stolen: Site, name: str, inside: bool) -> None:
    assert (stolen.data / name).exists()
    assert as_thief(stolen, "ls", str(stolen.data / name), inside=inside).returncode != 0
    assert as_thief(stolen, "cat", str(stolen.data / name), inside=inside).returncode != 0


@pytest.mark.parametrize("name", ["api.sock", "run/reconciler.sock", "run/host.sock", "run/haproxy.sock"])
def test_it_reaches_no_other_socket(stolen: Site, name: str) -> None:
    assert (stolen.data / name).is_socket()
    connect = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    python = str(Path(shutil.which("python3", path="/usr/bin") or ""))
    for inside in (True, False):
        answer = as_thief(stolen, python, "-c", connect, str(stolen.data / name), inside=inside)
        assert answer.returncode != 0 and ("No such file" in answer.stderr or "denied" in answer.stderr)
    pushes = as_thief(stolen, python, "-c", connect, str(stolen.data / "run/push/push.sock"))
    assert pushes.returncode == 0, pushes


def test_it_sees_what_it_serves_alone(stolen: Site) -> None:
    seen = as_thief(stolen, "ls", "-A", str(stolen.data), str(stolen.data / "run")).stdout
    assert set(seen.split()) & {path.name for path in stolen.data.iterdir()} == {"repositories", "run", "ssh"}
    written = as_thief(stolen, "find", "/", "-xdev", "-type", "d", "-writable", "-not", "-path", "/proc/*")
    assert written.stdout == ""
    for place in ("/tmp", "/var/tmp", "/dev/shm", "/run", str(stolen.data)):
        assert as_thief(stolen, "touch", f"{place}/mine").returncode != 0
    for name in _MINE:
        assert as_thief(stolen, "touch", str(stolen.data / name / "mine")).returncode == 0
        (stolen.data / name / "mine").unlink()


def test_it_learns_nothing_of_other_processes(stolen: Site) -> None:
    for part in ("reconciler", "controller", "host"):
        pid = stolen.pid(part)
        for inside in (True, False):
            assert as_thief(stolen, "cat", f"/proc/{pid}/environ", inside=inside).stdout == ""
            assert as_thief(stolen, "kill", "-0", str(pid), inside=inside).returncode != 0


def test_its_environment_holds_no_secret(stolen: Site) -> None:
    environment = Path(f"/proc/{stolen.pid('sshd')}/environ").read_bytes()
    assert b"CALZION_SSH=" in environment and b"CALZION_STORE=" not in environment
