from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from calzion.host.appliance import Appliance
from calzion.host.cgroup import Cgroup
from calzion.host.check import join_arguments
from calzion.host.directory import InstanceDirectory
from calzion.host.facilities import COPY, OVERLAY, USER_OVERLAY, Facilities
from calzion.host.launch import Launch, environment, limit_arguments, volume_mounts
from calzion.host.sandbox import Identity, Machine, Mount
from calzion.model import DeploymentName, Limits, RunSpec, ServiceName, Volume

SPEC = RunSpec(
    id="a",
    deployment=DeploymentName("demo"),
    service=ServiceName("web"),
    process_type="web",
    release=1,
    command="serve $PORT",
    slug=Path("/slug"),
)
ROOT = Facilities(root=True, sandbox=True, layers=OVERLAY, cgroups=None, machine=Machine())
USER = replace(ROOT, root=False, layers=USER_OVERLAY)
LAUNCH = Launch(
    spec=SPEC,
    directory=InstanceDirectory(Path("/d")),
    facilities=ROOT,
    identity=Identity(passwd=Path("/p"), group=Path("/g"), hosts=Path("/h")),
    uid=77,
    status_fd=5,
)


def after(arguments: list[str], name: str, count: int) -> list[str]:
    start = arguments.index(name)
    return arguments[start : start + count]


def test_root_mounts_an_overlay_and_drops_privileges_inside() -> None:
    arguments = LAUNCH.arguments()
    assert arguments[:5] == ["unshare", "--mount", "--propagation", "private", "--"]
    layers = [f"/d/layers/{name}" for name in ("upper", "work", "app")]
    assert arguments[7:13] == ["overlay", "/slug", *layers, "--"]
    assert after(arguments, "/usr/bin/setpriv", 3) == ["/usr/bin/setpriv", "--reuid", "77"]
    assert arguments[-4:] == ["/bin/bash", "/opt/calzion/run.sh", "shell", "serve $PORT"]
    assert arguments.index("bwrap") < arguments.index("--remount-ro") < arguments.index("/usr/bin/setpriv")


def test_without_root_user_namespaces_stand_for_it() -> None:
    arguments = replace(LAUNCH, facilities=USER).arguments()
    assert arguments[:3] == ["unshare", "--user", "--map-root-user"]
    assert "/usr/bin/setpriv" not in arguments
    assert after(arguments, "--uid", 4) == ["--uid", "77", "--gid", "77"]


def test_where_overlays_fail_the_slug_is_copied() -> None:
    arguments = replace(LAUNCH, facilities=replace(ROOT, layers=COPY)).arguments()
    assert arguments[0] == "sh" and arguments[2] == "copy"


def test_it_joins_its_control_groups_first() -> None:
    cgroup = Cgroup(version=1, directories={"memory": Path("/m/a"), "pids": Path("/p/a")})
    arguments = replace(LAUNCH, cgroup=cgroup).arguments()
    assert arguments[12:15] == ["/m/a/cgroup.procs", "/p/a/cgroup.procs", "--"]


def test_an_argument_list_is_not_parsed_by_a_shell() -> None:
    spec = replace(SPEC, command=("run", "a b", "$X"))
    assert replace(LAUNCH, spec=spec).arguments()[-4:] == ["exec", "run", "a b", "$X"]


def test_an_appliance_runs_its_start_script_without_a_slug() -> None:
    appliance = Appliance(
        name="redis",
        version="7.2",
        program="/r",
        mounts=(),
        stop_signal="SIGTERM",
        programs=Path("/b"),
        inside="/b",
    )
    spec = replace(SPEC, slug=None, appliance="redis", address="127.64.0.9", command="")
    arguments = replace(LAUNCH, spec=spec, appliance=appliance).arguments()
    assert arguments[7] == "empty"
    assert arguments[-5:] == ["exec", "/bin/sh", "/opt/calzion/start.sh", "/r", "127.64.0.9"]
    assert appliance.major == 7


def test_the_environment_is_packed_until_privileges_are_gone() -> None:
    packed = environment(replace(SPEC, env={"LD_PRELOAD": "/evil", "PATH": "/mine"}), "/system")
    assert "LD_PRELOAD" not in packed and packed["PATH"].startswith("/usr/local/sbin")
    assert sorted(value for name, value in packed.items() if name != "PATH") == [
        "HOME=/app",
        "LANG=C.UTF-8",
        "LD_PRELOAD=/evil",
        "PATH=/mine",
    ]


def test_limits() -> None:
    limits = Limits(memory=1000, files=64)
    assert limit_arguments(limits, memory=True)[1:-1] == ["--core=0", "--nofile=64:64", "--data=1000:1000"]
    assert limit_arguments(limits, memory=False)[1:-1] == ["--core=0", "--nofile=64:64"]


def test_volumes_are_the_deployments() -> None:
    spec = replace(SPEC, volumes=(Volume(name="web.data", path="/data"),))
    assert list(volume_mounts(spec, Path("/v"))) == [
        Mount(source=Path("/v/demo/web.data"), target="/data", writable=True)
    ]


def test_joining_an_instance_drops_privileges_too() -> None:
    joined = join_arguments(42, 77, "true", owner=None)
    assert joined[:3] == ["nsenter", "--target", "42"] and "/usr/bin/setpriv" in joined
    joined = join_arguments(42, 77, "true", owner=9)
    assert "--user=/proc/self/fd/9" in joined and "--no-new-privs" in joined
