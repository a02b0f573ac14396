from __future__ import annotations

import pytest

from calzion.controller.secret import check_secret, users
from calzion.errors import CalzionError
from calzion.model import Pairs, ServiceDefinition, ServiceName


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("A-B", "x", "can't be the name of a secret"),
        ("", "x", "can't be the name of a secret"),
        ("1A", "x", "can't be the name of a secret"),
        ("A" * 256, "x", "can't be the name of a secret"),
        ("DEPLOYMENT", "x", "gives itself"),
        ("KEY", "", "is empty"),
        ("KEY", None, "is no text"),
        ("KEY", "a\0b", "NUL"),
        ("KEY", "\ud800", "UTF-8"),
        ("KEY", "ä" * 64_001, "longer than 128000 bytes"),
    ],
)
def test_what_can_be_no_secret(name: str, value: object, words: str) -> None:
    with pytest.raises(CalzionError) as caught:
        check_secret(name, value)
    assert words in caught.value.message and caught.value.code == "usage"
    assert check_secret("_KEY_2", "two\nlines\n") == "two\nlines\n"


def test_who_uses_it_also_by_way_of_env() -> None:
    def service(name: str, env: Pairs) -> ServiceDefinition:
        return ServiceDefinition(name=ServiceName(name), git=".", env=env)

    env = (("URL", "https://${HOST}"), ("HOST", "${KEY}.example"), ("OTHER", "$${KEY}"))
    services = [
        service("direct", (("A", "x${KEY}"),)),
        service("by-env", (("A", "${URL}"),)),
        service("literal", (("A", "$${KEY} ${OTHER}"),)),
    ]
    reads = (("POSTGRES_DB", "${KEY}"), ("URL", "${URL}"))
    database = ServiceDefinition(name=ServiceName("db"), image="calzion/postgres", env=reads)
    cache = ServiceDefinition(name=ServiceName("cache"), image="redis:7", env=reads)
    assert users("KEY", env, [database, cache]) == ["db"]
    assert users("KEY", env, services) == ["direct", "by-env"]
    assert users("NOBODY", env, services) == []
