from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from calzion.errors import CalzionError
from calzion.sshd.hostkeys import fingerprint, host_keys, read_host_keys, replace_host_keys
from calzion.sshd.relay import plain

OTHER = 54_321


def test_host_keys_are_made_once_and_private(tmp_path: Path) -> None:
    first = host_keys(tmp_path / "ssh")
    assert [key.get_name() for key in first] == ["ssh-ed25519", "ecdsa-sha2-nistp256"]
    assert [fingerprint(key) for key in host_keys(tmp_path / "ssh")] == [fingerprint(key) for key in first]
    for path in (tmp_path / "ssh").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shown = subprocess.run(
        ["ssh-keygen", "-lf", str(tmp_path / "ssh/host_ed25519")], check=True, capture_output=True, text=True
    )
    assert shown.stdout.split()[1] == fingerprint(first[0])


def test_a_damaged_host_key_is_not_replaced(tmp_path: Path) -> None:
    host_keys(tmp_path)
    (tmp_path / "host_ed25519").write_text("damaged")
    with pytest.raises(CalzionError, match="host_ed25519 can't be read"):
        host_keys(tmp_path)
    assert (tmp_path / "host_ed25519").read_text() == "damaged"


@pytest.mark.parametrize("owner", [os.geteuid(), *([OTHER] if os.geteuid() == 0 else [])])
def test_restored_keys_belong_to_the_owner_of_the_directory(tmp_path: Path, owner: int) -> None:
    host_keys(tmp_path / "old")
    os.chown(tmp_path / "old", owner, owner if owner == OTHER else -1)
    kept = read_host_keys(tmp_path / "old")
    victim = tmp_path / "victim"
    victim.write_text("whole")
    (tmp_path / "old" / f".host_ed25519.{os.getpid()}").symlink_to(victim)
    replace_host_keys(tmp_path / "old", kept)
    assert read_host_keys(tmp_path / "old") == kept and victim.read_text() == "whole"
    assert {path.stat().st_uid for path in (tmp_path / "old").iterdir()} == {owner}


def test_a_link_in_the_place_of_a_key_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "host_ed25519").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError):
        read_host_keys(tmp_path)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("a\tb", "a\tb"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("a\rb\x08\x7f\x9b2J", "ab2J"),
        ("\x1bc", "c"),
        ("grün", "grün"),
    ],
)
def test_no_line_steers_a_terminal(line: str, shown: str) -> None:
    assert plain(line) == shown
