"""A push to Calzion against OpenSSH as it comes, OpenSSH at its best, and git on a path: `script/bench ssh [ROW…]`.

The contestants take turns, so that whatever else the machine does burdens all alike; what is compared are medians.
All use git and ssh as they are installed; TCP_NODELAY on the client's side is the ideal's alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import paramiko

from bench.report import report
from bench.sshservers import Calzion, Contestant, Ideal, Local, Memory, Stock

MEGABYTES = 200
ROUNDS = {
    "session": 21,
    "small": 21,
    "many": 5,
    "first": 5,
    "channel": 5,
    "beside": 15,
    "fetch": 5,
    "list": 15,
}
AT_ONCE = 50
STRANGERS = 80
IDLE = 200

Measure = Callable[[Contestant, int], float]
"""Seconds of one round."""

Figures = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Bench:
    root: Path
    contestants: list[Contestant]

    @property
    def calzion(self) -> Calzion:
        return next(each for each in self.contestants if isinstance(each, Calzion))

    @property
    def remote(self) -> list[Contestant]:
        return [each for each in self.contestants if not isinstance(each, Local)]

    def run(self, command: list[str], *, status: int = 0, **options: object) -> float:
        began = time.perf_counter()
        done = subprocess.run(  # type: ignore[call-overload]
            command, capture_output=True, check=False, **({"stdin": subprocess.DEVNULL} | options)
        )
        took = time.perf_counter() - began
        assert done.returncode == status, (command, done.stderr.decode()[-800:])
        return took

    def git(self, contestant: Contestant, *words: str, cwd: Path) -> float:
        return self.run(["git", *words], cwd=cwd, env=self.environment(contestant))

    def environment(self, contestant: Contestant) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_SSH_COMMAND": " ".join(contestant.ssh(self.root)),
            **{f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }

    def fresh(self, contestant: Contestant, repository: str) -> None:
        """An empty bare repository, which Calzion makes itself."""
        path = contestant.path(repository)
        shutil.rmtree(path, ignore_errors=True)
        if not isinstance(contestant, Calzion):
            self.run(["git", "init", "-q", "--bare", str(path)])
            self.run(["git", "-C", str(path), "config", "receive.autogc", "false"])

    def rounds(self, row: str, among: list[Contestant], measure: Measure) -> Figures:
        """One round more than counts, to begin with."""
        seconds: dict[str, list[float]] = {each.name: [] for each in among}
        for number in range(ROUNDS[row] + 1):
            for each in among if number % 2 else reversed(among):
                took = measure(each, number)
                if number:
                    seconds[each.name].append(took)
        return compare(row, {name: median(taken) for name, taken in seconds.items()})


def compare(row: str, seconds: dict[str, float]) -> Figures:
    figures: Figures = {f"{row}: {name} (ms)": round(took * 1000, 1) for name, took in seconds.items()}
    for name, took in seconds.items():
        if name != Calzion.name:
            figures[f"{row}: ratio to {name}"] = round(seconds[Calzion.name] / took, 2)
    for name, value in figures.items():
        print(f"{name:<45} {value}", flush=True)
    return figures


def session(bench: Bench) -> Figures:
    """Calzion refuses `true` with a sentence: the same messages go to and fro."""

    def once(contestant: Contestant, _: int) -> float:
        return bench.run(contestant.session(bench.root, "true"), status=int(isinstance(contestant, Calzion)))

    return bench.rounds("session", bench.remote, once)


def small(bench: Bench) -> Figures:
    tree, commits = history(bench, "small", ROUNDS["small"] + 2)
    for each in bench.contestants:
        bench.fresh(each, "small")
        bench.git(each, "push", "-q", each.url("small"), f"{commits[0]}:refs/heads/main", cwd=tree)

    def once(contestant: Contestant, number: int) -> float:
        refspec = f"{commits[number + 1]}:refs/heads/main"
        return bench.git(contestant, "push", "-q", contestant.url("small"), refspec, cwd=tree)

    return bench.rounds("small", bench.contestants, once)


def listing(bench: Bench) -> Figures:
    tree, commits = history(bench, "list", 1)
    for each in bench.contestants:
        bench.fresh(each, "list")
        bench.git(each, "push", "-q", each.url("list"), f"{commits[0]}:refs/heads/main", cwd=tree)
    return bench.rounds(
        "list",
        bench.contestants,
        lambda contestant, _: bench.git(contestant, "ls-remote", contestant.url("list"), cwd=tree),
    )


def many(bench: Bench) -> Figures:
    tree, commits = history(bench, "many", ROUNDS["many"] + 2)
    for each in bench.contestants:
        for number in range(AT_ONCE):
            bench.fresh(each, f"many-{number}")
            url = each.url(f"many-{number}")
            bench.git(each, "push", "-q", url, f"{commits[0]}:refs/heads/main", cwd=tree)

    def once(contestant: Contestant, number: int) -> float:
        refspec = f"{commits[number + 1]}:refs/heads/main"
        began = time.perf_counter()
        pushes = [
            subprocess.Popen(
                ["git", "push", "-q", contestant.url(f"many-{each}"), refspec],
                cwd=tree,
                env=bench.environment(contestant),
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            for each in range(AT_ONCE)
        ]
        for push in pushes:
            errors = push.communicate()[1]
            assert push.returncode == 0, errors
        return time.perf_counter() - began

    return bench.rounds("many", bench.contestants, once)


def first(bench: Bench) -> Figures:
    tree = bulk(bench)

    def once(contestant: Contestant, _: int) -> float:
        bench.fresh(contestant, "first")
        return bench.git(contestant, "push", "-q", contestant.url("first"), "HEAD:refs/heads/main", cwd=tree)

    return bench.rounds("first", bench.contestants, once)


def fetch(bench: Bench) -> Figures:
    tree = bulk(bench)
    for each in bench.contestants:
        bench.fresh(each, "fetch")
        bench.git(each, "push", "-q", each.url("fetch"), "HEAD:refs/heads/main", cwd=tree)

    def once(contestant: Contestant, _: int) -> float:
        target = bench.root / "fetched"
        shutil.rmtree(target, ignore_errors=True)
        words = ["clone", "-q", "--bare", "--no-local", contestant.url("fetch"), str(target)]
        return bench.git(contestant, *words, cwd=bench.root)

    return bench.rounds("fetch", bench.contestants, once)


def channel(bench: Bench) -> Figures:
    blob = noise(bench)

    def once(contestant: Contestant, _: int) -> float:
        command = contestant.session(bench.root, contestant.sink)
        with blob.open("rb") as data:
            return bench.run(command, status=int(isinstance(contestant, Calzion)), stdin=data)

    return bench.rounds("channel", bench.remote, once)


def beside(bench: Bench) -> Figures:
    """A session that runs nothing while another one streams."""

    def once(contestant: Contestant, _: int) -> float:
        with streaming(bench, contestant):
            return bench.run(
                contestant.session(bench.root, "true"), status=int(isinstance(contestant, Calzion))
            )

    return bench.rounds("beside", bench.remote, once)


@contextmanager
def streaming(bench: Bench, contestant: Contestant) -> Iterator[None]:
    command = contestant.session(bench.root, contestant.sink)
    with Path("/dev/zero").open("rb") as data:
        process = subprocess.Popen(command, stdin=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        time.sleep(0.5)  # it has to be in full flow
        try:
            yield
        finally:
            process.kill()
            process.communicate()


def strangers(bench: Bench) -> Figures:
    """What a client may cost that has exchanged keys, and then sends most of the largest packet there is."""
    process = bench.calzion.process
    assert process is not None
    before = Memory.of(process.pid).pss
    clients = []
    for _ in range(STRANGERS):
        client = paramiko.Transport(("127.0.0.1", bench.calzion.port))
        client.start_client(timeout=60)
        clients.append(client)
        client.sock.sendall((32_000).to_bytes(4, "big") + b"\0" * 30_000)
    time.sleep(1)  # what was sent has to be read
    each = (Memory.of(process.pid).pss - before) / STRANGERS
    for client in clients:
        client.close()
    return {"strangers: KiB of each": round(each / 1024)}


def idle(bench: Bench) -> Figures:
    process = bench.calzion.process
    assert process is not None
    key = paramiko.Ed25519Key.from_private_key_file(str(bench.root / "key"))
    clients = []
    for _ in range(IDLE):
        client = paramiko.Transport(("127.0.0.1", bench.calzion.port))
        client.start_client(timeout=60)
        client.auth_publickey("git", key)
        client.open_session(timeout=60)
        clients.append(client)
    total = Memory.of(process.pid).pss
    for client in clients:
        client.close()
    return {f"idle: MiB with {IDLE} sessions": round(total / (1 << 20), 1)}


def history(bench: Bench, name: str, commits: int) -> tuple[Path, list[str]]:
    """A tree of sixty files, and commits each of which changes one."""
    tree = bench.root / f"tree-{name}"
    local = bench.contestants[0]
    bench.run(["git", "init", "-q", str(tree)])
    for number in range(60):
        (tree / f"file{number}").write_text("line\n" * 50 + str(number))
    ids = []
    for number in range(commits):
        (tree / "file0").write_text(f"{number}\n")
        bench.git(local, "add", "-A", cwd=tree)
        bench.git(local, "commit", "-qm", str(number), cwd=tree)
        made = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=tree, check=True, capture_output=True, text=True
        )
        ids.append(made.stdout.strip())
    return tree, ids


def bulk(bench: Bench) -> Path:
    """A repository whose pack is MEGABYTES that can't be compressed."""
    tree = bench.root / "bulk"
    if tree.exists():
        return tree
    local = bench.contestants[0]
    bench.run(["git", "init", "-q", str(tree)])
    for key in ("core.compression", "pack.compression", "pack.window"):
        bench.run(["git", "-C", str(tree), "config", key, "0"])
    for number in range(MEGABYTES):
        (tree / f"file{number}").write_bytes(os.urandom(1 << 20))
    for words in (["add", "-A"], ["commit", "-qm", "bulk"], ["repack", "-qad"]):
        bench.git(local, *words, cwd=tree)
    return tree


def noise(bench: Bench) -> Path:
    blob = bench.root / "noise"
    if not blob.exists():
        blob.write_bytes(os.urandom(MEGABYTES << 20))
    return blob


ROWS: dict[str, Callable[[Bench], Figures]] = {
    "session": session,
    "small": small,
    "list": listing,
    "first": first,
    "fetch": fetch,
    "channel": channel,
    "many": many,
    "beside": beside,
    "strangers": strangers,
    "idle": idle,
}


def main(rows: list[str]) -> None:
    figures: Figures = {}
    with tempfile.TemporaryDirectory(prefix="b") as directory, ExitStack() as stack:
        root = Path(directory)
        for name in ("host", "key"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / name)], check=True
            )
        kinds: list[type[Contestant]] = [Local, Stock, Ideal, Calzion]
        contestants = [kind(root) for kind in kinds]
        for each in contestants:
            stack.callback(each.close)
        bench = Bench(root=root, contestants=contestants)
        for row in rows or ROWS:
            figures |= ROWS[row](bench)
    report("ssh", figures)


if __name__ == "__main__":
    main(sys.argv[1:])
