"""What git takes for ssh: PORT KEY HOST COMMAND, by asyncssh."""

from __future__ import annotations

import asyncio
import os
import sys

import asyncssh

_CHUNK = 1 << 15


async def main(port: str, key: str, command: str) -> int:
    connected = asyncssh.connect(
        "127.0.0.1", int(port), username="git", client_keys=[key], known_hosts=None, config=None
    )
    async with connected as connection:
        process = await connection.create_process(command, encoding=None)
        sending = asyncio.create_task(_send(process.stdin))
        await asyncio.gather(_show(process.stdout, 1), _show(process.stderr, 2))
        ended = await process.wait()
        sending.cancel()
    return 255 if ended.exit_status is None else ended.exit_status


async def _send(target: asyncssh.SSHWriter[bytes]) -> None:
    while data := await asyncio.to_thread(os.read, 0, _CHUNK):
        target.write(data)
        await target.drain()
    target.write_eof()


async def _show(source: asyncssh.SSHReader[bytes], target: int) -> None:
    while data := await source.read(_CHUNK):
        os.write(target, data)


if __name__ == "__main__":
    status = asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[4]))
    os._exit(status)  # a thread may still wait for git
