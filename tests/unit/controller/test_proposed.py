"""What a client proposes is believed in nothing: it is understood whole, or refused with a sentence."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calzion.controller.described import MOST_CONTENT, DescribedTree
from calzion.controller.proposed import Proposed
from calzion.errors import CalzionError

DIGEST = "a" * 40
CODE: dict[str, Any] = {
    "services": ["web"],
    "digest": DIGEST,
    "commit": "b" * 40,
    "names": ["Procfile", "src/"],
    "files": {"Procfile": base64.b64encode(b"web: run").decode()},
    "large": [],
}
BODY: dict[str, Any] = {
    "env": {"A": "1"},
    "generate": {"KEY": 8},
    "run": {"seed": {"service": "web", "cmd": "x"}},
    "services": {"web": {"git": "."}, "redis": {"image": "calzion/redis"}},
    "codes": [CODE],
}
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def test_a_proposal_is_a_template_and_its_code() -> None:
    proposed = Proposed.parse(BODY)
    assert [service.name for service in proposed.template.services] == ["web", "redis"]
    assert dict(proposed.template.services[0].env) == {"A": "1"}, "the template's own variables count"
    (name,) = proposed.codes
    tree = proposed.codes[name]
    assert (name, tree.digest, tree.commit) == ("web", DIGEST, "b" * 40)
    assert tree.names() == ("Procfile", "src/") and tree.read("Procfile") == b"web: run"
    assert tree.read("../../etc/passwd") is None
    with pytest.raises(ValueError, match="larger than 3 bytes"):
        tree.read("Procfile", 3)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"digest": "../../etc"}, "40 hexadecimal digits"),
        ({"digest": DIGEST + "\n"}, "40 hexadecimal digits"),
        ({"commit": "HEAD"}, "those of a commit"),
        ({"names": "Procfile"}, "lists of names"),
        ({"names": ["a/b"]}, "directories end in '/'"),
        ({"names": [".."]}, "directories end in '/'"),
        ({"names": ["x\0"]}, "directories end in '/'"),
        ({"files": {"/etc/passwd": ""}}, "on which no build depends"),
        ({"large": ["secret.key"]}, "on which no build depends"),
        ({"files": {"Procfile": "§"}}, "Procfile is no Base64"),
        ({"files": {"Procfile": None}}, "Procfile is no Base64"),
        ({"services": [1]}, "'services' is a list"),
        ({"services": ["../x"]}, "can't be used"),
        ({"services": ["redis"]}, "no service redis that takes code"),
        ({"services": ["other"]}, "no service other that takes code"),
    ],
)
def test_what_can_not_be_a_description_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(CalzionError, match=why) as caught:
        Proposed.parse({**BODY, "codes": [{**CODE, **change}]})
    assert caught.value.code == "usage"


def test_descriptions_have_a_limit_together() -> None:
    half = base64.b64encode(bytes(MOST_CONTENT // 2 + 1)).decode()
    codes = [{**CODE, "services": [name], "files": {"Pipfile.lock": half}} for name in ("web", "api")]
    services = {"web": {"git": "."}, "api": {"git": "."}}
    with pytest.raises(CalzionError, match="more than 1048576 bytes"):
        Proposed.parse({"services": services, "codes": codes})


@given(part=st.sampled_from(sorted(BODY)), inside=st.sampled_from([None, *sorted(CODE)]), value=_JSON)
def test_whatever_comes_is_understood_or_refused(part: str, inside: str | None, value: object) -> None:
    body = {**BODY, part: value} if inside is None else {**BODY, "codes": [{**CODE, inside: value}]}
    try:
        proposed = Proposed.parse(body)
    except CalzionError as error:
        assert error.code in ("usage", "template", "unsupported")
    else:
        assert all(isinstance(tree, DescribedTree) for tree in proposed.codes.values())
