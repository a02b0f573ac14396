from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calzion.controller.plan import Change, ServiceVersion, plan, start_order
from calzion.model import ServiceDefinition, ServiceName


def version(name: str, fingerprint: str = "f", require: tuple[str, ...] = (), **more: str) -> ServiceVersion:
    definition = ServiceDefinition(
        name=ServiceName(name), git=".", require=tuple(ServiceName(each) for each in require)
    )
    return ServiceVersion(definition=definition, fingerprint=fingerprint, **more)


def changes(wanted: list[ServiceVersion], current: list[ServiceVersion]) -> dict[str, str]:
    return {str(item.service): str(item) for item in plan(wanted, current).items}


def test_each_kind_of_change() -> None:
    wanted = [version("same"), version("code", "2", code="b"), version("new")]
    current = [version("same"), version("code", "1", code="a"), version("gone")]
    assert changes(wanted, current) == {
        "same": "unchanged",
        "code": "changed: code",
        "new": "added",
        "gone": "removed",
    }


def test_changed_variables_are_named_but_not_shown() -> None:
    old = ServiceVersion(
        definition=version("web").definition, fingerprint="1", visible=(("LEVEL", "info"), ("OLD", "x"))
    )
    new = ServiceVersion(definition=old.definition, fingerprint="2", visible=(("LEVEL", "debug"),))
    assert changes([new], [old]) == {"web": "changed: env LEVEL OLD"}


def test_what_requires_something_held_is_held_too() -> None:
    wanted = [
        version("api", held="waits for its code"),
        version("web", require=("api",)),
        version("lost", require=("db",)),
    ]
    decided = plan(wanted, [])
    assert {str(item.service) for item in decided.held} == {"api", "web", "lost"}
    assert decided.start == ()
    assert changes(wanted, [])["lost"] == "held: waits for db, which is not defined in this deployment"


def test_a_service_that_turns_held_is_stopped() -> None:
    decided = plan([version("web", held="waits")], [version("web")])
    assert decided.stop == ("web",)


NAMES = st.lists(st.sampled_from("abcdef"), unique=True)


@given(NAMES, NAMES, st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("abcdef")))
def test_nothing_unchanged_is_started_or_stopped(
    new: list[str], old: list[str], needs: dict[str, str]
) -> None:
    wanted = [version(name, require=(needs[name],) if name in needs else ()) for name in new]
    decided = plan(wanted, [version(name) for name in old])
    by_change = {item.service: item.change for item in decided.items}
    assert set(by_change) == {*new, *old}
    for name in decided.start:
        assert by_change[name] in (Change.ADDED, Change.CHANGED)
    for name in decided.stop:
        assert by_change[name] in (Change.REMOVED, Change.HELD)
    order = start_order(wanted)
    assert sorted(order) == sorted(new)


def test_required_services_come_first() -> None:
    assert start_order([version("a", require=("b",)), version("b", require=("c",)), version("c")]) == [
        "c",
        "b",
        "a",
    ]
