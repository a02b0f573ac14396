from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calzion.errors import CalzionError
from calzion.model import Endpoint
from calzion.routing.names import address_key, host_key
from calzion.routing.slots import (
    SLOTS,
    Difference,
    Server,
    difference,
    is_http,
    place,
    without,
)
from calzion.routing.state import Placed, RouterState
from calzion.routing.table import Pool, RouteTable

ONE, TWO = Endpoint("127.0.0.1", 5001), Endpoint("127.0.0.1", 5002)


def table(**pools: tuple[Endpoint, ...]) -> RouteTable:
    """Every pool answers to the host of its name."""
    return RouteTable(
        hosts={f"{name}.test": name for name in pools},
        pools={name: Pool(name=name, endpoints=endpoints) for name, endpoints in pools.items()},
    )


def test_each_kind_of_pool_gets_a_slot_of_its_kind() -> None:
    wanted = RouteTable(
        hosts={"a.test": "web"},
        addresses={Endpoint("127.64.0.1", 7077): "tcp"},
        pools={
            "web": Pool(name="web", endpoints=(ONE,)),
            "tcp": Pool(name="tcp", endpoints=(TWO,), http=False),
        },
    )
    assert place(RouterState(), wanted, ()) == RouterState(
        pools={
            "web": Placed(slot="http_0", endpoints=(ONE,)),
            "tcp": Placed(slot="tcp_0", endpoints=(TWO,)),
        },
        routes={"h:a.test": "http_0", "a:127.64.0.1:7077": "tcp_0"},
    )


def test_a_pool_stays_in_its_slot_and_an_old_one_keeps_its_own() -> None:
    before = place(RouterState(), table(v1=(ONE,)), ())
    after = place(before, table(v2=(TWO,)), ())
    assert {name: placed.slot for name, placed in after.pools.items()} == {"v1": "http_0", "v2": "http_1"}
    assert after.routes == {"h:v2.test": "http_1"}
    assert place(after, table(v2=(TWO,)), ()) == after


def test_a_slot_is_given_again_only_after_its_pool_is_gone() -> None:
    state = place(place(RouterState(), table(v1=()), ()), table(v2=()), ())
    assert place(without(state, "v1"), table(v2=(), v3=()), ()).pools["v3"].slot == "http_0"


def test_occupied_slots_are_left_alone() -> None:
    assert place(RouterState(), table(v1=()), {"http_0", "http_1"}).pools["v1"].slot == "http_2"


def test_no_slot_left() -> None:
    full = table(**{f"p{number}": () for number in range(SLOTS)})
    state = place(RouterState(), full, ())
    with pytest.raises(CalzionError, match="no place for one-more") as caught:
        place(state, table(**{"one-more": ()}), ())
    assert "drained" in caught.value.hint


def test_a_pool_does_not_change_its_kind() -> None:
    state = place(RouterState(), table(p=()), ())
    with pytest.raises(ValueError, match="changed between HTTP and TCP"):
        place(state, RouteTable(pools={"p": Pool(name="p", endpoints=(), http=False)}), ())


@pytest.mark.parametrize(
    "host", ["", "A.test", "a test", "a\n", "a;b", "-a", "a.", "a" * 254, "a/b", "h:a", "ä.test"]
)
def test_hosts_that_would_be_commands_are_refused(host: str) -> None:
    with pytest.raises(ValueError, match="no host name"):
        host_key(host)


def test_keys() -> None:
    assert host_key("web.my-app.localhost") == "h:web.my-app.localhost"
    assert address_key(Endpoint("127.64.0.1", 7077)) == "a:127.64.0.1:7077"
    with pytest.raises(ValueError, match="127"):
        address_key(Endpoint("127.64.0.1; show info", 7077))


@pytest.mark.parametrize(
    ("endpoint", "name", "address"),
    [
        (Endpoint("127.0.0.1", 80), "127.0.0.1:80", "127.0.0.1:80"),
        (Endpoint("::1", 80), "::1:80", "[::1]:80"),
        (Endpoint("0:0:0:0:0:0:0:1", 80), "::1:80", "[::1]:80"),
    ],
)
def test_servers_are_named_for_their_endpoint(endpoint: Endpoint, name: str, address: str) -> None:
    server = Server.of("http_3", endpoint)
    assert (server.name, server.address, server.path) == (name, address, f"http_3/{name}")


def test_a_server_needs_an_address() -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        Server.of("http_0", Endpoint("evil.test", 80))
    with pytest.raises(ValueError, match="does not appear to be"):
        place(RouterState(), table(p=(Endpoint("evil.test", 80),)), ())


def test_difference() -> None:
    state = place(RouterState(), table(p=(ONE, TWO)), ())
    observed = {"http_0": {"127.0.0.1:5002": False, "127.0.0.1:9": True}, "http_4": {"127.0.0.1:5001": True}}
    assert difference(state, observed) == Difference(
        add=(Server.of("http_0", ONE),),
        revive=(Server.of("http_0", TWO),),
        remove=(Server("http_0", "127.0.0.1:9"), Server.of("http_4", ONE)),
    )


names = st.sampled_from([f"p{number}" for number in range(6)])
tables = st.dictionaries(names, st.sets(st.sampled_from([ONE, TWO])).map(tuple)).map(
    lambda pools: table(**pools)
)


@given(st.lists(st.one_of(tables, names), max_size=12), st.sets(st.sampled_from(["http_0", "http_1"])))
def test_no_two_pools_share_a_slot_whatever_happens(
    steps: list[RouteTable | str], occupied: set[str]
) -> None:
    state = RouterState()
    for step in steps:
        if isinstance(step, str):
            if state.pools.get(step) and state.pools[step].slot not in state.routes.values():
                state = without(state, step)
            continue
        before, state = state, place(state, step, occupied)
        slots = [placed.slot for placed in state.pools.values()]
        assert len(set(slots)) == len(slots)
        assert not occupied & set(slots)
        assert all(is_http(slot) for slot in slots)
        assert all(state.pools[name].slot == placed.slot for name, placed in before.pools.items())
        observed = {
            placed.slot: {Server.of(placed.slot, end).name: True for end in placed.endpoints}
            for placed in state.pools.values()
        }
        assert difference(state, observed) == Difference()
