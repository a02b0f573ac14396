"""A real registry for the tests, and small images to push into it."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import bcrypt

from tests.needed import needed
from tests.stories.site import free_port

APPLETS = ("sh", "httpd", "nc", "cat", "sleep", "echo", "true", "touch", "test", "id", "mkdir", "wget", "ls")


class Registry:
    """Listens on a loopback port, from which engines pull without TLS; with `users`, only for them."""

    def __init__(self, directory: Path, users: dict[str, str] | None = None) -> None:
        self.host = f"127.0.0.1:{free_port()}"
        self._directory = directory
        self._users = users or {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = _program("docker-registry")
        self._directory.mkdir(parents=True, exist_ok=True)
        (self._directory / "config.yml").write_text(self._config())
        (self._directory / "users").write_bytes(
            b"\n".join(
                f"{user}:".encode() + bcrypt.hashpw(password.encode(), bcrypt.gensalt(4))
                for user, password in self._users.items()
            )
        )
        self._process = subprocess.Popen(
            [program, "serve", self._directory / "config.yml"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < deadline and self._process.poll() is None, "the registry did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def name(self, image: str) -> str:
        return f"{self.host}/{image}"

    def push(self, api: Any, image: str, content: bytes, *changes: str) -> str:
        """Have the registry hold an image of these files, and the engine not; returns its id."""
        repository, _, tag = self.name(image).rpartition(":")
        api.import_image_from_data(content, repository=repository, tag=tag, changes=list(changes))
        found: str = api.inspect_image(f"{repository}:{tag}")["Id"]
        user, password = next(iter(self._users.items()), ("", ""))
        credentials = {"username": user, "password": password} if user else None
        for event in api.push(repository, tag, stream=True, decode=True, auth_config=credentials):
            assert "error" not in event, event
        api.remove_image(found, force=True)
        return found

    def _config(self) -> str:
        users = f"auth: {{htpasswd: {{realm: test, path: {self._directory}/users}}}}\n" if self._users else ""
        return (
            f"version: 0.1\nhttp: {{addr: '{self.host}', secret: x}}\n{users}"
            f"storage: {{filesystem: {{rootdirectory: {self._directory}/data}}, delete: {{enabled: true}}}}\n"
        )

    def _answers(self) -> bool:
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            opener.open(f"http://{self.host}/v2/", timeout=2).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


def tiny(files: dict[str, str] | None = None, applets: tuple[str, ...] = APPLETS) -> bytes:
    """A file system of busybox with these of its programs, and files."""
    busybox = Path(_program("busybox"))
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.add(busybox, "bin/busybox")
        for name in applets:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        for name, text in (files or {}).items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o755
            archive.addfile(entry, io.BytesIO(text.encode()))
    return stream.getvalue()


def _program(name: str) -> str:
    found = shutil.which(name)
    needed("" if found else f"{name} is not installed; see script/engine")
    return str(found)


def in_the_engine(api: Any, image: str) -> bool:
    return bool([each for each in api.images(all=True) if each["Id"] == image])
