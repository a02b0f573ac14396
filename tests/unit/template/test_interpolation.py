from __future__ import annotations

import pytest

from calzion.template.interpolation import (
    InterpolationError,
    UnknownName,
    circle,
    interpolate,
    references,
    scope,
    skeleton,
)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain $A {A} $ {A}", "plain $A {A} $ {A}"),
        ("${A}", "1"),
        ("${A}${B}/${A}", "12/1"),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
        ("$${", "${"),
        ("$$", "$$"),
        ("${NEST}", "${A}"),
        ("", ""),
    ],
)
def test_interpolate(text: str, result: str) -> None:
    assert interpolate(text, {"A": "1", "B": "2", "NEST": "${A}"}) == result


def test_an_unknown_name_is_a_key_error_with_the_name() -> None:
    with pytest.raises(UnknownName, match=r"\$\{NO\} names nothing") as caught:
        interpolate("x ${NO}", {"A": "1"})
    assert caught.value.name == "NO"
    assert isinstance(caught.value, KeyError)


@pytest.mark.parametrize("text", ["${", "a ${ A}", "${A", "${}", "${1}", "${A-x}", "${A:-x}", "${ä}"])
def test_an_unfinished_reference_is_an_error(text: str) -> None:
    with pytest.raises(InterpolationError, match="is no reference"):
        interpolate(text, {"A": "1"})
    with pytest.raises(InterpolationError, match="is no reference"):
        references(text)


def test_references_in_order_once_each() -> None:
    assert references("${B} ${A} $${C} ${B}") == ["B", "A"]
    assert references("${A} ${", strict=False) == ["A"]


def test_skeleton_keeps_the_form() -> None:
    assert skeleton("${R}/app:${T}") == "x/app:x"


def test_scope_prefers_secrets_and_generated_values_to_env_and_env_to_built_in_names() -> None:
    env = (("A", "env"), ("B", "${A}-${SERVICE}"), ("DEPLOYMENT", "mine"), ("C", "${B}!"))
    values = scope(env, first={"A": "secret"}, last={"SERVICE": "web", "DEPLOYMENT": "theirs"})
    assert values == {
        "A": "secret",
        "B": "secret-web",
        "C": "secret-web!",
        "DEPLOYMENT": "mine",
        "SERVICE": "web",
    }


def test_env_may_hand_on_a_generated_value_of_its_own_name() -> None:
    assert scope((("PASS", "${PASS}"),), first={"PASS": "x"}, last={}) == {"PASS": "x"}


def test_scope_refuses_circles_and_unknown_names() -> None:
    with pytest.raises(InterpolationError, match="circle"):
        scope((("A", "${B}"), ("B", "${A}")), first={}, last={})
    with pytest.raises(UnknownName):
        scope((("A", "${B}"),), first={}, last={})


def test_circle_shows_the_way() -> None:
    found = circle({"A": "${B}", "B": "${C}", "C": "${B}"})
    assert found in (["B", "C", "B"], ["C", "B", "C"])
    assert circle({"A": "${B}", "B": "x"}) == []


def test_values_that_double_each_other_end_soon() -> None:
    env = tuple((f"N{n}", f"${{N{n - 1}}}${{N{n - 1}}}") for n in range(1, 60))
    with pytest.raises(InterpolationError, match="longer than"):
        scope(env, first={"N0": "x"}, last={})
