from __future__ import annotations

import dataclasses

import pytest

from calzion.controller.scope import LOCAL, Caller, Right
from calzion.controller.token import is_valid, new_token, read_token
from calzion.errors import CalzionError

NOW = 1_000.0


def test_a_token_proves_its_holder_until_it_expires() -> None:
    token, shown = new_token("ci", Right.DEPLOY, ("myapp-*",), NOW, NOW + 60)
    read = read_token(shown)
    assert read is not None
    id, secret = read
    assert id == token.id
    assert secret not in repr(token)
    assert is_valid(token, secret, NOW + 59.9)
    assert not is_valid(token, secret, NOW + 60)
    assert not is_valid(token, secret[:-1] + ("A" if secret[-1] != "A" else "B"), NOW)
    assert is_valid(dataclasses.replace(token, expires=None), secret, NOW * 1e6)


def test_no_token_proves_nobody() -> None:
    assert not is_valid(None, "", NOW)
    assert not is_valid(None, "x" * 43, NOW)


@pytest.mark.parametrize(
    "text", ["", "calzion", "calzion_x_y", "calzion_" + "0" * 12 + "_" + "a" * 42, "é" * 60]
)
def test_what_is_no_token(text: str) -> None:
    assert read_token(text) is None
    _, shown = new_token("ci", Right.READ, ("*",), NOW, None)
    assert read_token(shown + "\n") is None


def test_a_deployment_out_of_sight_is_one_that_is_not_there() -> None:
    caller = Caller(user="ci", right=Right.READ, allow=("myapp-*", "shop"), token="1")
    assert [caller.sees(name) for name in ("myapp-a", "shop", "shop2", "myapp", "other")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    with pytest.raises(CalzionError) as unseen:
        caller.require_on(Right.READ, "other")
    assert (unseen.value.code, unseen.value.message) == ("not_found", "there is no deployment other")
    with pytest.raises(CalzionError) as refused:
        caller.require_on(Right.DEPLOY, "shop")
    assert refused.value.code == "refused"
    caller.require_on(Right.READ, "shop")


def test_without_patterns_nothing_is_in_sight() -> None:
    assert not Caller(user="ci", right=Right.DEPLOY, token="1").sees("shop")
    assert Caller(user="root", right=Right.ADMIN, token="1").sees("shop")
    assert LOCAL.sees("shop")


def test_only_the_machine_s_administrator_speaks_for_others() -> None:
    assert LOCAL.named("alice") == "alice"
    assert Caller(user="ci", right=Right.ADMIN, token="1").named("alice") == "ci"
