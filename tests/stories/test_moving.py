"""A deployment moves from one server to another, with all that belongs to it."""

from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Iterator

import pytest

from tests.stories.apps import web
from tests.stories.site import DEADLINE, PROGRAM, Repository, Site

TEMPLATE = """
Generate: {TOKEN: {length: 20}}
web:
  git: .
  env: {KEY: '${KEY}', TOKEN: '${TOKEN}'}
  volumes: {files: /files}
  overlap: true
  require: [postgres, redis]
calzion/postgres:
calzion/redis:
Run: {seed: {service: web, cmd: 'echo seeds $DEPLOYMENT', require: [postgres]}}
"""


@pytest.fixture(scope="module")
def other() -> Iterator[Site]:
    """Another machine, for all that the two know of each other."""
    site = Site()
    try:
        site.start()
        yield site
    finally:
        site.close()


def run(site: Site, target: str, *command: str) -> str:
    words = [*PROGRAM, "--data", str(site.data), "run", target, "--", *command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done
    return done.stdout.strip()


def environment(site: Site, deployment: str) -> dict[str, str]:
    status, body = site.get(deployment)
    assert status == 200, body
    found: dict[str, str] = json.loads(body)["env"]
    return found


def set_secret(site: Site, deployment: str, value: str) -> None:
    command = [*PROGRAM, "--data", str(site.data), "secrets", "set", deployment, "KEY"]
    subprocess.run(command, input=value, text=True, timeout=DEADLINE, check=True, capture_output=True)


def test_a_deployment_moves_with_code_data_and_secrets(site: Site, other: Site) -> None:
    repository = site.repository("shop", web("one", template__yaml=TEMPLATE))
    set_secret(site, "shop", "s3cret-value")
    pushed = repository.push("shop")
    assert pushed.status == 0 and "seeds shop" in pushed, pushed
    run(site, "shop:postgres", "psql", "-c", "create table orders as select generate_series(1, 1000) as n")
    run(site, "shop:redis", "redis-cli", "set", "visits", "42")
    run(site, "shop:web", "mkdir -p /files/a && echo picture > /files/a/one && ln -s a/one /files/link")
    assert site.calzion("scale", "shop", "web=2").returncode == 0
    before = environment(site, "shop")

    file = site.root / "shop.calzion"
    exported = site.calzion("export", "shop", str(file))
    assert exported.returncode == 0, exported
    assert "the file holds 1 secrets" in exported.stdout and "s3cret-value" not in exported.stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and [*site.root.glob(".shop*")] == []
    again = site.calzion("export", "shop", str(file))
    assert again.returncode == 4 and "exists already" in again.stderr, again

    moved = other.calzion("import", str(file), "shop")
    assert moved.returncode == 0, moved
    assert "shop: release v1 imports shop v1" in moved.stdout and "shop.localhost" in moved.stdout
    assert "seeds" not in moved.stdout, "a task that was done stays done"
    after = environment(other, "shop")
    assert after["TOKEN"] == before["TOKEN"] and after["KEY"] == before["KEY"]
    assert run(other, "shop:postgres", "psql", "-At", "-c", "select sum(n) from orders") == "500500"
    assert run(other, "shop:redis", "redis-cli", "get", "visits") == "42"
    assert run(other, "shop:web", "cat /files/link; stat -c %U /files/a").startswith("picture")
    assert len(other.json("ps", "shop:web")) == 2
    assert [*(other.data / "imports").iterdir()] == []
    _push_on(other, repository)

    refused = other.calzion("import", str(file), "shop")
    assert refused.returncode == 4 and "there is a deployment shop already" in refused.stderr, refused
    _refuses_half_a_file(other, file.read_bytes())


def _push_on(other: Site, repository: Repository) -> None:
    """The next push finds the commits there, and changes what came."""
    other.calzion("keys", "add", "alice", str(repository.site.root / "alice.pub"), "--allow", "*")
    repository.git("remote", "set-url", "calzion", f"ssh://git@127.0.0.1:{other.ssh}/shop")
    assert repository.remote_ref("shop") == repository.git("rev-parse", "HEAD")
    repository.commit(web("two", template__yaml=TEMPLATE))
    pushed = repository.push("shop")
    assert pushed.status == 0 and "seeds" not in pushed, pushed
    assert json.loads(other.get("shop")[1])["text"] == "two"


def _refuses_half_a_file(other: Site, content: bytes) -> None:
    half = other.root / "half"
    half.write_bytes(content[: len(content) // 2])
    cut = other.calzion("import", str(half), "half")
    assert cut.returncode == 2 and "it is not whole" in cut.stderr, cut
    assert "half" not in [each["name"] for each in other.json("list")]
    assert [*(other.data / "imports").iterdir()] == []


def test_uploaded_code_moves_through_a_pipe_without_secrets(site: Site, other: Site) -> None:
    repository = site.repository("tool", web("tool", template__yaml="web: {git: ., env: {KEY: '${KEY}'}}\n"))
    set_secret(site, "tool", "of the old one")
    template = str(repository.path / "template.yaml")
    deployed = site.calzion("deploy", template, "tool")
    assert deployed.returncode == 0, deployed

    def pipe() -> subprocess.CompletedProcess[bytes]:
        command = [*PROGRAM, "export", "tool", "-", "--without-secrets", "--data", str(site.data)]
        exporting = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        importing = subprocess.run(
            [*PROGRAM, "import", "-", "tool", "--data", str(other.data)],
            stdin=exporting.stdout,
            capture_output=True,
            timeout=DEADLINE,
            check=False,
        )
        assert exporting.stdout is not None
        exporting.stdout.close()
        exporting.wait(DEADLINE)
        return importing

    lacking = pipe()
    assert lacking.returncode == 1 and b"calzion secrets set tool KEY" in lacking.stderr, lacking
    set_secret(other, "tool", "of the new one")
    done = pipe()
    assert done.returncode == 0 and b"go on with 'calzion deploy'" in done.stdout, done
    assert environment(other, "tool")["KEY"] == "of the new one"
