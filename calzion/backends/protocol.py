"""What the controller asks of an engine. Every backend, and the fake, passes the suite in tests/contract."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from calzion.model import (
    Cancellation,
    DeploymentName,
    Endpoint,
    Exit,
    Instance,
    LogStream,
    RunSpec,
    TerminalSize,
)

STDOUT, STDERR = "stdout", "stderr"


class Attached(Protocol):
    """A task whose input and output are in the hands of whoever asked for it.

    With a terminal all that it writes comes as STDOUT. One thread reads, one writes, any may do the rest.
    """

    def read(self) -> tuple[str, bytes] | None:
        """What it wrote next, and where to (STDOUT, STDERR); None when nothing more will come."""

    def write(self, data: bytes) -> None:
        """Give it input, waiting until it takes it. What it never reads is lost."""

    def end_input(self) -> None:
        """No more input will come; a terminal is told so by Ctrl-D."""

    def resize(self, size: TerminalSize) -> None:
        """Change its terminal's size, where it has one."""

    def signal(self, name: str) -> None:
        """Send a signal such as SIGINT to its processes."""

    def wait(self) -> Exit:
        """How it ended, once `read` gave None."""

    def hang_up(self) -> None:
        """End it where it still runs: its stop signal, its timeout, then SIGKILL. Does not wait for that."""

    def close(self) -> None:
        """Hang up, and let go of its files; when no thread uses it any more."""


class Backend(Protocol):
    @property
    def containers(self) -> bool:
        """Whether an engine runs services as containers: what images, `build` and `privileged` need.

        A container has all ports and a network of its own: the router leads others of its deployment to it.
        """

    def doctor(self) -> list[str]:
        """What is missing or not protected on this machine, a sentence each; [] where all is well."""

    def resolve(self, image: str) -> str | None:
        """The appliance (`redis`, `postgres`) that serves an image reference, None where it is pulled as it is.

        Raises CalzionError (unsupported) where this backend can't run that image at all.
        """

    def ensure(self, specs: Sequence[RunSpec]) -> None:
        """Have these run, and keep them up. An instance that runs already (same id) is adopted, not restarted.

        Raises CalzionError (start) where one can't be started; its exit later is no error of this call.
        """

    def stop(self, ids: Sequence[str]) -> None:
        """End these: their stop signal, their timeout, then SIGKILL; returns when none is left. Unknown ids are
        ignored. Their logs are kept until `forget`."""

    def forget(self, ids: Sequence[str]) -> None:
        """Remove what is left of stopped instances (log, writable layer)."""

    def instances(self) -> tuple[Instance, ...]:
        """Everything that this backend was asked to run and has not forgotten."""

    def watch(self, changed: Callable[[], None]) -> None:
        """Have `changed` called, from any thread, soon after an instance's state changed."""

    def endpoint(self, id: str, port: int) -> Endpoint | None:
        """Where an instance accepts connections on its `port`, on IPv4 or IPv6; None while it does not."""

    def listening(self, id: str) -> tuple[int, ...]:
        """The TCP ports on which the instance's processes listen."""

    def unaccepted(self, id: str, port: int) -> int:
        """Connections to the instance's `port` that none of its processes has accepted yet."""

    def rests(self, id: str) -> bool:
        """Whether no process of the instance has anything to do right now; not so while it loads its code."""

    def run(self, spec: RunSpec, output: Callable[[str], None], cancellation: Cancellation) -> Exit:
        """Run one task to its end, a line of output at a time. Cancelling ends it."""

    def attach(self, spec: RunSpec, terminal: TerminalSize | None) -> Attached:
        """Run one task with a terminal of its own, or with pipes, in the caller's hands.

        Raises CalzionError (start, unsupported).
        """

    def check(self, id: str, spec: RunSpec) -> Exit:
        """Run `spec.command` inside the running instance (a health command)."""

    def tail(self, id: str, lines: int) -> list[str]:
        """The last lines that an instance wrote, also after it ended."""

    def logs(self, ids: Sequence[str], lines: int, follow: bool) -> LogStream:
        """The last lines of each, then, with `follow`, what comes until the consumer closes the iterator."""

    def volumes(self, deployment: DeploymentName, names: Collection[str] | None = None) -> dict[str, int]:
        """The deployment's volumes with their sizes in bytes: all, or those of these names that there are."""

    def volume_names(self, deployment: DeploymentName) -> frozenset[str]:
        """The same without their sizes, which take long to find out."""

    def remove_volumes(self, deployment: DeploymentName, names: Sequence[str]) -> None:
        """Remove volumes that no instance uses. Unknown names are ignored."""

    def network(self, deployment: DeploymentName) -> str:
        """The IPv4 network (CIDR) of the deployment's containers; '' while it has none, or shares the machine's."""

    def remove_deployment(self, deployment: DeploymentName) -> None:
        """Remove the volumes and everything else kept for a deployment whose instances are stopped."""
