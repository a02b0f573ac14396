"""`calzion rollback` on a whole server: back in seconds, and what is kept for it."""

from __future__ import annotations

import json
import subprocess
import time

import pytest

from tests.stories.apps import web
from tests.stories.site import DEADLINE, PROGRAM, Site, eventually

TEMPLATE = "web: {git: ., env: {KEY: '${KEY}'}, release: 'echo the release of $(cat text)'}\ncalzion/redis:\n"
KEPT = 2


@pytest.fixture(scope="module")
def flags() -> tuple[str, ...]:
    return ("--keep-releases", str(KEPT))


def set_secret(site: Site, deployment: str, value: str) -> None:
    command = [*PROGRAM, "--data", str(site.data), "secrets", "set", deployment, "KEY"]
    subprocess.run(command, input=value, text=True, timeout=DEADLINE, check=True, capture_output=True)


def app(text: str) -> dict[str, str]:
    return web(text, template__yaml=TEMPLATE) | {"text": text}


def seen(site: Site, deployment: str) -> tuple[str, str]:
    """What it says, and the secret that it has."""
    status, body = site.get(f"web.{deployment}")
    assert status == 200, body
    answer = json.loads(body)
    return answer["text"], answer["env"]["KEY"]


def slugs(site: Site) -> set[str]:
    """What the slugs in the store say."""
    return {(path / "app" / "text").read_text() for path in (site.data / "slugs").iterdir()}


@pytest.fixture(scope="module")
def shop(site: Site) -> Site:
    """Three releases, each with a text and a secret of its own."""
    repository = site.repository("shop", app("one"))
    for text in ("one", "two", "three"):
        set_secret(site, "shop", f"secret of {text}")
        repository.commit(app(text))
        push = repository.push("shop")
        assert push.status == 0, push
    assert seen(site, "shop") == ("three", "secret of three")
    return site


def test_back_with_code_and_secrets_of_then_in_the_time_that_a_start_takes(shop: Site) -> None:
    pushed = shop.json("releases", "shop")[0]
    redis = [each["instance"] for each in shop.json("ps", "shop") if each["service"] == "redis"]
    began = time.monotonic()
    done = shop.calzion("rollback", "shop")
    took = time.monotonic() - began
    assert done.returncode == 0, done
    assert seen(shop, "shop") == ("two", "secret of two")
    assert "shop: release v4 rolls back to v2" in done.stdout
    assert "Building" not in done.stdout and "the release of" not in done.stdout
    assert "Secrets were set or removed since v2" in done.stdout
    assert "The branch shop stays where it is." in done.stdout
    assert "[KEY]" not in done.stdout and "secret of" not in done.stdout.replace("secrets of", "")
    assert redis == [each["instance"] for each in shop.json("ps", "shop") if each["service"] == "redis"]
    release = shop.json("releases", "shop")[0]
    print(f"rollback {release['seconds']} s ({took:.2f} s with the command), push {pushed['seconds']} s")
    assert release["act"] == "rolls back to v2" and release["changes"][0].startswith("web changed: code")


def test_an_instance_that_dies_comes_back_with_the_secrets_of_its_release(shop: Site) -> None:
    set_secret(shop, "shop", "newer secret")
    (before,) = [each for each in shop.json("ps", "shop") if each["service"] == "web"]
    text, secret = seen(shop, "shop")
    shop.get("web.shop", "/die")
    eventually(lambda: shop.get("web.shop")[0] == 200, "the instance to be there again")
    (after,) = [each for each in shop.json("ps", "shop") if each["service"] == "web"]
    assert after["instance"] == before["instance"]
    assert seen(shop, "shop") == (text, secret) and secret != "newer secret"
    again = shop.calzion("redeploy", "shop")
    assert again.returncode == 0, again
    assert seen(shop, "shop") == (text, "newer secret")


def test_what_is_shown_is_what_can_be_gone_back_to(shop: Site) -> None:
    listed = shop.json("releases", "shop")
    able = [each["version"] for each in listed if each["rollback"]]
    assert len(able) == KEPT and listed[0]["version"] not in able
    table = shop.calzion("releases", "shop").stdout
    assert "BACK" in table.splitlines()[0] and table.count(" yes ") == KEPT
    gone = shop.calzion("rollback", "shop", "v1")
    assert gone.returncode == 3 and "v1 of shop is not kept any more" in gone.stderr, gone
    assert "these can be gone back to: " + ", ".join(f"v{each}" for each in able) in gone.stderr
    assert shop.calzion("rollback", "shop", "v99").returncode == 3
    same = shop.calzion("rollback", "shop", f"v{listed[0]['version']}")
    assert same.returncode == 1 and "nothing to do" in same.stderr
    assert shop.calzion("rollback", "shop", "last").returncode == 2
    assert shop.calzion("rollback", "nothing").returncode == 3
    assert len(shop.json("releases", "shop")) == len(listed), "no release came of it"
    done = shop.calzion("rollback", "shop", f"v{able[-1]}")
    assert done.returncode == 0, done


def test_what_no_kept_release_needs_is_gone_and_goes_with_the_deployment(shop: Site) -> None:
    assert "one" not in slugs(shop)
    other = shop.repository("other", web("other", template__yaml="web: {git: .}\n") | {"text": "other"})
    assert other.push("other").status == 0
    assert "other" in slugs(shop)
    caches = len(list((shop.data / "caches").iterdir()))
    assert shop.calzion("destroy", "other", "--yes").returncode == 0
    assert "other" not in slugs(shop)
    assert len(list((shop.data / "caches").iterdir())) == caches - 1
    stories = sorted(int(path.stem) for path in (shop.data / "releases").rglob("*.jsonl"))
    assert stories and stories[0] > 1
    assert seen(shop, "shop")
