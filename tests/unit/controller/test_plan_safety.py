"""Whatever is wanted and whatever there is, a plan keeps these promises."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from calzion.controller.plan import Change, Plan, ServiceVersion, plan, stages
from calzion.model import Label, ServiceDefinition, ServiceName, Task, TaskName

SERVICES = "abcdef"
TASKS = ("t1", "t2", "t3")
names = st.sampled_from(SERVICES)


@dataclass(frozen=True)
class Case:
    wanted: list[ServiceVersion]
    current: list[ServiceVersion]
    tasks: list[Task]
    done: set[str]

    def plan(self) -> Plan:
        return plan(self.wanted, self.current, self.tasks, self.done)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Requirements lead to earlier letters, and from tasks to services, so that there is no circle."""
    tasks = [
        Task(
            name=TaskName(name),
            service=ServiceName(draw(names)),
            cmd="x",
            require=tuple(Label(each) for each in draw(st.sets(names, max_size=2))),
        )
        for name in draw(st.sets(st.sampled_from(TASKS)))
    ]
    wanted = [_version(draw, name) for name in draw(st.sets(names))]
    current = [_version(draw, name) for name in draw(st.sets(names))]
    return Case(wanted, current, tasks, draw(st.sets(st.sampled_from(TASKS))))


def _version(draw: st.DrawFn, name: str) -> ServiceVersion:
    earlier = SERVICES[: SERVICES.index(name)]
    require = draw(st.sets(st.sampled_from(earlier), max_size=2)) if earlier else set()
    definition = ServiceDefinition(
        name=ServiceName(name), git=".", require=tuple(Label(each) for each in sorted(require))
    )
    held = draw(st.sampled_from(["", "", "", "waits for its code"]))
    return ServiceVersion(definition=definition, fingerprint=draw(st.sampled_from("12")), held=held)


@given(cases())
def test_every_service_has_one_item_and_unchanged_ones_are_never_touched(case: Case) -> None:
    decided = case.plan()
    changes = {item.service: item.change for item in decided.items}
    assert len(changes) == len(decided.items)
    assert set(changes) == {version.name for version in (*case.wanted, *case.current)}
    touched = {*decided.start, *decided.stop}
    assert not touched & {name for name, change in changes.items() if change is Change.UNCHANGED}
    assert set(decided.start) == {
        name for name, change in changes.items() if change in (Change.ADDED, Change.CHANGED)
    }


@given(cases())
def test_what_serves_is_stopped_only_where_it_is_removed_or_held(case: Case) -> None:
    decided = case.plan()
    changes = {item.service: item.change for item in decided.items}
    serving = {version.name for version in case.current if not version.held}
    assert set(decided.stop) == {name for name in serving if changes[name] in (Change.REMOVED, Change.HELD)}


@given(cases(), st.randoms())
def test_the_order_of_services_changes_nothing(case: Case, random: Random) -> None:
    wanted, current, tasks = list(case.wanted), list(case.current), list(case.tasks)
    random.shuffle(wanted)
    random.shuffle(current)
    random.shuffle(tasks)
    assert plan(wanted, current, tasks, case.done) == case.plan()


@given(cases())
def test_a_plan_applied_is_empty_the_second_time(case: Case) -> None:
    decided = case.plan()
    held = {item.service for item in decided.held}
    applied = [version for version in case.wanted if version.name not in held]
    done = case.done | {str(task.name) for task in decided.tasks}
    if not held:
        again = plan(case.wanted, applied, case.tasks, done)
        assert {task.name for task in again.tasks} <= {task.name for task in case.tasks} - done
        assert all(item.change is Change.UNCHANGED for item in again.items)
        assert not again.start and not again.stop


@given(cases())
def test_tasks_are_done_once_and_nothing_starts_before_what_it_requires(case: Case) -> None:
    decided = case.plan()
    assert not {task.name for task in decided.tasks} & case.done
    up: set[str] = set()
    starting = {str(name) for name in decided.start}
    for stage in stages(decided.start, decided.tasks, case.wanted):
        for task in stage.tasks:
            assert {str(each) for each in task.require} & starting <= up
            up.add(str(task.name))
        for name in stage.services:
            [version] = [each for each in case.wanted if each.name == name]
            assert {str(each) for each in version.definition.require} & starting <= up
        up |= {str(name) for name in stage.services}
    assert starting <= up and {str(task.name) for task in decided.tasks} <= up


@given(cases())
def test_what_waits_says_why_and_holds_what_requires_it(case: Case) -> None:
    decided = case.plan()
    held = {item.service for item in decided.held}
    assert all(item.reasons and item.reasons[0].startswith("waits for") for item in decided.held)
    for version in case.wanted:
        if set(version.definition.require) & held:
            assert version.name in held
