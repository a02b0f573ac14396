"""Builds in containers: what they may not do, how they end, and what they leave behind."""

import os
import socket
import subprocess
import sys
import threading

import pytest

from calzion.build.contained import KIND
from calzion.build.container import SHARED_MEMORY
from calzion.errors import CalzionError
from calzion.host.sandbox import BUILD_GID, BUILD_UID
from calzion.images.recipe import recipe
from tests.integration.build_site import CACHE, Cancel, Output, Site, with_buildpack

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path, container=True)
    yield site
    site.close()


def containers(site):
    return site.engine.api.containers(all=True, filters=site.engine.filters())


@root_only
def test_a_build_has_no_privileges_and_nothing_of_the_machine(site):
    (site.layout.data / "secret.key").write_text("secret")
    _, lines = site.build(
        with_buildpack(
            f"ls {site.layout.data} /var/run/docker.sock 2>&1 | grep -c secret; ls /proc | grep -c '^[0-9]';"
            " for place in / /usr /usr/bin /etc /env /buildpack /opt /run; do"
            " touch $place/x 2>/dev/null && echo wrote $place; done;"
            " grep -E 'NoNewPrivs|CapEff|CapBnd|Seccomp:' /proc/self/status; df -k --output=size /dev/shm | tail -1;"
            " id -u; id -G; id -un; echo $(env | cut -d= -f1)"
        )
    )
    assert "0" in lines
    assert [line for line in lines if line.startswith("wrote")] == ["wrote /"], "its own, which ends with it"
    assert {"NoNewPrivs:\t1", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "Seccomp:\t2"} <= {
        *lines
    }
    assert str(SHARED_MEMORY >> 10) in lines[-5]
    assert lines[-4:-1] == [str(BUILD_UID), str(BUILD_GID), "app"]
    assert not {"PYTEST_CURRENT_TEST", "LOGNAME", "USER"} & set(lines[-1].split())
    assert containers(site) == []
    assert site.engine.api.networks(filters=site.engine.filters()) == []


def test_what_ran_out_of_memory_is_said(site):
    order = site.order(with_buildpack("python3 -c 'x = bytearray(300 << 20); print(len(x))'"))
    with pytest.raises(CalzionError) as caught:
        site.builder(memory=100 << 20).build(order, Output(), Cancel())
    assert caught.value.message == "web: the build took more than 100M of memory"


def test_neither_another_build_nor_a_deployment_can_be_reached(site):
    """A server in a container on a network of its own, and one among the builds; both answer the machine."""
    assert site.host
    api, name = site.engine.api, f"calzion-test-{site.engine.installation}"
    (builds,) = api.networks(filters=site.engine.filters(kind=KIND))
    api.create_network(name, labels=site.engine.labels(kind="test"))
    addresses = []
    for network in (name, builds["Name"]):
        made = api.create_container(
            recipe("slugrunner").tag,
            command=["exec", "python3", "-m", "http.server", "8000"],
            labels=site.engine.labels(kind="test"),
            host_config=api.create_host_config(network_mode=network),
        )
        api.start(made["Id"])
        networks = api.inspect_container(made["Id"])["NetworkSettings"]["Networks"]
        addresses.append(networks[network]["IPAddress"])
    for address in addresses:
        until_it_accepts(address, 8000)
    _, lines = site.build(
        with_buildpack(
            "".join(
                f"(timeout 1 bash -c '</dev/tcp/{address}/8000') 2>/dev/null && echo reached;"
                for address in addresses
            )
            + "getent hosts localhost >/dev/null && echo done"
        )
    )
    assert lines[1:] == ["done"]


def until_it_accepts(address, port):
    for _ in range(200):
        try:
            return socket.create_connection((address, port), timeout=1).close()
        except ConnectionRefusedError:
            threading.Event().wait(0.05)
    raise AssertionError(f"nothing listens on {address}:{port}")


def test_what_a_crash_left_running_is_removed_at_start(site):
    order = site.order(with_buildpack("touch /cache/kept; echo begun; sleep 600"))
    program = [sys.executable, "-m", "tests.integration.build_and_die", site.directory, order.source.root]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as child:
        assert "begun\n" in iter(child.stdout.readline, "")
        child.kill()
    assert len(containers(site)) == 1
    builder = site.builder()
    builder.prepare()
    assert containers(site) == []
    assert (builder.caches.path(CACHE) / "kept").exists()
