"""The application under load: answers, echoes, streams, and asks its neighbour. Ends in order at SIGTERM."""

SERVER = """
import asyncio, base64, hashlib, os, signal, sys

VERSION = "one"
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
if VERSION == "broken":
    sys.exit("this version does not start")


async def serve(reader, writer):
    try:
        while await answer(reader, writer):
            pass
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def answer(reader, writer):
    head = await reader.readuntil(b"\\r\\n\\r\\n")
    lines = head.decode("latin-1").split("\\r\\n")
    path = lines[0].split(" ")[1]
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    if headers.get("upgrade", "").lower() == "websocket":
        return await socket(reader, writer, headers["sec-websocket-key"].encode())
    if path == "/events":
        return await events(writer)
    status, text = (200, body) if body else (200, VERSION.encode())
    if path == "/call":
        status, text = await call()
    writer.write(b"HTTP/1.1 %d X\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (status, len(text), text))
    await writer.drain()
    return True


async def call():
    host, port = os.environ["API_ADDR"].rsplit(":", 1)
    try:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET / HTTP/1.1\\r\\nHost: api\\r\\nContent-Length: 0\\r\\n\\r\\n")
        head = await reader.readuntil(b"\\r\\n\\r\\n")
        size = int(head.lower().split(b"content-length:")[1].split(b"\\r\\n")[0])
        text = await reader.readexactly(size)
        writer.close()
        return 200, text
    except (OSError, asyncio.IncompleteReadError) as error:
        return 502, repr(error).encode()


async def events(writer):
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\nConnection: close\\r\\n\\r\\n")
    while True:
        writer.write(b"data: tick\\n\\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def socket(reader, writer, key):
    accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
        b"Sec-WebSocket-Accept: " + accept + b"\\r\\n\\r\\n"
    )
    while True:
        first, second = await reader.readexactly(2)
        mask, size = await reader.readexactly(4), second & 127
        data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(await reader.readexactly(size)))
        writer.write(bytes([first, size]) + data)
        await writer.drain()


async def main():
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    await asyncio.start_server(serve, "0.0.0.0", int(os.environ["PORT"]))
    await ending.wait()


asyncio.run(main())
"""

TEMPLATE = """\
web:
  git: .
  healthcheck: /
api:
  git: .
  healthcheck: /
"""


def files(version: str) -> dict[str, str]:
    """A repository of two services; the version `broken` ends at its start."""
    return {
        "template.yaml": TEMPLATE,
        "Procfile": "web: exec python3 server.py\n",
        "server.py": SERVER.replace('VERSION = "one"', f'VERSION = "{version}"'),
    }
