"""Serves a static site: `server.py DIRECTORY` listens on $PORT, with `--root` it says what it would serve.

That is the `root` of static.json, else what the build script of a package.json made, else public/, where they have an
index.html, else the directory itself.
"""

from __future__ import annotations

import json
import mimetypes
import os
import shutil
import stat
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

PRIVATE = frozenset({"Procfile", "static.json", "template.yaml"})
BUILT = ("dist", "build", "out", "_site")
"""Where the tools of Node apps write a site; their sources have an index.html too, which no browser can use."""
TEXT = ("application/javascript", "application/json", "image/svg+xml")


def site_root(directory: Path) -> Path:
    """The directory to serve; SystemExit with a sentence where static.json is wrong."""
    built = BUILT if (directory / "package.json").is_file() else ()
    found = (name for name in (*built, "public") if (directory / name / "index.html").is_file())
    root = directory / next(found, ".")
    if (directory / "static.json").is_file():
        try:
            root = directory / str(json.loads((directory / "static.json").read_bytes()).get("root", root))
        except (ValueError, AttributeError) as error:
            raise SystemExit(f"static.json can't be read: {error}") from error
    root, top = root.resolve(), directory.resolve()
    if not root.is_dir() or not root.is_relative_to(top):
        raise SystemExit("static.json: 'root' is no directory of this app")
    return root


def find(root: Path, target: str) -> Path | None:
    """The path that a request's target names; None where it leaves the root or is hidden."""
    parts = [part for part in unquote(urlsplit(target).path).split("/") if part]
    if any((part.startswith(".") and part != ".well-known") or "\0" in part for part in parts):
        return None
    if parts and parts[0] in PRIVATE:
        return None
    path = root.joinpath(*parts).resolve()
    return path if path.is_relative_to(root) else None


def content_type(path: Path) -> str:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") or kind in TEXT else kind


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "calzion-static"
    sys_version = ""
    timeout = 60
    root: Path

    def do_GET(self) -> None:
        path = find(self.root, self.path)
        if path and path.is_dir():
            if not urlsplit(self.path).path.endswith("/"):
                return self._redirect()
            path = path / "index.html"
        if path and path.is_file():
            return self._send(path, HTTPStatus.OK)
        missing = self.root / "404.html"
        if missing.is_file():
            return self._send(missing, HTTPStatus.NOT_FOUND)
        return self._text("not found\n", HTTPStatus.NOT_FOUND)

    do_HEAD = do_GET

    def _send(self, path: Path, status: HTTPStatus) -> None:
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                return self._text("not found\n", HTTPStatus.NOT_FOUND)
            tag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
            if status == HTTPStatus.OK and tag in self.headers.get("If-None-Match", ""):
                self.send_response(HTTPStatus.NOT_MODIFIED)
                self.send_header("ETag", tag)
                return self.end_headers()
            self._head(status, content_type(path), facts.st_size)
            self.send_header("ETag", tag)
            self.send_header("Last-Modified", self.date_time_string(facts.st_mtime))
            self.end_headers()
            self._body(file)

    def _body(self, file: BinaryIO) -> None:
        if self.command == "GET":
            shutil.copyfileobj(file, self.wfile)

    def _head(self, status: HTTPStatus, kind: str, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")

    def _text(self, text: str, status: HTTPStatus) -> None:
        self._head(status, "text/plain; charset=utf-8", len(text))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(text.encode())

    def _redirect(self) -> None:
        """One slash in front: '//host' would lead to another site."""
        parts = urlsplit(self.path)
        query = f"?{parts.query}" if parts.query else ""
        self.send_response(HTTPStatus.MOVED_PERMANENTLY)
        self.send_header("Location", f"/{parts.path.strip('/')}/{query}")
        self.send_header("Content-Length", "0")
        self.end_headers()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main(arguments: list[str]) -> None:
    if arguments[0] == "--root":
        directory = Path(arguments[1])
        print(site_root(directory).relative_to(directory.resolve()))
        return
    Handler.root = site_root(Path(arguments[0]))
    port = int(os.environ["PORT"])
    server = Server(("0.0.0.0", port), Handler)
    print(f"listening on port {port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
