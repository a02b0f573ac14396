from __future__ import annotations

import ipaddress

from calzion.backends.docker.addresses import AddressPlan

NET = ipaddress.IPv4Network


def test_services_and_networks_do_not_meet() -> None:
    plan = AddressPlan(NET("10.208.0.0/12"))
    assert plan.services == NET("10.208.0.0/16")
    networks = list(plan.networks())
    assert networks[0] == NET("10.209.0.0/24") and networks[-1] == NET("10.223.255.0/24")
    assert len(networks) == len({plan.number(each) for each in networks}) == 15 * 256


def test_taken_networks_are_passed_over() -> None:
    plan = AddressPlan(NET("10.208.0.0/12"))
    taken = [NET("10.209.0.0/24"), NET("10.209.1.128/25"), NET("192.168.0.0/16")]
    assert next(plan.free(taken)) == NET("10.209.2.0/24")
    assert next(plan.free([NET("10.0.0.0/8")]), None) is None
