from __future__ import annotations

import pytest

from calzion.controller.access import may_deploy, parse_pattern, require_deploy
from calzion.errors import CalzionError


@pytest.mark.parametrize(
    ("allow", "deployment", "allowed"),
    [
        ([], "anything", False),
        (["*"], "anything", True),
        (["myapp-staging"], "myapp-staging", True),
        (["myapp-staging"], "myapp-staging2", False),
        (["myapp-*"], "myapp-pr1", True),
        (["myapp-*"], "myapp", False),
        (["myapp-*"], "notmyapp-pr1", False),
        (["a", "b-*"], "b-x", True),
    ],
)
def test_who_may_deploy(allow: list[str], deployment: str, allowed: bool) -> None:
    assert may_deploy(allow, deployment) is allowed


@pytest.mark.parametrize("text", ["", "*a", "a*b", "A", "a b", "../x", "[a]", "a" * 64])
def test_patterns_that_are_none(text: str) -> None:
    with pytest.raises(CalzionError):
        parse_pattern(text)


def test_a_refusal_says_what_is_allowed() -> None:
    with pytest.raises(CalzionError) as caught:
        require_deploy("bob", ["a-*"], "b")
    assert caught.value.code == "refused" and "a-*" in caught.value.hint
    with pytest.raises(CalzionError) as caught:
        require_deploy("bob", [], "b")
    assert caught.value.hint == "it may push to no deployment at all"
