"""Breaks a server at one step of a push after the other. A point names a step; `survey` finds all there are."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.app import NAME, files
from tests.faults.site import Death, FaultySite
from tests.faults.tripwire import SHARED, Fault, Order, free
from tests.faults.truth import Expected, untruths
from tests.stories.site import Push, Repository

DEADLINE = 25.0
"""Seconds until all is well again: fewer than between two passes that nothing asks the reconciler for."""

REMOTE = "calzion"
SWITCH = "store.commit in Rollout._switch #1"
"""From here on the new release is the one that serves."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A step of a push that ends `well` or not. `late` ones come after the switch."""

    step: str
    well: bool = True
    late: bool = False

    @property
    def can_fail(self) -> bool:
        """Whether a full disk is told there: a story copes with it by itself."""
        return not self.step.startswith("stories.")


class Rig:
    def __init__(self, backend: str = "process", *, small_disk: bool = False) -> None:
        self.site = FaultySite(backend, small_disk=small_disk)
        self._version = 0
        self._live = 0
        self._lived: set[int] = set()
        self._commits: dict[int, str] = {}
        self._repository: Repository | None = None
        self._pushing: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.site.start()
        added = self.site.calzion("keys", "add", "alice", str(self.site.root / "alice.pub"), "--allow", "*")
        assert added.returncode == 0, added.stderr
        self._repository = self.site.repository(NAME, {})
        self.push()

    def close(self) -> None:
        self.site.close()

    def push(self) -> None:
        """One that nothing befalls."""
        version = self._commit(well=True)
        push = self._push()
        assert push.status == 0, push
        self._settle(version)

    def survey(self, *, well: bool) -> list[Point]:
        """The steps of a push in the order in which they come."""
        version = self._commit(well=well)
        self.site.control.give(Order(run=version))
        push = self._push()
        assert (push.status == 0) is well, push
        self._settle(version if well else self._live)
        steps = self.site.control.points(version)
        self.site.control.withdraw()
        steps = [step for step in steps if not step.startswith(SHARED) or step.endswith("#1")]
        after = steps.index(SWITCH) if well else len(steps)
        return [Point(step=step, well=well, late=index > after) for index, step in enumerate(steps)]

    def crash(self, point: Point, death: Death) -> None:
        """Die in front of a step, and come back."""
        version = self._stop_at(point)
        self.site.die(death)
        if death is not Death.RECONCILER:
            self.site.start()
        self._settle(version if point.late else self._live)

    def survey_recovery(self, point: Point) -> list[str]:
        """The steps by which the reconciler recovers from a death at that point, each once."""
        version = self._stop_at(point)
        self.site.control.give(Order(run=-version, recovery=True))
        self.site.die(Death.RECONCILER)
        self._settle(version if point.late else self._live)
        self.site.control.withdraw()
        return [step for step in self.site.control.points(-version) if step.endswith("#1")]

    def crash_twice(self, point: Point, step: str) -> None:
        """Die at a point, and again at a step of the recovery from it."""
        version = self._stop_at(point)
        self.site.control.give(Order(run=-version, point=step, fault=Fault.STOP, recovery=True))
        self.site.die(Death.RECONCILER)
        self._await(lambda: self.site.control.broken, f"{step} to be reached")
        self.site.control.withdraw()
        self._await(lambda: self.site.pid("reconciler") != 0, "the reconciler to be known")
        self.site.die(Death.RECONCILER)
        self._settle(version if point.late else self._live)

    def fail(self, point: Point, fault: Fault) -> None:
        """Have the disk full at a step, or from it on until the push has ended."""
        version = self._arm(point, fault)
        push = self._push()
        self._await(lambda: self.site.control.broken, f"{point.step} to be reached")
        self.site.control.withdraw()
        if fault is Fault.FILL:
            free(self.site.data)
            went_live = push.status == 0 or self._current() == self._commits[version]
        else:
            went_live = point.late
            assert not went_live or push.status == 0, f"{point.step} comes after the switch: {push}"
        self._settle(version if went_live else self._live)

    def _current(self) -> str:
        """The commit of the release that `calzion releases` says is current."""
        (current,) = (each for each in self.site.json("releases", NAME) if each["state"] == "current")
        return str(current["commit"])

    def _commit(self, *, well: bool) -> int:
        self._version += 1
        repository = self._repository
        assert repository
        repository.git("rm", "-r", "--quiet", "--force", "--ignore-unmatch", ".")
        repository.commit(files(self._version, well=well))
        self._commits[self._version] = repository.git("rev-parse", "HEAD")
        return self._version

    def _stop_at(self, point: Point) -> int:
        """Push until the point is reached, where the reconciler stands still."""
        version = self._arm(point, Fault.STOP)
        self._pushing = self._start_push()
        self._await(lambda: self.site.control.broken, f"{point.step} to be reached")
        self.site.control.withdraw()
        return version

    def _arm(self, point: Point, fault: Fault) -> int:
        version = self._commit(well=point.well)
        self.site.control.give(Order(run=version, point=point.step, fault=fault))
        return version

    def _push(self) -> Push:
        process = self._start_push()
        _, errors = process.communicate(timeout=DEADLINE)
        return Push(process.returncode, errors)

    def _start_push(self) -> subprocess.Popen[str]:
        assert self._repository
        return self._repository.start("push", REMOTE, f"HEAD:refs/heads/{NAME}")

    def _settle(self, version: int) -> None:
        """Wait until all is well, with this version as the one that serves."""
        if self._pushing:
            self._pushing.communicate(timeout=DEADLINE)
            self._pushing = None
        lived = self._lived | {version}
        expected = Expected(
            version=version,
            commit=self._commits[version],
            pushed=self._commits[self._version],
            lived=frozenset(lived),
        )
        found: list[str] = []

        def true() -> bool:
            found[:] = untruths(self.site, expected)
            return not found

        self._await(true, lambda: "\n".join(["peace:", *found]))
        self._live, self._lived = version, lived

    def _await(self, holds: Callable[[], bool], what: str | Callable[[], str]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited for {what if isinstance(what, str) else what()}")
            time.sleep(0.05)
