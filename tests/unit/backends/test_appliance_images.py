from __future__ import annotations

import pytest

from calzion.backends.appliance import resolve
from calzion.errors import CalzionError

VERSIONS = {"redis": "7.2.4", "postgres": "18.6"}


@pytest.mark.parametrize(
    ("image", "appliance"),
    [
        ("redis", "redis"),
        ("mycompany/redis", "redis"),
        ("calzion/postgres", "postgres"),
        ("host.example:5000/a/b/postgres", "postgres"),
        ("redis:7", "redis"),
        ("redis:7.0-alpine", "redis"),
        ("library/postgres:18.1", "postgres"),
    ],
)
def test_images_that_appliances_serve(image: str, appliance: str) -> None:
    assert resolve(image, VERSIONS) == appliance


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ("redis:6", "there is redis 7.2.4"),
        ("redis:70", "there is redis 7.2.4"),
        ("redis:latest", "there is redis 7.2.4"),
        ("redis@sha256:abc", "there is redis 7.2.4"),
        ("redis:7@sha256:abc", "there is redis 7.2.4"),
        ("postgres:17", "there is postgres 18.6"),
        ("redis-stack", "redis-stack needs a container engine"),
        ("mycompany/redis/other", "needs a container engine"),
    ],
)
def test_images_that_need_a_container_engine(image: str, says: str) -> None:
    with pytest.raises(CalzionError, match=says) as caught:
        resolve(image, VERSIONS)
    assert caught.value.code == "unsupported" and "calzion doctor" in caught.value.hint


def test_a_machine_without_the_server() -> None:
    with pytest.raises(CalzionError, match="no redis server"):
        resolve("redis", {})
