"""Repositories and archives on a web server of this machine, by git's own http-backend and over real TLS."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "reader", "s3cret:of@all"
_GIT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_NAME": "t" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "t@example.org" for who in ("AUTHOR", "COMMITTER")},
}


class GitSite:
    """Below `root`, all that is called private asks for USER and PASSWORD; /away/X leads to another address."""

    def __init__(self, directory: Path, host: str = "127.0.0.1") -> None:
        self.root = directory / "served"
        self.root.mkdir(parents=True)
        self.certificate = directory / "certificate.pem"
        self.requests: list[str] = []
        self._work = directory / "work"
        self._server = ThreadingHTTPServer((host, 0), _handler(self))
        self._server.socket = _tls(host, self.certificate, directory / "key.pem").wrap_socket(
            self._server.socket, server_side=True
        )
        self._plain = ThreadingHTTPServer((host, 0), _handler(self))
        self.url = f"https://{host}:{self._server.server_port}"
        self.plain_url = f"http://{host}:{self._plain.server_port}"
        self.redirects: dict[str, str] = {}
        for server in (self._server, self._plain):
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """From now on the site can't be reached."""
        for server in (self._server, self._plain):
            server.shutdown()
            server.server_close()

    def commit(
        self, name: str, files: Mapping[str, str], tag: str = "", links: Mapping[str, str] = {}
    ) -> str:
        """Make these files the only ones of the repository NAME.git; `links` are submodules' commits by path."""
        work = self._work / name
        if not work.exists():
            work.mkdir(parents=True)
            git(work, "init", "-q", "-b", "main")
        for old in [path for path in work.iterdir() if path.name != ".git"]:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        for path, text in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
            (work / path).chmod(0o755 if "bin/" in path else 0o644)
        git(work, "add", "-A")
        for path, commit in links.items():
            git(work, "update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
        git(work, "commit", "-q", "--allow-empty", "-m", "x")
        if tag:
            git(work, "tag", "-a", tag, "-m", tag)
        served = self.root / f"{name}.git"
        if not served.exists():
            git(self.root, "init", "-q", "--bare", "-b", "main", str(served))
        git(work, "push", "-q", "--force", str(served), "main", "--tags")
        return git(work, "rev-parse", "HEAD")


def git(directory: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=directory, env=_GIT, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def _handler(site: GitSite) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.requests.append(self.path)
            path = urlsplit(self.path).path
            if path in site.redirects:
                self._answer(302, b"", Location=site.redirects[path])
            elif "private" in path and self.headers.get("Authorization") != _basic():
                self._answer(401, b"", **{"WWW-Authenticate": 'Basic realm="x"'})
            elif (site.root / path[1:]).is_file() and ".git/" not in path:
                self._answer(200, (site.root / path[1:]).read_bytes())
            else:
                self._backend()

        do_POST = do_GET

        def _answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _backend(self) -> None:
            """The common gateway interface, as git-http-backend(1) wants it."""
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            done = subprocess.run(
                ["git", "http-backend"],
                input=body,
                capture_output=True,
                check=False,
                env=_GIT
                | {
                    "GIT_PROJECT_ROOT": str(site.root),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "PATH_INFO": parts.path,
                    "QUERY_STRING": parts.query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                    "CONTENT_LENGTH": str(len(body)),
                },
            )
            head, _, answer = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
            self._answer(int(headers.pop("Status", "200").split()[0]), answer, **headers)

        def log_message(self, *_: object) -> None: ...

    return Handler


def _basic() -> str:
    return "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def _tls(host: str, certificate: Path, key_file: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key_file)
    return context
