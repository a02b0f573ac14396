"""Calzion in containers: what it runs as, what outlives it, and what nobody inside a deployment can reach."""

from __future__ import annotations

import json
import re
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.containers import need_images
from tests.stories.apps import web
from tests.stories.boxed import ROOT, BoxedSite, build_image, load
from tests.stories.site import Repository, eventually

IMAGE = f"calzion-test:{zlib.crc32(bytes(ROOT)):08x}"
"""Of each checkout its own. It stays, so that the next build begins from it."""

NEXT = f"{IMAGE}-next"
NOBODY, PUSH = 65534, 2222
ENGINES = (2375, 2376)

pytestmark = pytest.mark.timeout(900)  # where the image is built from nothing

TRY = """
import socket, sys
for target in sys.argv[1:]:
    try:
        if target.startswith("/"):
            peer = socket.socket(socket.AF_UNIX)
            peer.connect(target)
        else:
            host, port = target.rsplit(":", 1)
            peer = socket.create_connection((host, int(port)), timeout=2)
        peer.settimeout(2)
        peer.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        print(target, "answers" if peer.recv(100) else "hangs up")
    except OSError as error:
        print(target, "refuses")
"""


@pytest.fixture(scope="module")
def boxed() -> Iterator[BoxedSite]:
    need_images()
    build_image(IMAGE)
    site = BoxedSite(IMAGE)
    try:
        site.start()
        yield site
    finally:
        site.close()


@pytest.fixture(scope="module")
def shop(boxed: BoxedSite) -> Repository:
    """A deployment that serves, with a data service."""
    files = web("one", **{"try.py": TRY})
    files["template.yaml"] = "calzion/redis:\nweb:\n  git: .\n  healthcheck: {grace: 5}\n"
    repository = boxed.repository("shop", files)
    push = repository.push("shop")
    assert push.status == 0, push
    assert text(boxed) == "one"
    return repository


def text(boxed: BoxedSite) -> str:
    status, body = boxed.get("shop")
    return str(json.loads(body)["text"]) if status == 200 else f"{status} {body}"


def instances(boxed: BoxedSite) -> set[tuple[str, int]]:
    """Of web and redis with how often each was started again, when those before them are gone."""
    rows = eventually(lambda: len(found := boxed.json("ps", "shop")) == 2 and found, "old instances to end")
    return {(row["instance"], row["restarts"]) for row in rows}


def push_again(repository: Repository, said: str) -> None:
    repository.commit({"server.py": web(said)["server.py"]})
    push = repository.push("shop")
    assert push.status == 0, push
    assert re.search(r"redis +unchanged", push.text), push


def test_what_faces_the_network_is_not_root(boxed: BoxedSite, shop: Repository) -> None:
    assert shop
    for service in boxed.composed.services:
        seen = 0
        for pid in boxed.composed.pids(service):
            with suppress(FileNotFoundError, ProcessLookupError):  # one that has ended since
                check_rights(service, pid)
                seen += 1
        assert seen
    mounted = boxed.composed.api.inspect_container(boxed.composed.container("sshd"))["Mounts"]
    assert {mount["Destination"].removeprefix("/var/lib/calzion/") for mount in mounted} == {
        "ssh",
        "repositories",
        "run/push",
    }


def check_rights(service: str, pid: int) -> None:
    status = Path(f"/proc/{pid}/status").read_text()
    user, bounds = int(found(status, "Uid")), int(found(status, "CapEff"), 16)
    assert found(status, "NoNewPrivs") == "1"
    program = Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]
    if service == "sshd" or program.endswith("haproxy"):
        assert (user, bounds) == (PUSH if service == "sshd" else NOBODY, 0)
    else:
        # The router's daemon holds the sockets for HAProxy and takes no connection; calzion holds none.
        assert service == "router" or not network_sockets(pid)


def found(status: str, name: str) -> str:
    match = re.search(rf"^{name}:\t(\S+)", status, re.MULTILINE)
    assert match
    return match[1]


def network_sockets(pid: int) -> set[str]:
    """The inodes of the sockets by which a process listens at the network."""
    held = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        held.update(re.findall(r"socket:\[(\d+)\]", str(descriptor.readlink())))
    listening = set()
    for table in ("tcp", "tcp6"):
        rows = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        listening |= {fields[9] for row in rows if (fields := row.split())[3] == "0A"}
    return held & listening


def test_a_restart_is_no_outage_and_loses_nothing(boxed: BoxedSite, shop: Repository) -> None:
    before = instances(boxed)
    with load(boxed, "shop") as answers:
        boxed.composed.restart("calzion")
        boxed.composed.restart("sshd")
        boxed.wait_until_up()
    assert not answers.failed
    assert answers.good > 100
    assert instances(boxed) == before
    push_again(shop, "two")
    assert text(boxed) == "two"


def test_an_upgrade_is_no_outage_and_loses_nothing(boxed: BoxedSite, shop: Repository) -> None:
    before = instances(boxed)
    boxed.composed.api.tag(IMAGE, *NEXT.split(":"))
    boxed.composed.variables["CALZION_IMAGE"] = NEXT
    with load(boxed, "shop") as answers:
        boxed.composed.up("calzion", "sshd")
        boxed.wait_until_up()
    assert not answers.failed
    assert instances(boxed) == before
    push_again(shop, "three")
    assert text(boxed) == "three"
    assert len(boxed.json("releases", "shop")) >= 2


def test_a_new_router_serves_the_same(boxed: BoxedSite, shop: Repository) -> None:
    before, said = instances(boxed), text(boxed)
    began = time.monotonic()
    boxed.composed.up("router")
    eventually(lambda: text(boxed) == said, "the router to serve again")
    print(f"the router was away for at most {time.monotonic() - began:.2f} s")
    boxed.wait_until_up()
    assert instances(boxed) == before
    push_again(shop, "four")
    assert text(boxed) == "four"


def test_a_deployment_reaches_itself_and_nothing_else(boxed: BoxedSite, shop: Repository) -> None:
    assert shop
    push = boxed.repository("other", {"template.yaml": "calzion/redis:\n"}).push("other")
    assert push.status == 0, push
    gateway = boxed.gateway("shop")
    reached = [endpoint(boxed, "shop"), stable(boxed, "shop")]
    refused = [
        endpoint(boxed, "other"),
        stable(boxed, "other"),
        *(f"{gateway}:{port}" for port in (*routed(boxed), *ENGINES)),
        *("/var/run/docker.sock", "/run/docker.sock"),
        *(f"/var/lib/calzion/{socket}" for socket in ("api.sock", "run/reconciler.sock", "run/haproxy.sock")),
    ]
    ran = boxed.calzion("run", "shop", "--", "python3", "try.py", *reached, *refused)
    assert ran.returncode == 0, ran.stderr
    told = dict(line.split(" ", 1) for line in ran.stdout.splitlines())
    assert set(told) == {*reached, *refused}
    assert [target for target, said in told.items() if said == "answers"] == reached


def test_what_root_destroys_can_be_pushed_again(boxed: BoxedSite) -> None:
    repository = boxed.repository("again", web())
    assert repository.push("again").status == 0
    destroyed = boxed.calzion("destroy", "again", "--yes")
    assert destroyed.returncode == 0, destroyed.stderr
    assert repository.remote_ref("again") == ""
    push = repository.push("again")
    assert push.status == 0, push


def endpoint(boxed: BoxedSite, deployment: str) -> str:
    """Of the container of redis."""
    rows = boxed.json("ps", deployment)
    return next(str(row["endpoint"]) for row in rows if row["service"] == "redis")


def stable(boxed: BoxedSite, deployment: str) -> str:
    """Where the deployment reaches its redis, whatever runs it."""
    lines = (line.split() for line in boxed.read(f"run/hosts/{deployment}").splitlines())
    address = next(address for address, *names in lines if "redis" in names)
    return f"{address}:{endpoint(boxed, deployment).rpartition(':')[2]}"


def routed(boxed: BoxedSite) -> tuple[int, ...]:
    """The router's own ports on the machine, by which services are led to each other."""
    files = ("container-port.json", "ports.json")
    return tuple(port for file in files for port in json.loads(boxed.read(f"router/{file}")))
