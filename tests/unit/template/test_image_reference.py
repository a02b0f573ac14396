from __future__ import annotations

import pytest

from calzion.template.image import ImageReference

SHA = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "registry", "path", "tag", "digest"),
    [
        ("redis", "", "redis", "", ""),
        ("redis:7.2-alpine", "", "redis", "7.2-alpine", ""),
        ("mycompany/redis", "", "mycompany/redis", "", ""),
        ("localhost/app", "localhost", "app", "", ""),
        ("localhost:5000/app:v1", "localhost:5000", "app", "v1", ""),
        ("registry.example.com/a/b__c/d-e--f", "registry.example.com", "a/b__c/d-e--f", "", ""),
        ("[::1]:5000/app", "[::1]:5000", "app", "", ""),
        (f"app@{SHA}", "", "app", "", SHA),
        (f"team/app:v1@{SHA}", "", "team/app", "v1", SHA),
    ],
)
def test_references(text: str, registry: str, path: str, tag: str, digest: str) -> None:
    reference = ImageReference.parse(text)
    assert reference == ImageReference(registry=registry, path=path, tag=tag, digest=digest)
    assert str(reference) == text
    assert reference.name == path.split("/")[-1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Redis",
        "a/B",
        "a//b",
        "/a",
        "a/",
        "a b",
        "a:",
        "a:b c",
        "a:.x",
        "a@",
        "a@sha256:12",
        "-a",
        "a-",
        "a___b",
        "a..b",
        "host_x:1/a",
        "host:port/a",
        "ä",
        "a\n",
        "a:b\n",
        "x" * 256,
        "a:" + "t" * 129,
        "${A}",
    ],
)
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(ValueError, match="is no image reference"):
        ImageReference.parse(text)


def test_the_repository_has_no_tag_and_digest() -> None:
    assert ImageReference.parse("localhost:5000/a/b:1").repository == "localhost:5000/a/b"
