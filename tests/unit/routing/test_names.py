from __future__ import annotations

import pytest

from calzion.infrastructure import Domain, Target
from calzion.model import DeploymentName, Endpoint, ServiceName
from calzion.routing.names import domain_entries
from calzion.routing.slots import place
from calzion.routing.state import RouterState
from calzion.routing.table import Pool, RouteTable

WEB = Target(DeploymentName("shop"), ServiceName("web"))
API = Target(DeploymentName("shop"), ServiceName("api"))


def test_a_domain_is_its_rules_and_where_each_prefix_leads() -> None:
    domains = {
        "example.com": Domain(paths={"/": WEB, "/api": API}, auth={"a": "$2b$"}, sticky=True),
        "*.example.com": Domain(redirect="https://example.com"),
    }
    assert domain_entries(domains) == {
        "n:example.com": "auth,sticky",
        "p:example.com/": "r:shop:web",
        "p:example.com/api/": "r:shop:api",
        "n:*.example.com": "-",
        "p:*.example.com/": "https://example.com",
    }


@pytest.mark.parametrize(
    "domains",
    [
        {"no host": Domain(paths={"/": WEB})},
        {"*.*.test": Domain(paths={"/": WEB})},
        {"example.com": Domain(paths={"/a b": WEB})},
        {"example.com": Domain(paths={"a\n": WEB})},
        {"example.com": Domain(redirect="https://x test")},
        {"example.com": Domain(redirect="javascript:x")},
    ],
)
def test_what_would_be_a_command_is_refused(domains: dict[str, Domain]) -> None:
    with pytest.raises(ValueError, match="that the router can"):
        domain_entries(domains)


def test_only_instances_behind_sticky_domains_have_tokens() -> None:
    here = Endpoint("127.0.0.1", 5001)
    pools = {name: Pool(name=name, endpoints=(here,)) for name in ("w", "a")}
    table = RouteTable(
        pools=pools,
        services={WEB: "w", API: "a"},
        domains={
            "s.test": Domain(paths={"/": WEB}, sticky=True, auth={"a": "$2b$"}),
            "t.test": Domain(paths={"/": API}),
            "u.test": Domain(paths={"/": Target(DeploymentName("none"), ServiceName("web"))}, sticky=True),
        },
    )
    state = place(RouterState(), table, ())
    (token,) = (value for key, value in state.routes.items() if key.startswith("t:"))
    assert state.routes == {
        "r:shop:web": "http_0",
        "r:shop:api": "http_1",
        "t:http_0:127.0.0.1:5001": token,
        f"s:http_0:{token}": "127.0.0.1:5001",
    }
    assert state.passwords == {"s.test": {"a": "$2b$"}}
    assert RouterState.from_json(state.to_json()) == state
    assert place(state, table, ()) == state
