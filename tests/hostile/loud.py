"""An app whose build says what no terminal may show and no log may hold, and whose tree is as odd as trees may be."""

from __future__ import annotations

from tests.hostile.pack import Thing, blob, tree
from tests.hostile.push import DIRECTORY, FILE, LINK, PROGRAM, history

SECRET = "hunter2-correct-horse-battery"
TEMPLATE = b'web: {git: ., env: {KEY: "${KEY}"}, build_env: [KEY]}\n'
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 12345\n"
COMPILE = b"""#!/usr/bin/env python3
import os, sys, time
key = open(sys.argv[3] + "/KEY").read()

def say(text):
    os.write(1, text if isinstance(text, bytes) else text.encode())

say("plain \\x1b[31mred\\x1b[0m \\x1b]0;title\\x07 \\x1b[2J \\x9b31m \\x08\\x08 \\x0e end of escapes\\n")
say(b"bytes \\xff\\xfe\\x00\\n")
say("\\x1b]52;c;aGk=\\n")
say("split " + key[:9])
time.sleep(0.05)
say(key[9:] + " over writes\\n")
say("x" * (65536 - 9) + key + "\\n")
say("redrawn 1%\\rredrawn 100%\\n")
block = b"a line of a build that has nothing to say and says it at length\\n" * 16384
for _ in range(100):
    say(block)
say("the last line\\n")
"""
SERVER = b"""
import http.server, json, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        names = sorted(os.listdir(b"."))
        links = {os.fsdecode(n): os.readlink(os.fsdecode(n)) for n in names if os.path.islink(n)}
        found = {"names": [ascii(os.fsdecode(n)) for n in names], "links": links, "large": open("large.bin").read(),
                 "program": os.access("run", os.X_OK), "many": len(os.listdir("many"))}
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""
ODD_NAMES = (
    b"a\nb",
    b"x" * 250,
    b"\xff\xfe",
    b"-rf",
    b"Case",
    b"case",
    b"CON",
    b"a b'\"$(id)`",
    b"\x1b[31mred",
)


def things() -> list[Thing]:
    note = blob(b"x\n")
    compiling, detecting = blob(COMPILE), blob(b"#!/bin/sh\necho loud\n")
    bin_directory = tree((PROGRAM, b"compile", compiling.raw), (PROGRAM, b"detect", detecting.raw))
    loud = tree((DIRECTORY, b"bin", bin_directory.raw))
    many = tree(*((FILE, b"%05d" % number, note.raw) for number in range(5_000)))
    inside = [note, compiling, detecting, bin_directory]
    return [
        *inside,
        *history(
            *((FILE, name, note) for name in ODD_NAMES),
            (FILE, b".buildpacks", blob(b"./loud\nprocfile\n")),
            (DIRECTORY, b"loud", loud),
            (DIRECTORY, b"many", many),
            (LINK, b"absolute", blob(b"/etc/passwd")),
            (LINK, b"outside", blob(b"../../../../etc/shadow")),
            (LINK, b"itself", blob(b"itself")),
            (FILE, b"large.bin", blob(POINTER)),
            (PROGRAM, b"run", blob(b"#!/bin/sh\n")),
            (FILE, b"server.py", blob(SERVER)),
            template=blob(TEMPLATE),
            procfile=blob(b"web: exec python3 server.py\n"),
        ),
    ]
