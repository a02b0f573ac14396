"""What an instance sees, may do, and leaves behind."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from calzion.errors import CalzionError
from calzion.model import Exit, InstanceState, Limits, Stop, Volume
from tests.fakes.host import ROOT, UID, Host, eventually


class Never:
    def cancelled(self) -> bool:
        return False

    def on_cancel(self, call: Callable[[], None]) -> Callable[[], None]:
        return lambda: None


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    host = Host(tmp_path_factory.mktemp("sandbox"))
    yield host
    host.close()


@pytest.fixture
def host(shared: Host) -> Iterator[Host]:
    yield shared
    shared.backend.forget([one.id for one in shared.backend.instances()])


def output(host: Host, command: str | tuple[str, ...], **given: object) -> list[str]:
    lines: list[str] = []
    exit_ = host.backend.run(host.spec(command, **given), lines.append, Never())
    assert exit_ == Exit(status=0), lines
    return lines


def test_it_runs_as_its_own_user_without_privileges(host: Host) -> None:
    lines = output(host, "id -u; grep -E 'CapEff|NoNewPrivs' /proc/self/status")
    assert lines == [str(UID if ROOT else os.getuid()), "CapEff:\t0000000000000000", "NoNewPrivs:\t1"]


@pytest.mark.skipif(not ROOT, reason="only root can run things as root")
def test_nothing_is_run_as_root(host: Host) -> None:
    with pytest.raises(CalzionError, match="nothing is run as root"):
        host.backend.ensure([host.spec("true", uid=0)])


def test_it_sees_neither_the_data_directory_nor_other_processes(host: Host) -> None:
    data = host.layout.data
    lines = output(host, f"ls {data} /home /root/.ssh 2>/dev/null | wc -l; ls /proc | grep -c '^[0-9]'; ls /")
    assert lines[0] == "0" and int(lines[1]) < 8
    assert not {"srv", "mnt", "sys", data.parts[1]} & (set(lines[2:]) - {"tmp"})


def test_only_its_own_places_are_writable(host: Host) -> None:
    script = "for d in / /etc /usr /run /opt/calzion /app /tmp /dev/shm; do touch $d/x 2>/dev/null && echo $d; done; :"
    assert output(host, script) == ["/app", "/tmp", "/dev/shm"]


def test_its_slug_stays_as_it_was_built(host: Host) -> None:
    host.write("kept.txt", "built")
    output(host, "echo changed > kept.txt; rm serve.py; mkdir new")
    assert (host.slug / "kept.txt").read_text() == "built"
    assert (host.slug / "serve.py").exists() and not (host.slug / "new").exists()
    assert output(host, "cat kept.txt; echo; ls -d new serve.py 2>/dev/null; :") == ["built", "serve.py"]


def test_its_environment_arrives_whole(host: Host) -> None:
    env = {
        "PLAIN": "a",
        "HARD": "a b'\"\\$x`y`\n z ",
        "EMPTY": "",
        "IFS": ":",
        "name": "x",
        "PATH": "/usr/bin:/bin",
    }
    host.write("env.py", "import os, json; print(json.dumps(dict(os.environ)))\n")
    given = json.loads(output(host, ("/usr/bin/env", "python3", "env.py"), env=env)[0])
    assert {name: given.get(name) for name in env} == env
    assert given["HOME"] == "/app"
    assert not [name for name in given if name.startswith("__calzion")]


def test_its_environment_reaches_no_privileged_program_and_no_disk(host: Host) -> None:
    env = {"SECRET": "correct-horse-battery", "LD_PRELOAD": "/app/evil.so", "BASH_ENV": "/app/evil.sh"}
    host.write("evil.sh", "echo $EUID >> /tmp/evil\n")
    spec = host.spec("exec sleep 1000", env=env)
    host.backend.ensure([spec])
    eventually(lambda: host.instance(spec.id).state is InstanceState.RUNNING)
    time.sleep(0.2)
    for path in host.layout.data.rglob("*"):
        if path.is_file() and not path.is_symlink() and "layers" not in path.parts:
            assert b"correct-horse" not in path.read_bytes(), path
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            try:
                assert b"correct-horse" not in (directory / "cmdline").read_bytes()
            except OSError:
                continue


def test_profiles_are_sourced_before_the_command(host: Host) -> None:
    host.write(".profile.d/10-first.sh", "export ORDER=first; set -- lost\n")
    host.write(".profile.d/20-second.sh", "export ORDER=$ORDER,second\n")
    host.write(".profile", "export ORDER=$ORDER,profile\n")
    assert output(host, "echo $ORDER; pwd") == ["first,second,profile", "/app"]
    assert output(host, ("sh", "-c", "echo $ORDER $1", "sh", "a  b")) == ["first,second,profile a b"]


def test_hosts_are_the_deployments_and_change_in_place(host: Host) -> None:
    spec = host.spec("exec sleep 1000", hosts=(("redis", "127.64.0.9"),))
    host.backend.ensure([spec])
    eventually(lambda: host.instance(spec.id).state is InstanceState.RUNNING)
    has = "grep -qx '127.64.0.{} {}' /etc/hosts && grep -q localhost /etc/hosts"
    assert host.backend.check(spec.id, host.spec(has.format(9, "redis"))) == Exit(status=0)
    other = host.spec("exec sleep 1000", hosts=(("redis", "127.64.0.9"), ("db", "127.64.0.10")))
    host.backend.ensure([other])
    assert host.backend.check(spec.id, host.spec(has.format(10, "db"))) == Exit(status=0)


def test_a_volume_outlives_its_instance_and_is_private(host: Host) -> None:
    volume = (Volume(name="web.data", path="/app/kept/here"),)
    output(host, "echo hello > kept/here/file", volumes=volume)
    assert output(host, "cat kept/here/file", volumes=volume) == ["hello"]
    path = host.layout.volumes / "demo" / "web.data"
    assert path.stat().st_mode & 0o777 == 0o700 and path.stat().st_uid == (UID if ROOT else os.getuid())
    assert host.backend.volumes(host.spec("x").deployment)["web.data"] > 0
    assert not (host.slug / "kept").exists()


def test_a_volume_behind_a_link_of_the_app_is_refused(host: Host) -> None:
    (host.slug / "link").symlink_to("/etc")
    try:
        with pytest.raises(CalzionError, match="symbolic link"):
            host.backend.ensure([host.spec("true", volumes=(Volume(name="d", path="/app/link/x"),))])
    finally:
        (host.slug / "link").unlink()


def test_a_check_runs_in_the_instance_as_its_user(host: Host) -> None:
    spec = host.spec("touch /tmp/mine; exec sleep 1000")
    host.backend.ensure([spec])
    eventually(lambda: host.instance(spec.id).state is InstanceState.RUNNING)
    eventually(lambda: host.backend.check(spec.id, host.spec("test -e /tmp/mine")) == Exit(status=0))
    user = UID if ROOT else os.getuid()
    told = f"[ $(id -u) = {user} ] && grep -q 'CapEff:.0000000000000000' /proc/self/status && [ $X = 1 ]"
    assert host.backend.check(spec.id, host.spec(told, env={"X": "1"})) == Exit(status=0)


def test_a_check_that_hangs_is_killed(host: Host) -> None:
    spec = host.spec("exec sleep 1000")
    host.backend.ensure([spec])
    eventually(lambda: host.instance(spec.id).state is InstanceState.RUNNING)
    hangs = host.spec("sleep 1000", stop=Stop(timeout=0.3))
    assert host.backend.check(spec.id, hangs) == Exit(signal="SIGKILL")


def test_what_the_main_process_leaves_behind_is_killed(host: Host) -> None:
    spec = host.spec("setsid -f sleep 12345; echo left; exit 0", restart=False)
    host.backend.ensure([spec])
    eventually(lambda: host.instance(spec.id).state is InstanceState.EXITED)
    assert host.instance(spec.id).exit == Exit(status=0, background=True)
    assert not any(b"sleep\x0012345" in _command_line(pid) for pid in Path("/proc").iterdir())


def test_all_processes_get_the_stop_signal_and_time_to_end(host: Host) -> None:
    host.write("child.sh", "trap 'sleep 0.3; echo bye; exit' TERM; echo up; while :; do sleep 0.05; done\n")
    spec = host.spec("bash child.sh; echo never")
    host.backend.ensure([spec])
    eventually(lambda: host.backend.tail(spec.id, 1) == ["up"])
    host.backend.stop([spec.id])
    assert "bye" in host.backend.tail(spec.id, 3)


def test_killing_any_of_its_processes_from_outside_leaves_nothing(host: Host) -> None:
    spec = host.spec("sleep 54321; echo never")
    host.backend.ensure([spec])
    eventually(lambda: host.instance(spec.id).state is InstanceState.RUNNING)
    pid = eventually(lambda: host.instance(spec.id).pid)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: host.instance(spec.id).restarts == 1)
    eventually(lambda: _count(b"sleep\x0054321") == 1)


def test_a_memory_limit_ends_it_and_is_told(host: Host) -> None:
    if not _has_cgroups(host):
        pytest.skip("needs control groups")
    spec = host.spec("python3 -c 'x = bytearray(200 << 20)'", limits=Limits(memory=50 << 20), restart=False)
    host.backend.ensure([spec])
    eventually(lambda: host.instance(spec.id).state is InstanceState.EXITED)
    exit_ = host.instance(spec.id).exit
    assert exit_ is not None and exit_.oom and str(exit_) == "out of memory"


def test_limits_of_processes_and_files(host: Host) -> None:
    assert output(host, "ulimit -n", limits=Limits(files=123)) == ["123"]
    if _has_cgroups(host):
        forks = "for i in $(seq 40); do sleep 1000 & done; echo $i"
        lines: list[str] = []
        spec = host.spec(("sh", "-c", forks), limits=Limits(processes=20))
        assert host.backend.run(spec, lines.append, Never()) != Exit(status=0)
        assert "fork" in lines[-1]


def test_memory_in_use_is_told(host: Host) -> None:
    spec = host.spec("exec python3 -c 'import time; x = b\"x\" * (64 << 20); time.sleep(1000)'")
    host.backend.ensure([spec])
    eventually(lambda: host.instance(spec.id).memory > 60 << 20)


def test_fifty_instances(host: Host) -> None:
    specs = [host.spec("exec sleep 1000") for _ in range(50)]
    host.backend.ensure(specs)
    eventually(lambda: all(one.state is InstanceState.RUNNING for one in host.backend.instances()))
    host.backend.stop([spec.id for spec in specs])
    assert {one.state for one in host.backend.instances()} == {InstanceState.EXITED}


def test_an_ipv6_endpoint(host: Host) -> None:
    host.write(
        "six.py",
        "import os, socket\n"
        "s = socket.create_server(('::1', int(os.environ['PORT'])), family=socket.AF_INET6)\n"
        "while True: s.accept()[0].close()\n",
    )
    spec = host.spec("exec python3 six.py")
    host.backend.ensure([spec])
    port = spec.ports[""]
    found = eventually(lambda: host.backend.endpoint(spec.id, port))
    assert str(found) == f"[::1]:{port}"


def _has_cgroups(host: Host) -> bool:
    return not any("Control groups" in sentence for sentence in host.backend.doctor())


def _command_line(directory: Path) -> bytes:
    try:
        return (directory / "cmdline").read_bytes()
    except OSError:
        return b""


def _count(argument: bytes) -> int:
    return sum(
        argument == _command_line(directory).rstrip(b"\0")
        for directory in Path("/proc").iterdir()
        if directory.name.isdigit()
    )
