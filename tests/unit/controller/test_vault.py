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
    with pytest.raises(CalzionError, match="32 bytes"):
        Vault.open(tmp_path / "short")


def test_fingerprints_tell_apart_and_depend_on_the_key(tmp_path: Path) -> None:
    one, two = Vault.open(tmp_path / "one"), Vault.open(tmp_path / "two")
    assert one.fingerprint(b"a") == one.fingerprint(b"a") != one.fingerprint(b"b")
    assert one.fingerprint(b"a") != two.fingerprint(b"a")


def test_generated_values() -> None:
    values = {generate(40) for _ in range(50)}
    assert len(values) == 50 and all(len(value) == 40 and value.isalnum() for value in values)
