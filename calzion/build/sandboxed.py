"""Builds in sandboxes of bubblewrap, on what this machine has."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from calzion.build import passthrough
from calzion.build.child import Ending, run_child
from calzion.build.interpreters import Interpreters, MachineInterpreters
from calzion.build.limits import BuildLimits, enclosure
from calzion.build.sandbox import CACHE, build_arguments, build_environment
from calzion.build.scratch import Scratch
from calzion.build.stack import MachineStack
from calzion.errors import CalzionError
from calzion.host.cgroup import CgroupTree
from calzion.host.sandbox import Mount
from calzion.layout import Layout
from calzion.model import Cancellation

CGROUP_TREE = "calzion-builds"
INTERPRETER = f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
"""This one's own, which every sandbox has at its own path."""


@dataclass(frozen=True, kw_only=True)
class SandboxWorkshop:
    """Implements Workshop. `environ` is the server's, of which builds get what passthrough allows."""

    stack: MachineStack
    limits: BuildLimits
    cgroups: CgroupTree | None
    environ: Mapping[str, str]
    interpreters: Interpreters

    @classmethod
    def here(cls, layout: Layout, environ: Mapping[str, str], limits: BuildLimits) -> SandboxWorkshop:
        """The one of this machine: looks at its programs and control groups, which takes some 50 ms."""
        stack = MachineStack.look()
        return cls(
            stack=stack,
            limits=limits,
            cgroups=CgroupTree.find(CGROUP_TREE),
            environ=environ,
            interpreters=MachineInterpreters(environ, layout.data, stack.path),
        )

    @property
    def interpreter(self) -> str:
        return INTERPRETER

    def cache(self, *, replaceable: bool) -> str:  # noqa: ARG002 (a root of its own is one mount with all in it)
        return CACHE

    def within(self, seconds: float) -> SandboxWorkshop:
        return replace(self, limits=replace(self.limits, timeout=seconds))

    def prepare(self) -> None:
        """Sandboxes die with the process that made them."""

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
        replaceable: bool = False,  # noqa: ARG002 (it always is, in a root of its own)
    ) -> tuple[Ending, bool]:
        """Raises CalzionError (unsupported) without bubblewrap, OSError."""
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
                log=self.limits.log,
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
