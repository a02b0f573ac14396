"""An engine that sees none of our files: slugs, names and what builds make are copied to it and back."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from calzion.backends.docker.labels import TREE
from tests.containers import need_images
from tests.needed import needed
from tests.stories.apps import web
from tests.stories.hidden import HiddenSite
from tests.stories.site import Repository, eventually

TEMPLATE = "calzion/redis:\nweb:\n  git: .\n  healthcheck: {grace: 20}\n  release: cat said\n"
SAYS = {
    "requirements.txt": "six==1.17.0\n",
    "said": "released\n",
    "look.py": "import six, socket; open('mine', 'w'); print(six.__version__, socket.gethostbyname('redis'))",
}


@pytest.fixture(scope="module")
def hidden() -> Iterator[HiddenSite]:
    needed("" if os.geteuid() == 0 else "only root can make a mount namespace")
    need_images()
    site = HiddenSite()
    try:
        site.start()
        added = site.calzion("keys", "add", "alice", str(site.root / "alice.pub"), "--allow", "*")
        assert added.returncode == 0, added.stderr
        yield site
    finally:
        site.close()


@pytest.fixture(scope="module")
def shop(hidden: HiddenSite) -> Repository:
    repository = hidden.repository("shop", {**web("one"), **SAYS, "template.yaml": TEMPLATE})
    push = repository.push("shop")
    assert push.status == 0, push
    assert "released" in push
    assert text(hidden) == "one"
    return repository


def text(site: HiddenSite) -> str:
    status, body = site.get("shop")
    return str(json.loads(body)["text"]) if status == 200 else f"{status} {body}"


def engine(*arguments: str) -> list[str]:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()


def of(site: HiddenSite, *labels: str) -> list[str]:
    """An engine's filter for what this installation made."""
    installation = site.read("installation").strip()
    wanted = (f"calzion.installation={installation}", *labels)
    return [word for label in wanted for word in ("--filter", f"label={label}")]


def test_tasks_see_what_a_slug_needs(hidden: HiddenSite, shop: Repository) -> None:
    assert shop
    ran = hidden.calzion("run", "shop", "--", "python", "look.py")
    assert ran.returncode == 0, ran.stderr
    version, address = ran.stdout.split()
    assert version == "1.17.0"
    assert address in hidden.read("run/hosts/shop")
    assert "does not see Calzion's files" in hidden.calzion("doctor").stdout


def test_the_next_release_and_the_way_back(hidden: HiddenSite, shop: Repository) -> None:
    (redis,) = engine("ps", "--quiet", *of(hidden, "calzion.service=redis"))
    added = f"{TEMPLATE}cache:\n  image: calzion/redis\n"
    shop.commit({"server.py": web("two")["server.py"], "template.yaml": added})
    push = shop.push("shop")
    assert push.status == 0, push
    assert text(hidden) == "two"
    assert "cache" in engine("exec", redis, "cat", "/etc/hosts")
    assert len(engine("volume", "ls", "--quiet", *of(hidden, TREE))) == 2
    back = hidden.calzion("rollback", "shop")
    assert back.returncode == 0, back.stderr
    assert text(hidden) == "one"


def test_nothing_stays_in_the_engine(hidden: HiddenSite, shop: Repository) -> None:
    assert shop
    destroyed = hidden.calzion("destroy", "shop", "--yes")
    assert destroyed.returncode == 0, destroyed.stderr
    eventually(lambda: not engine("volume", "ls", "--quiet", *of(hidden)), "every volume to be gone")
    assert not engine("ps", "--all", "--quiet", *of(hidden))
