"""Buildpacks that know themselves why they failed."""

from __future__ import annotations

import re

from calzion.causes.cause import Cause
from calzion.causes.facts import Facts, Phase

_PROBLEM = re.compile(r"(?:^ !(?: .*)?\n)+", re.MULTILINE)
_LINES_AFTER = 10
"""Lines that may follow what a build failed with; what more of them follow was a warning."""


def own_words(facts: Facts) -> Cause | None:
    """The problem with which a buildpack ended, lines that begin with ` !`: the first says what, with the next step."""
    if facts.phase is not Phase.BUILD:
        return None
    blocks = list(_PROBLEM.finditer(facts.text))
    if not blocks or facts.text.count("\n", blocks[-1].end()) > _LINES_AFTER:
        return None
    lines = [line.removeprefix(" !").strip() for line in blocks[-1][0].splitlines()]
    sentence = next((line for line in lines if line), "")
    return Cause(sentence, "") if sentence else None
