from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from calzion.causes import Facts, Phase, failed, find_cause
from calzion.model import Exit

WORDS = (
    "Traceback (most recent call last):",
    "KeyError: '{x}'",
    'File "<frozen os>", line 1, in __getitem__',
    "ModuleNotFoundError: No module named '{0}'",
    "npm ERR! code ERESOLVE",
    "sh: 1: {service}: not found",
    "line 1: A_B: unbound variable",
    "fatal error: {.h: No such file",
    " !     {deployment}",
    "in import_app",
    "    ",
    "\0",
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=80)), max_size=30),
    st.sampled_from(list(Phase)),
    st.one_of(st.none(), st.builds(Exit, status=st.integers(0, 255))),
)
def test_any_lines_are_taken(lines: list[str], phase: Phase, exit: Exit | None) -> None:
    facts = Facts(phase=phase, lines=lines, exit=exit, port=20001)
    error = failed(facts, "web: it failed")
    assert error.message.startswith("web: it failed") and error.code == phase


def test_what_programs_write_is_cut_and_made_printable() -> None:
    line = "ModuleNotFoundError: No module named '" + "a." * 200 + "x'"
    cause = find_cause(Facts(phase=Phase.START, lines=["Traceback (most recent call last):", line]))
    assert cause and len(cause.sentence) < 300


def test_braces_of_programs_are_no_places_to_fill() -> None:
    lines = ["Failed to find attribute '{deployment}' in '{0}'."]
    cause = find_cause(Facts(phase=Phase.START, lines=lines, deployment="shop"))
    assert cause and cause.sentence == "the module {0} has no '{deployment}' to serve"
