"""`calzion promote` on a whole server: what was tried in staging goes live in production."""

from __future__ import annotations

import json
import subprocess

from tests.stories.apps import web
from tests.stories.site import DEADLINE, PROGRAM, Site

TEMPLATE = """
Generate: {TOKEN: {length: 20}}
web: {git: ., env: {KEY: '${KEY}', TOKEN: '${TOKEN}'}, release: 'echo the release in $DEPLOYMENT'}
Run: {seed: {service: web, cmd: 'echo seeds $DEPLOYMENT'}}
"""


def set_secret(site: Site, deployment: str, value: str) -> None:
    command = [*PROGRAM, "--data", str(site.data), "secrets", "set", deployment, "KEY"]
    subprocess.run(command, input=value, text=True, timeout=DEADLINE, check=True, capture_output=True)


def environment(site: Site, deployment: str) -> dict[str, str]:
    status, body = site.get(deployment)
    assert status == 200, body
    found: dict[str, str] = json.loads(body)["env"]
    return found


def test_the_same_slugs_go_live_with_the_values_of_production(site: Site) -> None:
    repository = site.repository("shop", web("one", template__yaml=TEMPLATE))
    set_secret(site, "shop-staging", "of staging")
    assert repository.push("shop-staging").status == 0
    lacking = site.calzion("promote", "shop-staging", "shop-production")
    assert lacking.returncode == 1 and "calzion secrets set shop-production KEY" in lacking.stderr, lacking
    set_secret(site, "shop-production", "of production")

    plan = site.calzion("promote", "shop-staging", "shop-production", "--plan")
    assert plan.returncode == 10 and "web    added" in plan.stdout, plan
    assert site.json("releases", "shop-production") == [], "a plan makes nothing"

    built = sorted((site.data / "slugs").iterdir())
    done = site.calzion("promote", "shop-staging", "shop-production")
    assert done.returncode == 0, done
    assert "shop-production: release v1 promotes shop-staging v1" in done.stdout
    assert "the release in shop-production" in done.stdout and "seeds shop-production" in done.stdout
    assert "Building" not in done.stdout and sorted((site.data / "slugs").iterdir()) == built
    there, here = environment(site, "shop-production"), environment(site, "shop-staging")
    assert there["KEY"] == "of production" and there["TOKEN"] != here["TOKEN"]

    again = site.calzion("promote", "shop-staging", "shop-production", "--plan")
    assert again.returncode == 0, again
    assert site.calzion("scale", "shop-production", "web=2").returncode == 0
    repository.commit(web("two", template__yaml=TEMPLATE))
    assert repository.push("shop-staging").status == 0
    second = site.calzion("promote", "shop-staging", "shop-production")
    assert second.returncode == 0 and "seeds" not in second.stdout, second
    assert len(site.json("ps", "shop-production")) >= 2 and environment(site, "shop-production") != there
    back = site.calzion("rollback", "shop-production")
    assert back.returncode == 0 and json.loads(site.get("shop-production")[1])["text"] == "one", back
    pushed = repository.push("shop-production")
    assert pushed.status == 0 and json.loads(site.get("shop-production")[1])["text"] == "two", pushed


def test_another_repository_is_refused(site: Site) -> None:
    for name in ("mine", "yours"):
        assert site.repository(name, web(name, template__yaml="web: {git: .}\n")).push(name).status == 0
    refused = site.calzion("promote", "mine", "yours")
    assert refused.returncode == 4, refused
    assert "yours belongs to the repository yours, not to mine" in refused.stderr
    assert json.loads(site.get("yours")[1])["text"] == "yours"
