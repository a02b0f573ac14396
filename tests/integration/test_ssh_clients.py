"""A push and a clone by every client that there is a program of, on the fast path and on Paramiko's own."""

from __future__ import annotations

import base64
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pygit2
import pytest
from dulwich import porcelain
from dulwich.client import SSHGitClient

from tests.fakes.push_peer import World

CLIENTS = Path(__file__).parents[1] / "clients"
NODE_MODULES = Path(sys.prefix) / "clients" / "node_modules"


@pytest.fixture(params=[True, False], ids=["fast", "stock"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, fast=request.param)
    (world.tree / "large").write_bytes(os.urandom(3 << 20))
    world.commit("large")
    yield world
    world.close()


def run(*words: str) -> str:
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=60)
    return done.stdout


def pushes_and_clones(world: World, ssh: str, variant: str = "simple", *options: str) -> None:
    """Where `ssh` knows the port, as the simple variant has to."""
    environment = {**world.environment(), "GIT_SSH_COMMAND": ssh, "GIT_SSH_VARIANT": variant}
    url = world.url() if variant != "simple" else "git@127.0.0.1:myapp"
    copy = str(world.root / "copy")
    for words in (["push", url, "master:staging"], ["clone", "-b", "staging", url, copy]):
        done = subprocess.run(
            ["git", *options, *words],
            cwd=world.tree,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert words[0] != "push" or "remote: -----> live" in done.stderr
    arrived_whole(world)


def arrived_whole(world: World) -> None:
    assert world.ref("refs/heads/staging") == world.git("rev-parse", "HEAD")
    assert (world.root / "copy/large").read_bytes() == (world.tree / "large").read_bytes()


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_openssh_with_each_version_of_gits_protocol(world: World, version: str) -> None:
    ssh = shlex.join(world.ssh_command())
    pushes_and_clones(world, ssh, "ssh", "-c", f"protocol.version={version}")


OLD = [
    ("ecdh-sha2-nistp256", "ecdsa-sha2-nistp256", "aes128-ctr", "hmac-sha2-256"),
    ("curve25519-sha256@libssh.org", "ssh-ed25519", "aes256-ctr", "hmac-sha2-512-etm@openssh.com"),
    ("diffie-hellman-group16-sha512", "ecdsa-sha2-nistp256", "aes256-gcm@openssh.com", "hmac-sha2-512"),
]


@pytest.mark.parametrize("algorithms", OLD, ids=lambda each: each[0])
def test_openssh_of_other_years(world: World, algorithms: tuple[str, ...]) -> None:
    names = ("KexAlgorithms", "HostKeyAlgorithms", "Ciphers", "MACs")
    options = [word for pair in zip(names, algorithms, strict=True) for word in ("-o", "=".join(pair))]
    pushes_and_clones(world, shlex.join([*world.ssh_command(), *options]), "ssh")


@contextmanager
def agent(*keys: Path) -> Iterator[str]:
    """The socket of an agent that holds keys, offered in this order."""
    lines = run("ssh-agent", "-s").split(";")
    found = dict(line.strip().split("=", 1) for line in lines if "=" in line)
    environment = {**os.environ, **found}
    try:
        for key in keys:
            subprocess.run(["ssh-add", "-q", str(key)], env=environment, check=True)
        yield found["SSH_AUTH_SOCK"]
    finally:
        subprocess.run(["ssh-agent", "-k"], env=environment, check=True, stdout=subprocess.DEVNULL)


def test_an_agent_whose_fifth_key_is_the_right_one(world: World) -> None:
    wrong = [world.new_key(None, f"wrong{number}") for number in range(4)]
    options = ["StrictHostKeyChecking=no", f"UserKnownHostsFile={world.root}/known", "BatchMode=yes"]
    with agent(*wrong, world.key) as socket:
        words = [word for option in [*options, f"IdentityAgent={socket}"] for word in ("-o", option)]
        pushes_and_clones(world, shlex.join(["ssh", "-F", "/dev/null", *words]), "ssh")
    offered = [question["fingerprint"] for question in world.peer.asked]
    assert len(set(offered)) == 5


def test_a_key_of_a_kind_that_the_server_lacks_is_no_end(world: World) -> None:
    """One of a FIDO token, which ssh offers first."""
    kind = b"sk-ssh-ed25519@openssh.com"
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in (kind, os.urandom(32), b"ssh:"))
    token = world.root / "token"
    token.write_text(f"{kind.decode()} {base64.b64encode(blob).decode()} token\n")
    token.chmod(0o600)
    shown = world.try_git("ls-remote", world.url(), keys=(token,))
    assert "Permission denied (publickey)" in shown.stderr
    pushes_and_clones(world, shlex.join(world.ssh_command(token, world.key)), "ssh")


def test_several_channels_share_a_connection_of_openssh(world: World) -> None:
    world.push("master:first")
    ssh = [*world.ssh_command(), "-o", f"ControlPath={world.root}/control"]
    master = [*ssh, "-p", str(world.port), "-o", "ControlMaster=yes", "-fN", "git@127.0.0.1"]
    subprocess.run(master, check=True, timeout=60)
    before = len(world.peer.asked)

    def push(number: int) -> int:
        environment = {**world.environment(), "GIT_SSH_COMMAND": shlex.join(ssh)}
        words = ["git", "push", "-q", world.url(f"app{number}"), "master:staging"]
        return subprocess.run(words, cwd=world.tree, env=environment, check=False, timeout=60).returncode

    try:
        with ThreadPoolExecutor(5) as pool:
            assert list(pool.map(push, range(5))) == [0] * 5
    finally:
        subprocess.run([*ssh, "-O", "exit", "git@127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
    head = world.git("rev-parse", "HEAD")
    assert [world.ref("refs/heads/staging", f"app{number}") for number in range(5)] == [head] * 5
    asked = world.peer.asked[before:]
    assert all(question["repository"] for question in asked), "nobody logged in again"


def test_an_atomic_push(world: World) -> None:
    assert world.push("--atomic", "master:staging").returncode == 0
    assert world.ref("refs/heads/staging") == world.git("rev-parse", "HEAD")


def test_putty(world: World) -> None:
    key = world.root / "key.ppk"
    run("puttygen", str(world.key), "-O", "private", "-o", str(key))
    words = ["plink", "-batch", "-hostkey", world.server.fingerprint, "-i", str(key)]
    pushes_and_clones(world, shlex.join(words), "plink")


def test_dropbear(world: World) -> None:
    key = world.root / "key.dropbear"
    run("dropbearconvert", "openssh", "dropbear", str(world.key), str(key))
    pushes_and_clones(world, shlex.join(["dbclient", "-y", "-y", "-p", str(world.port), "-i", str(key)]))


@pytest.mark.parametrize("client", ["by_asyncssh.py", "by_libssh.py", "by_paramiko.py"])
def test_other_libraries(world: World, client: str) -> None:
    words = [sys.executable, str(CLIENTS / client), str(world.port), str(world.key)]
    pushes_and_clones(world, shlex.join(words))


def test_ssh2_of_node(world: World) -> None:
    words = ["env", f"NODE_PATH={NODE_MODULES}", "node", str(CLIENTS / "by_ssh2.js")]
    pushes_and_clones(world, shlex.join([*words, str(world.port), str(world.key)]))


class Trusting(pygit2.RemoteCallbacks):
    def certificate_check(self, certificate: None, valid: bool, host: bytes) -> bool:
        return True


def test_libgit2_with_libssh2(world: World) -> None:
    callbacks = Trusting(credentials=pygit2.Keypair("git", f"{world.key}.pub", str(world.key), ""))
    tree = pygit2.Repository(str(world.tree))
    tree.remotes.create("calzion", world.url()).push(
        ["refs/heads/master:refs/heads/staging"], callbacks=callbacks
    )
    pygit2.clone_repository(
        world.url(), str(world.root / "copy"), checkout_branch="staging", callbacks=callbacks
    )
    arrived_whole(world)


def test_dulwich(world: World) -> None:
    client = SSHGitClient(
        "127.0.0.1", port=world.port, username="git", ssh_command=shlex.join(world.ssh_command())
    )
    with porcelain.open_repo(str(world.tree)) as tree:
        head = tree.head()
        pushed = client.send_pack(
            b"/myapp", lambda refs: {b"refs/heads/staging": head}, tree.generate_pack_data
        )
    assert not any((pushed.ref_status or {}).values())
    client.clone("/myapp", str(world.root / "copy"), branch="staging").close()
    arrived_whole(world)
