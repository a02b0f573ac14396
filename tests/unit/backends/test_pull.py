"""What an engine says of a pull, as people read it."""

from __future__ import annotations

import pytest

from calzion.backends.docker.progress import PullProgress
from calzion.backends.docker.refusal import refusal
from calzion.template.image import ImageReference

MB = 1_000_000


def downloading(layer: str, current: int, total: int) -> dict[str, object]:
    return {"status": "Downloading", "id": layer, "progressDetail": {"current": current, "total": total}}


def test_all_layers_count_together() -> None:
    progress = PullProgress(0.0)
    assert progress.take(downloading("a", 1 * MB, 30 * MB), 0.5) == ""
    assert progress.take(downloading("b", 9 * MB, 10 * MB), 1.2) == "10 of 40 MB"
    assert progress.take({"status": "Download complete", "id": "a"}, 2.5) == "39 of 40 MB"


def test_a_slow_download_is_told_of_seldom_and_a_fast_one_once_a_second() -> None:
    progress = PullProgress(0.0)
    lines = [progress.take(downloading("a", step * MB, 1000 * MB), step * 0.1) for step in range(1000)]
    assert 8 <= len([line for line in lines if line]) <= 20
    fast = PullProgress(0.0)
    lines = [fast.take(downloading("a", step * MB, 100 * MB), step * 0.1) for step in range(100)]
    assert len([line for line in lines if line]) == 9


@pytest.mark.parametrize(
    "event", [{}, {"status": "Pulling fs layer", "progressDetail": {}, "id": "a"}, {"status": "Digest: x"}]
)
def test_what_says_nothing_of_bytes_is_no_line(event: dict[str, object]) -> None:
    assert PullProgress(0.0).take(event, 60.0) == ""


@pytest.mark.parametrize(
    ("said", "why", "hint"),
    [
        ("no basic auth credentials", "wants credentials", "registries add registry.example.com --user NAME"),
        ("pull access denied for x, repository does not exist", "or wants credentials", "registries add"),
        ("manifest unknown: manifest unknown", "registry.example.com has no such image", "name and tag"),
        ("no matching manifest for linux/arm64/v8 in the list", "architecture", "made for it"),
        ("dial tcp 192.0.2.1:443: i/o timeout", "can't be reached", "reaches it"),
        ("dial tcp: lookup x on 192.0.2.1:53: no such host", "can't be reached", "reaches it"),
        ("http: server gave HTTP response to HTTPS client", "does not speak HTTPS", "insecure-registries"),
        ("x509: certificate signed by unknown authority", "certificate of registry.example.com", "certs.d"),
        ("write /x: no space left on device", "the engine's disk is full", "docker system df"),
        ("something new", "something new", "calzion doctor"),
    ],
)
def test_why_an_image_is_not_there(said: str, why: str, hint: str) -> None:
    reference = ImageReference.parse("registry.example.com/app:1")
    error = refusal(reference, said, with_login=False)
    assert error.message.startswith("registry.example.com/app:1 can't be pulled: ") and why in error.message
    assert hint in error.hint and error.code == "build"
