"""What git takes for ssh: PORT KEY HOST COMMAND, by libssh."""

from __future__ import annotations

import os
import select
import socket
import sys

from ssh import options
from ssh.channel import Channel
from ssh.exceptions import EOF as NothingMore
from ssh.key import import_privkey_file
from ssh.session import Session

_CHUNK = 1 << 15


def main(port: str, key: str, command: str) -> int:
    connected = socket.create_connection(("127.0.0.1", int(port)))
    session = Session()
    session.options_set(options.HOST, "127.0.0.1")
    session.options_set(options.USER, "git")
    session.options_set_port(int(port))
    session.set_socket(connected)
    session.connect()
    session.userauth_publickey(import_privkey_file(key))
    channel = session.channel_new()
    channel.open_session()
    channel.request_exec(command)
    _carry(connected, channel)
    channel.close()
    return int(channel.get_exit_status())


def _carry(connected: socket.socket, channel: Channel) -> None:
    sources = [sys.stdin.fileno(), connected.fileno()]
    while not channel.is_eof():
        ready, _, _ = select.select(sources, [], [], 0.05)
        if sources[0] != connected.fileno() and sources[0] in ready:
            if data := os.read(sources[0], _CHUNK):
                channel.write(data)
            else:
                channel.send_eof()
                del sources[0]
        for is_errors, target in ((False, sys.stdout), (True, sys.stderr)):
            while data := _read(channel, is_errors):
                target.buffer.write(data)
                target.buffer.flush()


def _read(channel: Channel, is_errors: bool) -> bytes:
    try:
        size, data = channel.read_nonblocking(_CHUNK, is_errors)
    except NothingMore:
        return b""
    return bytes(data[:size])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[4]))
