"""Services of images that others made, from a private registry, on the Docker backend."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest
from docker.api.client import APIClient

from calzion.backends.docker.engine import Engine
from calzion.layout import Layout
from tests.containers import need_images
from tests.registry import Registry, in_the_engine, tiny
from tests.stories.site import PROGRAM, Repository, Site, eventually

PASSWORD = "correct horse battery"
SERVES = ('CMD ["httpd", "-f", "-p", "8000", "-h", "/www"]', "EXPOSE 8000")
QUEUE = ('CMD ["httpd", "-f", "-p", "5672", "-h", "/www"]', "EXPOSE 4369 5672 27017", "VOLUME /var/lib/queue")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    need_images()
    registry = Registry(tmp_path_factory.mktemp("registry"), {"ci": PASSWORD})
    registry.start()
    yield registry
    registry.stop()


@pytest.fixture(scope="module")
def site(registry: Registry) -> Iterator[Site]:
    site = Site("docker")
    try:
        site.start("--boot-timeout", "20")
        assert (
            site.calzion("keys", "add", "alice", str(site.root / "alice.pub"), "--allow", "*").returncode == 0
        )
        yield site
    finally:
        engine = Engine(Layout(site.data), os.environ)
        pulled = engine.api.images(filters={"reference": f"calzion/pulled-{engine.installation}"})
        site.close()
        for image in pulled:
            engine.api.remove_image(image["Id"], force=True)
        engine.close()


@pytest.fixture(scope="module")
def api() -> APIClient:
    need_images()
    return APIClient()


def set_login(site: Site, host: str, password: str) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, "registries", "add", host, "--user", "ci", "--data", str(site.data)]
    return subprocess.run(command, input=password + "\n", capture_output=True, text=True, check=False)


def run(site: Site, target: str, command: str) -> str:
    words = [*PROGRAM, "run", "--data", str(site.data), target, "--", command]
    result = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert result.returncode == 0, result.stderr
    return result.stdout


def push_image(registry: Registry, api: APIClient, name: str, mark: str, *changes: str) -> str:
    return registry.push(api, name, tiny({"www/index.html": mark}), *changes)


def containers(api: APIClient, deployment: str, service: str) -> list[dict[str, object]]:
    labels = [f"calzion.deployment={deployment}", f"calzion.service={service}"]
    return list(api.containers(filters={"label": labels}))


def test_a_template_of_images(site: Site, registry: Registry, api: APIClient) -> None:
    page = push_image(registry, api, "mycompany/page:1", "page one", *SERVES)
    push_image(registry, api, "mycompany/queue:1", "queue one", *QUEUE)
    template = f"""
page: {{image: '{registry.name("mycompany/page:1")}', healthcheck: /}}
queue: {{image: '{registry.name("mycompany/queue:1")}', labels: {{team: ours, calzion.service: x}}}}
"""
    repository = site.repository("shop", {"template.yaml": template})

    refused = repository.push("shop")
    assert refused.status and f"calzion registries add {registry.host} --user NAME" in refused
    added = set_login(site, registry.host, PASSWORD)
    assert added.stdout == f"images of {registry.host} are pulled as ci\n", added.stderr
    assert [each["user"] for each in site.json("registries", "list")] == ["ci"]

    pushed = repository.push("shop")
    assert pushed.status == 0, pushed
    assert f"-----> Pulling {registry.name('mycompany/page:1')}" in pushed
    assert f"{registry.name('mycompany/page')}@sha256:" in pushed
    assert "queue: what it writes to /var/lib/queue is lost with each release" in pushed
    assert "'volumes: {data: /var/lib/queue}'" in pushed
    assert "QUEUE_PORT gives 5672" in pushed
    assert PASSWORD not in pushed.text
    assert site.get("shop") == (200, "page one")

    ask = "wget -q -O - http://queue:5672/; wget -q -O - http://$QUEUE_ADDR/; echo $QUEUE_PORT_27017"
    assert run(site, "shop:page", ask) == "queue onequeue one27017\n"

    (container,) = containers(api, "shop", "queue")
    labels = container["Labels"]
    assert isinstance(labels, dict)
    assert (labels["team"], labels["calzion.service"]) == ("ours", "queue")
    config = api.inspect_container(str(container["Id"]))["HostConfig"]
    assert not config["Privileged"] and config["CapDrop"] == ["ALL"]

    check_pins(site, registry, api, repository, page)


def check_pins(site: Site, registry: Registry, api: APIClient, repository: Repository, first: str) -> None:
    """A tag that moves changes nothing, until it is asked for; a rollback brings back what was."""
    second = push_image(registry, api, "mycompany/page:1", "page two", *SERVES)
    repository.commit({"README": "more"})
    pushed = repository.push("shop")
    assert pushed.status == 0 and "Nothing has changed" in pushed and "Pulling" not in pushed, pushed
    assert site.calzion("plan", str(repository.path / "template.yaml"), "shop").returncode == 0

    rebuilt = site.calzion("redeploy", "shop", "--rebuild")
    assert rebuilt.returncode == 0 and "page    changed: image" in rebuilt.stdout + rebuilt.stderr
    assert site.get("shop") == (200, "page two")
    back = site.calzion("rollback", "shop")
    assert back.returncode == 0, back.stderr
    assert site.get("shop") == (200, "page one")
    assert site.calzion("promote", "shop", "shop3").returncode == 0
    assert site.get("page.shop3") == (200, "page one")
    assert in_the_engine(api, first) and in_the_engine(api, second)


def test_what_was_removed_by_hand_comes_back(site: Site, registry: Registry, api: APIClient) -> None:
    image = push_image(registry, api, "mycompany/lost:1", "still here", *SERVES)
    set_login(site, registry.host, PASSWORD)
    template = f"lost: {{image: '{registry.name('mycompany/lost:1')}', healthcheck: /}}"
    assert site.repository("lost", {"template.yaml": template}).push("lost").status == 0
    (container,) = containers(api, "lost", "lost")
    api.remove_container(str(container["Id"]), force=True)
    api.remove_image(image, force=True)
    eventually(lambda: containers(api, "lost", "lost"), "it runs again")
    assert in_the_engine(api, image)


def test_data_in_a_volume_stays_and_a_command_says_that_it_is_well(
    site: Site, registry: Registry, api: APIClient
) -> None:
    set_login(site, registry.host, PASSWORD)
    start = "#!/bin/sh\necho x >> /data/starts\ntouch /ready\nexec sleep 1000\n"
    name = "mycompany/store:1"
    content = tiny({"start": start, "data/seed": "from the image"})
    registry.push(api, name, content, 'CMD ["/start"]', "VOLUME /data")
    text = f"""
store:
  image: '{registry.name(name)}'
  ports: []
  volumes: {{data: /data}}
  env: {{MARK: MARKED}}
  healthcheck: {{cmd: test -e /ready, timeout: 2s}}
"""
    repository = site.repository("store", {"template.yaml": text.replace("MARKED", "1")})
    pushed = repository.push("store")
    assert pushed.status == 0 and "is lost" not in pushed and "PORT" not in pushed, pushed
    repository.commit({"template.yaml": text.replace("MARKED", "2")})
    assert repository.push("store").status == 0
    assert run(site, "store:store", "cat /data/starts /data/seed") == "x\nx\nfrom the image"

    hangs = text.replace("test -e /ready, timeout: 2s", "sleep 100, timeout: 500ms, grace: 1s")
    repository.commit({"template.yaml": hangs})
    failed = repository.push("store")
    assert failed.status and "the health command ended with killed by SIGKILL" in failed, failed


def test_privileges_need_the_servers_word(site: Site, registry: Registry) -> None:
    template = f"tool: {{image: '{registry.name('mycompany/page:1')}', privileged: true}}"
    refused = site.repository("tool", {"template.yaml": template}).push("tool")
    assert refused.status and "allow-privileged" in refused, refused
    assert "Pulling" not in refused


def test_no_place_of_the_machine_can_be_named(site: Site, registry: Registry) -> None:
    for volumes in ("{/etc: /data}", "['/etc:/data']", "{'../x': /data}"):
        template = f"tool: {{image: '{registry.name('mycompany/page:1')}', volumes: {volumes}}}"
        refused = site.repository("mounts", {"template.yaml": template}).push("mounts")
        assert refused.status and "template.yaml" in refused, refused


def test_credentials_are_forgotten_and_never_shown(site: Site, registry: Registry) -> None:
    set_login(site, registry.host, PASSWORD)
    shown = site.calzion("registries", "list")
    assert registry.host in shown.stdout and PASSWORD not in shown.stdout + shown.stderr
    assert site.calzion("registries", "remove", registry.host).returncode == 0
    assert site.calzion("registries", "remove", registry.host).returncode == 3
    kept = [
        path for path in site.data.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()
    ]
    assert kept == []


def test_what_can_be_no_registry(site: Site) -> None:
    for host in ("no registry", "a/../b", ""):
        assert set_login(site, host, PASSWORD).returncode == 2
    assert set_login(site, "registry.example.com", "").returncode == 2
