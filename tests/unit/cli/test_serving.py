"""What the supervisor stands on: the data directory, locks, logs, and how parts are told their settings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from calzion.cli.stop import end_serve
from calzion.config import SETTINGS, Address, Settings, load
from calzion.errors import CalzionError
from calzion.supervisor import lock, logfile
from calzion.supervisor.announce import ready_line
from calzion.supervisor.command import variables
from calzion.supervisor.data import prepare
from calzion.supervisor.part import fits
from calzion.supervisor.supervisor import stages

NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


def settings(data: Path, **flags: str) -> Settings:
    return load({"data": str(data), **flags}, {}, None, 0)


def test_settings_survive_their_way_through_variables(tmp_path: Path) -> None:
    flags = {
        "data": str(tmp_path / "a b"),
        "ssh": "[::1]:2222",
        "build-memory": "1536M",
        "boot-timeout": "2.5",
        "build-parallel": "1024",
        "store": "sqlite:///elsewhere.db",
        "without": "sshd, router",
    }
    for given in (flags, {"data": str(tmp_path)}, {"data": str(tmp_path), "build-memory": "999999999T"}):
        first = load(given, {}, None, 0)
        again = load({}, variables(first), None, 0)
        names = [setting.name.replace("-", "_") for setting in SETTINGS]
        assert [getattr(again, name) for name in names] == [getattr(first, name) for name in names]


def test_the_first_start_makes_a_private_directory_and_chooses_a_backend(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    assert prepare(settings(data), NO_ENGINE) == "process"
    assert data.stat().st_mode & 0o777 == 0o700
    assert (data / "backend").read_text() == "process\n"
    assert prepare(settings(data), NO_ENGINE) == "process"


def test_another_backend_than_that_of_the_first_start_is_refused(tmp_path: Path) -> None:
    prepare(settings(tmp_path), NO_ENGINE)
    (tmp_path / "backend").write_text("docker\n")
    assert prepare(settings(tmp_path), NO_ENGINE) == "docker"
    with pytest.raises(CalzionError, match="was made for the backend 'docker', not 'process'"):
        prepare(settings(tmp_path, backend="process"), NO_ENGINE)


def test_a_directory_with_other_things_is_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "photos").mkdir()
    with pytest.raises(CalzionError, match="holds no data of Calzion"):
        prepare(settings(tmp_path), NO_ENGINE)
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_first_start_that_was_cut_short_can_be_repeated(tmp_path: Path) -> None:
    for name in ("run", "ssh", "repositories"):
        (tmp_path / name).mkdir()
    (tmp_path / "backend.new").write_text("pro")
    assert prepare(settings(tmp_path), NO_ENGINE) == "process"


def test_a_file_in_the_place_of_the_directory_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(CalzionError, match="can't be used"):
        prepare(settings(tmp_path / "data"), NO_ENGINE)


def test_parts_that_others_keep_up_are_not_started(tmp_path: Path) -> None:
    without = settings(tmp_path, without="router,sshd").without.names
    names = [[part.name for part in stage] for stage in stages("docker", without)]
    assert names == [[], ["reconciler"], ["controller"]]
    with pytest.raises(CalzionError) as refused:
        settings(tmp_path, without="reconciler")
    assert refused.value.detail == ["without (--without): 'reconciler' is not one of router, sshd"]


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    script = (
        f"import sys, time; sys.path.insert(0, {str(Path.cwd())!r}); from pathlib import Path; "
        "from calzion.supervisor.lock import acquire; "
        "held = acquire(Path(sys.argv[1])); print('held', flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "x.lock")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lock_names_its_living_holder(tmp_path: Path, owner: subprocess.Popen[str]) -> None:
    path = tmp_path / "x.lock"
    assert lock.acquire(path) is None
    assert lock.holder(path) == owner.pid
    owner.kill()
    owner.wait()
    assert lock.holder(path) is None
    held = lock.acquire(path)
    assert held is not None
    os.close(held)


def test_stop_ends_the_holder_and_waits(tmp_path: Path, owner: subprocess.Popen[str]) -> None:
    assert end_serve(tmp_path / "x.lock")
    assert owner.wait(timeout=30) == -15
    assert not end_serve(tmp_path / "x.lock")
    assert not end_serve(tmp_path / "none.lock")


def test_a_log_is_rotated_under_its_writer(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    log = logfile.open_log(path)
    os.write(log, b"old\n" * 10)
    assert not logfile.rotate(path, limit=40)
    assert logfile.rotate(path, limit=39)
    os.write(log, b"new\n")
    os.close(log)
    assert path.read_bytes() == b"new\n"
    assert (tmp_path / "x.log.1").read_bytes() == b"old\n" * 10


def test_last_lines_are_those_since_a_moment(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    assert logfile.last_lines(path, 0, 5) == []
    path.write_text("one\ntwo\nthree\n")
    assert logfile.last_lines(path, 4, 5) == ["two", "three"]
    assert logfile.last_lines(path, 4, 1) == ["three"]
    assert logfile.last_lines(path, 10_000, 5) == ["one", "two", "three"], "rotated since"


def test_a_running_process_fits_by_the_variables_it_was_started_with() -> None:
    environ = {"CALZION_HTTP": "127.0.0.1:80"}
    with subprocess.Popen(
        ["cat"], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdin and process.stdout
        # Its variables can be read once it runs, which is after Popen returns.
        process.stdin.write(b"\n")
        process.stdout.read(1)
        assert fits(process.pid, ["CALZION_HTTP"], environ)
        assert not fits(process.pid, ["CALZION_HTTP"], {"CALZION_HTTP": "127.0.0.1:81"})
        assert fits(process.pid, ["CALZION_OTHER"], {"CALZION_OTHER": "x"})
        process.kill()


@pytest.mark.parametrize(
    ("ssh", "http", "domain", "line"),
    [
        (
            Address("0.0.0.0", 2222),
            Address("0.0.0.0", 8080),
            "localhost",
            "Calzion is ready: push to ssh://git@localhost:2222/NAME (host key SHA256:x), "
            "http://*.localhost:8080, data /d",
        ),
        (
            Address("::1", 22),
            Address("0.0.0.0", 80),
            "example.com",
            "Calzion is ready: push to ssh://git@[::1]:22/NAME (host key SHA256:x), http://*.example.com, data /d",
        ),
    ],
)
def test_the_line_of_readiness(ssh: Address, http: Address, domain: str, line: str) -> None:
    said = ready_line(ssh=ssh, http=http, domain=domain, fingerprint="SHA256:x", data=Path("/d"))
    assert said == line
