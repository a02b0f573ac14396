"""The shell blocks of the documentation, and a shell in which they mean what they say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from tests.stories.site import Site

ROOT = Path(__file__).parents[2]
SHELL = ("sh", "bash", "console", "shell", "")
"""Languages of blocks that a reader could type."""

_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)(?P<info>[^\n]*)\n(?P<text>.*?)^(?P=indent)```", re.M | re.S
)
_START = re.compile(r"<!-- in: (\S+) -->")
_BACKEND = re.compile(r"<!-- on: (\S+) -->")


@dataclass(frozen=True, kw_only=True)
class Block:
    """`why_not` says why a block is not run: what stands behind its language in the page."""

    line: int
    language: str
    why_not: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """`start` is the example in whose copy the blocks run, '' for an empty directory; `backend` what serves it."""

    path: Path
    blocks: tuple[Block, ...]
    start: str
    backend: str

    @classmethod
    def read(cls, path: Path) -> Page:
        text = path.read_text()
        start, backend = _START.search(text), _BACKEND.search(text)
        return cls(
            path=path,
            blocks=tuple(
                Block(
                    line=text.count("\n", 0, match.start()) + 1,
                    language=match["language"],
                    why_not=match["info"].strip(),
                    text=textwrap.dedent(match["text"]),
                )
                for match in _BLOCK.finditer(text)
            ),
            start=start[1] if start else "",
            backend=backend[1] if backend else "process",
        )

    @property
    def runnable(self) -> tuple[Block, ...]:
        return tuple(block for block in self.blocks if block.language == "sh" and not block.why_not)


def pages() -> list[Page]:
    return [Page.read(path) for path in sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])]


class Reader:
    """Somebody who types what a page says, at a machine where Calzion listens on its usual ports."""

    def __init__(self, site: Site, page: Page) -> None:
        self._page = page
        home = site.root / f"home-{page.path.stem}"
        self._directory = home / "work"
        shutil.copytree(ROOT / page.start, self._directory) if page.start else self._directory.mkdir(
            parents=True
        )
        self._write_home(site, home)
        self._let_in(site, home)
        self.environment = {
            "HOME": str(home),
            "PATH": f"{home}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "CALZION_DATA": str(site.data),
            "GIT_TERMINAL_PROMPT": "0",
            "LANG": "C.UTF-8",
        }

    def run(self) -> None:
        """Type all of it, into one shell."""
        script = "set -euo pipefail\n" + "".join(
            f"echo '== line {block.line}'\n{block.text}\n" for block in self._page.runnable
        )
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=150,
            check=False,
        )
        assert done.returncode == 0, f"{self._page.path.name} ended with {done.returncode}:\n{done.stdout}"

    def _let_in(self, site: Site, home: Path) -> None:
        """Unless the page tells how to, its reader may push already."""
        if any("calzion keys add" in block.text for block in self._page.runnable):
            return
        added = site.calzion(
            "keys", "add", self._page.path.stem, str(home / ".ssh" / "id_ed25519.pub"), "--allow", "*"
        )
        assert added.returncode == 0, added.stderr

    def _write_home(self, site: Site, home: Path) -> None:
        """Keys, and the usual ports led to those of the site."""
        (home / ".ssh").mkdir()
        key = home / ".ssh" / "id_ed25519"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        options = "-o StrictHostKeyChecking=accept-new -o LogLevel=ERROR"
        known = f"-o UserKnownHostsFile={home}/.ssh/known_hosts -i {home}/.ssh/id_ed25519"
        (home / ".gitconfig").write_text(
            textwrap.dedent(f"""\
                [user]
                name = alice
                email = alice@localhost
                [init]
                defaultBranch = master
                [advice]
                detachedHead = false
                [core]
                sshCommand = ssh {options} {known}
                [url "ssh://git@127.0.0.1:{site.ssh}/"]
                insteadOf = ssh://git@localhost:2222/
                """)
        )
        (home / ".curlrc").write_text(
            f'connect-to = "127.0.0.1:4000:127.0.0.1:{site.api}"\n'
            f'connect-to = "::127.0.0.1:{site.http}"\nnoproxy = "*"\n'
        )
