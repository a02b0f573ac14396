from __future__ import annotations

import re
from dataclasses import replace

from calzion.model import Endpoint
from calzion.routing.configuration import Frame, Relay, render_configuration, render_map, server_options
from calzion.routing.frontend import IN_SLOT
from calzion.routing.slots import SLOTS
from calzion.routing.state import Placed, RouterState

FRAME = Frame(control=3, http=4, internal=(5, 6), maxconn=1000, threads=2, drop_root=True)
STATE = RouterState(
    pools={
        "web": Placed(slot="http_1", endpoints=(Endpoint("::1", 5000), Endpoint("127.0.0.1", 5001))),
        "tcp": Placed(slot="tcp_0", endpoints=(Endpoint("127.0.0.1", 5002),)),
    },
    routes={"h:b.test": "http_1", "a:127.64.0.1:7077": "tcp_0"},
)


def section(text: str, name: str) -> list[str]:
    match = re.search(rf"^{name}\n((?:  .*\n)*)", text, re.MULTILINE)
    assert match, name
    return [line.strip() for line in match[1].splitlines()]


def test_servers_are_in_their_slots() -> None:
    text = render_configuration(FRAME, STATE)
    web = server_options(http=True)
    assert section(text, "backend http_1") == [
        IN_SLOT.strip(),
        f"server ::1:5000 [::1]:5000 {web}",
        f"server 127.0.0.1:5001 127.0.0.1:5001 {web}",
    ]
    assert section(text, "backend tcp_0") == [
        f"server 127.0.0.1:5002 127.0.0.1:5002 {server_options(http=False)}"
    ]
    assert section(text, "backend http_0") == [IN_SLOT.strip()]


def test_every_slot_is_there() -> None:
    text = render_configuration(FRAME, RouterState())
    assert len(re.findall(r"^backend http_\d+$", text, re.MULTILINE)) == SLOTS
    assert len(re.findall(r"^backend tcp_\d+$", text, re.MULTILINE)) == SLOTS


def test_sockets_are_inherited() -> None:
    text = render_configuration(FRAME, RouterState())
    assert "stats socket fd@3 level admin" in section(text, "global")
    assert "bind fd@4" in section(text, "frontend web")
    assert section(text, "frontend internal")[:2] == ["bind fd@5", "bind fd@6"]


def test_root_is_given_up_where_it_is_held() -> None:
    plain = Frame(control=3, http=4, internal=(), maxconn=1, threads=1, drop_root=False)
    assert {"uid 65534", "gid 65534", "chroot root"} <= set(
        section(render_configuration(FRAME, STATE), "global")
    )
    assert "uid" not in render_configuration(plain, STATE)


def test_a_request_is_never_sent_twice() -> None:
    assert re.findall("retry-on .*", render_configuration(FRAME, STATE)) == ["retry-on conn-failure"]


def test_the_map_is_sorted_lines() -> None:
    assert render_map(STATE.routes) == "a:127.64.0.1:7077 tcp_0\nh:b.test http_1\n"
    assert render_map({}) == ""


def test_containers_ask_for_one_another_by_an_address_of_its_own() -> None:
    relay = Relay(address="10.208.0.0", port=6177)
    text = render_configuration(
        replace(FRAME, containers=9, services="10.208.0.0/16", discovery=relay), STATE
    )
    internal = section(text, "frontend internal")
    asked = internal.index("tcp-request connection accept if { dst 10.208.0.0 } { dst_port 80 }")
    assert asked < internal.index(
        "tcp-request connection reject if !{ var(sess.key),map_str(routes.map) -m found }"
    )
    assert "use_backend discovery if { dst 10.208.0.0 } { dst_port 80 }" in internal
    assert section(text, "backend discovery") == ["server here 127.0.0.1:6177"]
    assert "discovery" not in render_configuration(FRAME, STATE)


def test_other_routers_tell_who_the_client_is_and_clients_do_not() -> None:
    web = section(
        render_configuration(replace(FRAME, trusted=("10.0.0.0/24", "fd00::1/128")), STATE), "frontend web"
    )
    told = "unless trusted { req.hdr(x-forwarded-for) -m found }"
    assert "acl trusted src 10.0.0.0/24 fd00::1/128" in web
    assert f"http-request set-header X-Forwarded-For %[src] {told}" in web
    alone = section(render_configuration(FRAME, STATE), "frontend web")
    assert "http-request set-header X-Forwarded-For %[src]" in alone
