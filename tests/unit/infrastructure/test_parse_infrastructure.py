"""Every mistake of an infrastructure file at once, with its place."""

from __future__ import annotations

import pytest

from calzion.errors import CalzionError
from calzion.infrastructure import Declaration, Domain, Target, Unit, parse_infrastructure
from calzion.model import DeploymentName, Limits, ServiceName

WHOLE = b"""
Scale:
  shop: {web-app: 3, web-app.worker: 0}
Limits:
  shop:
    web-app: {memory: 1.5G, cpus: 0.5}
    web-app.worker: {pids: 100}
"""


def mistakes(text: bytes) -> list[str]:
    with pytest.raises(CalzionError) as caught:
        parse_infrastructure(text, "i.yaml")
    return list(caught.value.detail)


def test_a_file_is_read_and_survives_its_json() -> None:
    declared = parse_infrastructure(WHOLE)
    name, service = DeploymentName("shop"), ServiceName("web-app")
    assert declared.scale == {name: {Unit(service): 3, Unit(service, "worker"): 0}}
    worker = Limits(memory=3 << 29, cpus=0.5, processes=100)
    assert declared.limits_of("shop", "web-app", "worker") == worker
    assert declared.limits_of("shop", "web-app", "web") == Limits(memory=3 << 29, cpus=0.5)
    assert declared.limits_of("other", "web-app", "web") == Limits()
    assert Declaration.of(declared.to_data()) == declared
    assert parse_infrastructure(b"") == parse_infrastructure(b"Scale:\n") == Declaration()


def test_every_mistake_is_told_with_its_place() -> None:
    text = b"""Scale: {Shop: {a: 1}, shop: {a: 101, "a..b": 1}}
Limits:
  shop: {a: {memory: 5M, cpus: 0, pids: 1, memroy: 1G}}
Scales: {}
"""
    found = mistakes(text)
    assert [line.split(" ")[0] for line in found] == [
        "i.yaml:1:9:",
        "i.yaml:1:33:",
        "i.yaml:1:38:",
        "i.yaml:3:22:",
        "i.yaml:3:32:",
        "i.yaml:3:41:",
        "i.yaml:3:44:",
        "i.yaml:4:1:",
    ]
    assert "did you mean 'memory'?" in found[-2] and "did you mean 'Scale'?" in found[-1]


@pytest.mark.parametrize("text", [b"- a", b"a", b"Scale: [", b"\xff", b"Scale: 1", b"Limits: {a: {b: 3}}"])
def test_what_is_no_such_file_is_refused_with_a_sentence(text: bytes) -> None:
    assert mistakes(text)


HASH = f"$2b$12${'a' * 53}"
DOMAINS = f"""
Domains:
  example.com: shop:web
  "*.example.com":
    http: shop:web
    paths: {{/api/: shop:api}}
    auth: {{alice: {HASH}}}
    sticky: true
  old.example.com: {{redirect: https://EXAMPLE.com:8443/shop/}}
"""


def test_domains_are_read_and_survive_their_json() -> None:
    declared = parse_infrastructure(DOMAINS.encode())
    web, api = (Target(DeploymentName("shop"), ServiceName(name)) for name in ("web", "api"))
    assert declared.domains == {
        "example.com": Domain(paths={"/": web}),
        "*.example.com": Domain(paths={"/": web, "/api": api}, auth={"alice": HASH}, sticky=True),
        "old.example.com": Domain(redirect="https://example.com:8443/shop"),
    }
    assert Declaration.of(declared.to_data()) == declared
    assert HASH not in repr(declared) + str(declared.domains["*.example.com"])
    shown = "leads to shop:web, shop:api at /api; passwords of alice; sticky"
    assert str(declared.domains["*.example.com"]) == shown


def test_ports_are_read_and_survive_their_json() -> None:
    declared = parse_infrastructure(b"Ports: {':5433': shop:db}")
    assert declared.ports == {5433: Target(DeploymentName("shop"), ServiceName("db"))}
    assert Declaration.of(declared.to_data()) == declared
    found = mistakes(b"Ports:\n  ':0': shop:db\n  5433: shop:db\n  ':70000': shop:db\n  ':5433': db\n")
    assert [line.split(":")[1] for line in found] == ["2", "3", "4", "5"]


def test_every_mistake_of_domains_is_told_with_its_place() -> None:
    text = b"""Domains:
  Example.com: shop:web
  a.test: shop
  b.test: {paths: {/a: shop:web, /b: other:web}}
  c.test: {redirect: "https://d.test", sticky: true}
  d.test: {redirect: "ftp://x"}
  e.test: {}
  f.test: {http: "shop:web", paths: {api: "shop:web", "/../x": "shop:web"}}
  g.test: {http: "shop:web", auth: {alice: hunter2}}
  h.test: {http: "shop:web", auth: {"a:b": x}, stiky: true}
  "*.*.test": shop:web
  i.test: {redirect: "https://i.test"}
  a.test: shop:web
"""
    found = mistakes(text)
    places = [tuple(map(int, line.split(":")[1:3])) for line in found]
    assert places == sorted(places)
    assert {line for line, _ in places} == {*range(2, 14)}
    told = "\n".join(found)
    assert "hunter2" not in told and "calzion domains password" in told
    assert "did you mean 'sticky'?" in told and "one domain belongs to one deployment" in told
