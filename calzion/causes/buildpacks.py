"""Buildpacks that know themselves why they failed."""

from __future__ import annotations

import re

from calzion.causes.cause import Cause
from calzion.causes.facts import Facts, Phase

_PROBLEM = re.compile(r"^ ! +(\S.*)", re.MULTILINE)


def own_words(facts: Facts) -> Cause | None:
    """The last line that a buildpack wrote as a problem: sentence and next step in one."""
    found = _PROBLEM.findall(facts.text) if facts.phase is Phase.BUILD else []
    return Cause(found[-1], "") if found else None
