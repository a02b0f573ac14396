"""Runs commands in sandboxes as builds do, with the machine's settings, within limits."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from calzion.build import passthrough
from calzion.build.child import Ending, run_child
from calzion.build.limits import BuildLimits, enclosure
from calzion.build.sandbox import build_arguments, build_environment
from calzion.build.scratch import Scratch
from calzion.build.stack import Stack
from calzion.errors import CalzionError
from calzion.host.cgroup import CgroupTree
from calzion.host.sandbox import Mount
from calzion.model import Cancellation


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """`environ` is the server's, of which builds get what passthrough allows."""

    stack: Stack
    limits: BuildLimits
    cgroups: CgroupTree | None
    environ: Mapping[str, str]

    def run(
        self,
        place: Scratch,
        mounts: Sequence[Mount],
        command: Sequence[str],
        *,
        commit: str,
        cancellation: Cancellation,
        told: Callable[[str], None],
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[Ending, bool]:
        """Run `command` to its end, with `variables` added; with it comes whether memory ran out in some of it.

        Raises CalzionError (unsupported) without bubblewrap, OSError.
        """
        passed = passthrough.look(self.environ)
        arguments = build_arguments(
            self.stack,
            place.identity,
            place.rooms(),
            (*mounts, *passed.mounts, *place.files(passed.files)),
            command,
            bwrap=_bwrap(),
            as_root=os.geteuid() == 0,
        )
        with enclosure(self.limits, self.cgroups, place.root.name) as held:
            ending = run_child(
                held.wrap(arguments),
                {**build_environment(self.stack, commit, passed.environment), **variables},
                timeout=self.limits.timeout,
                cancellation=cancellation,
                told=told,
            )
            return ending, held.ran_out_of_memory()


def _bwrap() -> str:
    program = shutil.which("bwrap")
    if program is None:
        raise CalzionError(
            "builds need bubblewrap, which is not installed",
            hint="install it ('apt-get install bubblewrap'), then push again; see 'calzion doctor'",
            code="unsupported",
        )
    return program
