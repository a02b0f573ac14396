from __future__ import annotations

from pathlib import Path

import pytest

from calzion.controller.vault import Vault, generate
from calzion.errors import CalzionError


def test_a_value_opens_only_where_it_belongs(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path / "key")
    sealed = vault.seal("secret", "one", "PASSWORD")
    assert b"secret" not in sealed
    assert Vault.open(tmp_path / "key").unseal(sealed, "one", "PASSWORD") == "secret"
    for deployment, name in (("two", "PASSWORD"), ("one", "OTHER")):
        with pytest.raises(CalzionError):
            vault.unseal(sealed, deployment, name)
    with pytest.raises(CalzionError):
        Vault.open(tmp_path / "other").unseal(sealed, "one", "PASSWORD")


def test_the_key_is_private_and_whole(tmp_path: Path) -> None:
    Vault.open(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "short").write_bytes(b"x")
    with pytest.raises(CalzionError, match="holds no keys of 32 bytes"):
        Vault.open(tmp_path / "short")


def test_fingerprints_tell_apart_and_depend_on_the_key(tmp_path: Path) -> None:
    one, two = Vault.open(tmp_path / "one"), Vault.open(tmp_path / "two")
    assert one.fingerprint(b"a") == one.fingerprint(b"a") != one.fingerprint(b"b")
    assert one.fingerprint(b"a") != two.fingerprint(b"a")


def test_during_a_rotation_both_keys_open_and_the_new_one_seals(tmp_path: Path) -> None:
    path = tmp_path / "key"
    vault, other = Vault.open(path), Vault.open(path)
    sealed, known = vault.seal("secret", "one", "PASSWORD"), vault.fingerprint(b"a")
    with vault.rotating():
        anew = other.reseal(sealed, "one", "PASSWORD")
        assert vault.unseal(sealed, "one", "PASSWORD") == "secret"
    assert (
        vault.unseal(anew, "one", "PASSWORD") == Vault.open(path).unseal(anew, "one", "PASSWORD") == "secret"
    )
    with pytest.raises(CalzionError, match="can't be decrypted"):
        Vault.open(path).unseal(sealed, "one", "PASSWORD")
    assert Vault.open(path).fingerprint(b"a") == known
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_rotation_that_breaks_loses_no_key(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path / "key")
    first = vault.seal("one", "shop", "A")
    with pytest.raises(KeyError), vault.rotating():
        second = vault.seal("two", "shop", "B")
        raise KeyError
    with vault.rotating():
        sealed = [vault.reseal(first, "shop", "A"), vault.reseal(second, "shop", "B")]
    found = Vault.open(tmp_path / "key")
    assert [found.unseal(each, "shop", name) for each, name in zip(sealed, "AB", strict=True)] == [
        "one",
        "two",
    ]
    for each, name in ((first, "A"), (second, "B")):
        with pytest.raises(CalzionError):
            found.unseal(each, "shop", name)


@pytest.mark.parametrize(
    "content",
    [b"", b"x" * 31, b"x" * 33, b"calzion keys\n", b"calzion keys\nidentity 00\n", b"\xff" * 40]
    + [
        b"calzion keys\nidentity %s\n" % (b"00" * 32),
        b"calzion keys\nseal %s\nmore %s\n" % (b"00" * 32, b"00" * 32),
    ],
)
def test_what_holds_no_keys_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(CalzionError, match="holds no keys"):
        Vault.open(tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == content


def test_generated_values() -> None:
    values = {generate(40) for _ in range(50)}
    assert len(values) == 50 and all(len(value) == 40 and value.isalnum() for value in values)
