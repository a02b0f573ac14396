"""Who is registered: those that should be, as far as they are up."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable
from pathlib import Path

from calzion.discovery.embedded import EmbeddedRegistry
from calzion.discovery.listening import Listening
from calzion.discovery.orders import Announcer, Orders
from calzion.discovery.publisher import Publisher
from calzion.discovery.registrar import Registrar, TroubleFile
from calzion.discovery.registration import Registration, Selection
from calzion.errors import CalzionError
from calzion.model import Endpoint
from tests.contract.registry_stage import web


class Full(EmbeddedRegistry):
    """Takes nothing new while `full`."""

    full = True

    def register(self, lease: str, registration: Registration) -> None:
        if self.full:
            raise CalzionError("no room", hint="make some")
        super().register(lease, registration)


class Rig:
    def __init__(self, directory: Path, registry: EmbeddedRegistry | None = None) -> None:
        self.registry = registry or EmbeddedRegistry()
        self._announcer = Announcer(directory / "orders")
        self.trouble = TroubleFile(directory / "trouble")
        self.down = set[Endpoint]()
        self._publisher = Publisher(self.registry)
        self._registrar = Registrar(
            Orders(directory / "orders"), [self._publisher], self._listening, self.trouble.write
        )

    def announce(self, instances: Iterable[Registration]) -> None:
        self._announcer(instances, ())

    def turn(self) -> list[str]:
        """Everybody does what is to be done; who is registered then."""
        self._registrar.look()
        self._publisher.step()
        self._registrar.look()
        return [each.registration.instance for each in self.registry.snapshot(Selection()).instances]

    def _listening(self, endpoints: Collection[Endpoint]) -> Collection[Endpoint]:
        return set(endpoints) - self.down


def test_who_is_up_is_registered_and_comes_back_as_a_younger_one(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    assert rig.turn() == []
    rig.announce([web("a", 1), web("b", 2)])
    assert rig.turn() == ["a", "b"]
    rig.down.add(web("a", 1).endpoint)
    assert rig.turn() == ["b"]
    rig.down.clear()
    assert rig.turn() == ["b", "a"]
    rig.announce([web("b", 2)])
    assert rig.turn() == ["b"]
    rig.announce([])
    assert rig.turn() == []


def test_what_can_not_be_read_changes_nothing(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.announce([web("a", 1)])
    assert rig.turn() == ["a"]
    for broken in ("", "[[1]]", "17", "\0"):
        (tmp_path / "orders").write_text(broken)
        assert rig.turn() == ["a"]
    (tmp_path / "orders").unlink()
    rig.announce([web("b", 2)])
    assert rig.turn() == ["b"]


def test_a_registry_that_is_full_is_told_of_and_lets_go_of_the_others(tmp_path: Path) -> None:
    registry = Full()
    rig = Rig(tmp_path, registry)
    registry.full = False
    rig.announce([web("a", 1)])
    assert rig.turn() == ["a"] and rig.trouble.read() == ""
    registry.full = True
    rig.announce([web("b", 2)])
    assert rig.turn() == [] and rig.trouble.read() == "no room (make some)"
    registry.full = False
    assert rig.turn() == ["b"] and rig.trouble.read() == ""


def test_a_listener_is_found_at_the_address_that_it_has() -> None:
    with (
        socket.create_server(("127.64.9.1", 0)) as one,
        socket.create_server(("0.0.0.0", 0)) as every,
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as both,
        socket.create_server(("127.0.0.1", 0)) as ended,
    ):
        there = Endpoint("127.64.9.1", one.getsockname()[1])
        elsewhere = Endpoint("127.0.0.1", there.port)
        others = {Endpoint("127.0.0.1", each.getsockname()[1]) for each in (every, both)}
        gone = Endpoint("127.0.0.1", ended.getsockname()[1])
        ended.close()
        assert Listening()({there, elsewhere, gone, *others}) == {there, *others}
