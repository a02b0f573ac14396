from __future__ import annotations

import pytest

from calzion.registryurl import RegistryUrl


def test_the_embedded_one_is_the_default() -> None:
    assert RegistryUrl.parse("embedded") == RegistryUrl()


def test_several_addresses_of_one_cluster() -> None:
    url = RegistryUrl.parse("etcds://ops@one:2379,[::1]:2380/prod")
    assert url == RegistryUrl("etcd", True, "ops", (("one", 2379), ("::1", 2380)), "prod")
    assert RegistryUrl.parse(str(url)) == url
    assert RegistryUrl.parse("etcd://one:2379/").prefix == "calzion"


@pytest.mark.parametrize(
    "text",
    ["", "etcd://", "etcd://one", "etcd://one:0", "etcd://one:99999", "etcd://one:2379,", "http://one:2379"]
    + ["etcd://a:secret@one:2379", "etcd://one:2379/a/b", "etcd2://one:2379", "etcd://one:2379/UP"],
)
def test_anything_else_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="write 'embedded', or") as caught:
        RegistryUrl.parse(text)
    assert "secret" not in str(caught.value)
