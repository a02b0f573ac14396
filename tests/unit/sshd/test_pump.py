from __future__ import annotations

import os
import threading
from itertools import count
from pathlib import Path

from calzion.gitreceive.child import Child
from calzion.sshd.pump import Patience, Pump
from tests.fakes.push_peer import eventually


class SilentClient:
    """A channel whose client sends nothing, takes everything, and notices when it is hung up on."""

    def __init__(self) -> None:
        self.in_buffer = None
        self.output, self.errors = b"", b""
        self.status_event = threading.Event()

    @property
    def closed(self) -> bool:
        return self.status_event.is_set()

    def settimeout(self, seconds: float) -> None:
        """Nothing here waits."""

    def recv(self, size: int) -> bytes:
        self.status_event.wait()
        return b"" * size

    def sendall(self, data: bytes) -> None:
        self.output += data

    def sendall_stderr(self, data: bytes) -> None:
        self.errors += data

    def send_exit_status(self, status: int) -> None:
        self.output += f"exit {status}".encode()

    def close(self) -> None:
        self.status_event.set()


def pumped(script: str, patience: Patience, client: SilentClient) -> tuple[Pump, Child, threading.Thread]:
    child = Child(["/bin/sh", "-c", script], {"PATH": os.environ["PATH"]}, {})
    pump = Pump(client, child, gone=lambda: None, patience=patience)  # type: ignore[arg-type]  # a fake
    thread = threading.Thread(target=pump.run, daemon=True)
    thread.start()
    return pump, child, thread


def test_a_client_may_be_silent_while_it_is_excused(tmp_path: Path) -> None:
    gate, asked, ended = tmp_path / "gate", count(), list[str]()
    os.mkfifo(gate)
    patience = Patience(seconds=0.01, excused=lambda: next(asked) >= 0, on_end=ended.append)
    client = SilentClient()
    pump, child, thread = pumped(f"cat {gate}; echo done", patience, client)
    eventually(lambda: next(asked) > 5, "questions whether it may be silent")
    gate.write_text("on we go, ")
    thread.join()
    pump.finish(child.wait())
    assert client.output == b"on we go, done\nexit 0" and ended == [] and client.errors == b""


def test_a_client_that_is_silent_for_no_reason_is_hung_up_on() -> None:
    ended: list[str] = []
    client = SilentClient()
    patience = Patience(seconds=0.01, excused=lambda: False, on_end=ended.append)
    pump, child, thread = pumped("cat; echo over", patience, client)
    thread.join()
    pump.finish(child.wait())
    assert ended == ["nothing was sent or taken for 0.01 seconds (setting ssh-idle-timeout)"]
    assert client.errors.decode() == f"{ended[0]}\n" and b"over" not in client.output
