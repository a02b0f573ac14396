"""A task of the host daemon whose terminal or pipes are in this process's hands: nobody stands between."""

from __future__ import annotations

import contextlib
import os
import select

from calzion.backends.hostclient import Answer, HostClient, Lost
from calzion.backends.protocol import STDERR, STDOUT
from calzion.errors import CalzionError
from calzion.host.streams import resize
from calzion.host.wire import spec_to_json
from calzion.model import Exit, RunSpec, TerminalSize

_BLOCK = 1 << 16
_END_OF_INPUT = b"\x04"


class AttachedTask:
    """See calzion.backends.protocol.Attached. Raises CalzionError (start, unsupported, unreachable)."""

    def __init__(self, host: HostClient, spec: RunSpec, terminal: TerminalSize | None) -> None:
        self._host = host
        self._spec = spec
        self._hung_up = False
        self._exit: Exit | None = None
        self._terminal = terminal is not None
        self._answer, given = _begin(host, spec, terminal)
        self._input, *outputs = [os.dup(given[0]), *given] if self._terminal else given
        self._outputs = dict(zip(outputs, (STDOUT, STDERR), strict=False))
        self._poll = select.poll()
        for descriptor in outputs:
            self._poll.register(descriptor, select.POLLIN)

    def read(self) -> tuple[str, bytes] | None:
        while self._outputs:
            descriptor = self._poll.poll()[0][0]
            try:
                data = os.read(descriptor, _BLOCK)
            except OSError:  # a terminal that no process has open any more (EIO)
                data = b""
            if data:
                return self._outputs[descriptor], data
            self._poll.unregister(descriptor)
            del self._outputs[descriptor]
            os.close(descriptor)
        return None

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        with contextlib.suppress(OSError):
            while rest and self._input >= 0:
                rest = rest[os.write(self._input, rest) :]

    def end_input(self) -> None:
        if self._terminal:
            self.write(_END_OF_INPUT)
        elif self._input >= 0:
            self._close_input()

    def resize(self, size: TerminalSize) -> None:
        if self._terminal:
            with contextlib.suppress(OSError):
                resize(self._input, size)

    def signal(self, name: str) -> None:
        self._host.call("signal", id=self._spec.id, name=name)

    def wait(self) -> Exit:
        """Also across a restart of the host daemon, which the task itself survives."""
        while self._exit is None:
            try:
                self._exit = Exit(**self._answer.result())
            except Lost:
                if self._hung_up:
                    return Exit(signal=self._spec.stop.signal)
                with contextlib.suppress(Lost):
                    self._answer = self._host.open("run", spec=spec_to_json(self._spec), again=True)
        return self._exit

    def hang_up(self) -> None:
        self._hung_up = True
        self._answer.close()

    def close(self) -> None:
        self.hang_up()
        self._close_input()
        for descriptor in self._outputs:
            os.close(descriptor)
        self._outputs = {}
        if self._exit:
            with contextlib.suppress(CalzionError):
                self._host.call("forget", ids=[self._spec.id])

    def _close_input(self) -> None:
        if self._input >= 0:
            os.close(self._input)
            self._input = -1


def _begin(host: HostClient, spec: RunSpec, terminal: TerminalSize | None) -> tuple[Answer, list[int]]:
    order = {"spec": spec_to_json(spec), "terminal": vars(terminal) if terminal else None}
    try:
        answer = host.open("attach", **order)
        try:
            return answer, answer.handed(3)
        except BaseException:
            answer.close()
            raise
    except Lost as error:
        raise CalzionError(
            "the host daemon ended before the command ran", hint="try it again", code="unreachable"
        ) from error
