"""Containers, which reach nothing of the machine's loopback interface, find one another as processes do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.apps import asking
from tests.stories.site import Repository, Site, eventually

BACKENDS = ("docker",)


@pytest.fixture(scope="module")
def shop(site: Site) -> Repository:
    repository = site.repository("shop", asking())
    push = repository.push("shop")
    assert push.status == 0, push
    return repository


def told(site: Site, path: str) -> Any:
    status, text = site.get("shop", path)
    assert status == 200, text
    return json.loads(text)


def test_asked_from_inside(site: Site, shop: Repository) -> None:
    assert site.calzion("scale", "shop", "web=2").returncode == 0
    both = [row["instance"] for row in site.json("ps", "shop")]
    found = eventually(lambda: len(each := told(site, "/found")) == 2 and each, "both to be found")
    assert sorted(each["instance"] for each in found) == sorted(both)
    assert [row["instance"] for row in site.json("discover", "shop:web")] == [
        each["instance"] for each in found
    ]


def test_another_deployments_token_is_nobodys(site: Site, shop: Repository) -> None:
    assert told(site, "/refused?shop-2") == 403
    env = {row["name"]: row["value"] for row in site.json("env", "shop:web")}
    assert env["DISCOVERY_URL"] == "http://10.208.0.0" and env["DISCOVERY_TOKEN"] == "[DISCOVERY_TOKEN]"
