"""What git takes for ssh: PORT KEY HOST COMMAND, by Paramiko's client."""

from __future__ import annotations

import os
import sys
import threading

import paramiko

_CHUNK = 1 << 15


def main(port: str, key: str, command: str) -> int:
    transport = paramiko.Transport(("127.0.0.1", int(port)))
    transport.connect(username="git", pkey=paramiko.Ed25519Key.from_private_key_file(key))
    channel = transport.open_session(timeout=20)
    channel.exec_command(command)
    threading.Thread(target=_send, args=(channel,), daemon=True).start()
    errors = threading.Thread(target=_show, args=(channel.recv_stderr, 2))
    errors.start()
    _show(channel.recv, 1)
    errors.join()
    status = channel.recv_exit_status()
    transport.close()
    return status


def _send(channel: paramiko.Channel) -> None:
    while data := os.read(0, _CHUNK):
        channel.sendall(data)
    channel.shutdown_write()


def _show(receive: object, target: int) -> None:
    assert callable(receive)
    while data := receive(_CHUNK):
        os.write(target, data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[4]))
