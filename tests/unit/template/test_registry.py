from __future__ import annotations

import pytest

from calzion.template.image import ImageReference
from calzion.template.registry import parse_registry, registry_of


@pytest.mark.parametrize(
    ("reference", "host"),
    [
        ("rabbitmq:3", "docker.io"),
        ("mycompany/app", "docker.io"),
        ("index.docker.io/library/redis", "docker.io"),
        ("registry.example.com/app:1", "registry.example.com"),
        ("Registry.Example.com:5000/app", "registry.example.com:5000"),
        ("localhost/app", "localhost"),
    ],
)
def test_where_an_image_comes_from(reference: str, host: str) -> None:
    assert registry_of(ImageReference.parse(reference)) == host


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("docker.io", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        (" registry.example.com ", "registry.example.com"),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
    ],
)
def test_what_an_administrator_writes(text: str, host: str) -> None:
    assert parse_registry(text) == host


@pytest.mark.parametrize("text", ["", "registry", "a b.com", "user@example.com", "../x.com", "x.com:port"])
def test_what_is_no_registry(text: str) -> None:
    with pytest.raises(ValueError, match="no"):
        parse_registry(text)
