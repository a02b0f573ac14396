"""One line of a table: a pattern of what programs write, and what it means."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from calzion.causes.cause import Cause
from calzion.causes.facts import Facts, Phase

Explain = Callable[[re.Match[str], Facts], Cause | None]
"""Says what a match means, or None where it means something else after all."""

ALWAYS = frozenset(Phase)
BUILDING = frozenset({Phase.BUILD})
RUNNING = ALWAYS - BUILDING

_LONGEST_VALUE = 100


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`raised` rules look only at the last traceback, since a program survived the ones before."""

    pattern: re.Pattern[str]
    explain: Explain
    phases: frozenset[Phase]
    raised: bool

    def apply(self, facts: Facts) -> Cause | None:
        """The cause that the last match of the pattern tells."""
        if facts.phase not in self.phases:
            return None
        text = facts.last_traceback if self.raised else facts.text
        matches = deque(self.pattern.finditer(text), maxlen=1)
        cause = self.explain(matches[0], facts) if matches else None
        return replace(cause, line=_last_line(matches[0])) if cause else None


def rule(
    pattern: str, sentence: str, hint: str, *, phases: frozenset[Phase] = ALWAYS, raised: bool = False
) -> Rule:
    """A rule in words. They may name the pattern's groups, `{service}`, `{deployment}` and `{port}`."""
    return explained(pattern, say(sentence, hint), phases=phases, raised=raised)


def explained(
    pattern: str, explain: Explain, *, phases: frozenset[Phase] = ALWAYS, raised: bool = False
) -> Rule:
    """A rule whose words depend on more than the match."""
    return Rule(
        pattern=re.compile(pattern, re.MULTILINE),
        explain=explain,
        phases=phases,
        raised=raised,
    )


def say(sentence: str, hint: str) -> Explain:
    return lambda match, facts: Cause(
        fill(sentence, facts, **_groups(match)), fill(hint, facts, **_groups(match))
    )


def fill(words: str, facts: Facts, **values: str) -> str:
    return words.format(service=facts.service, deployment=facts.deployment, port=facts.port, **values)


def _groups(match: re.Match[str]) -> dict[str, str]:
    return {name: tidy(value or "") for name, value in match.groupdict().items()}


def _last_line(match: re.Match[str]) -> str:
    """The whole line in which the match ends."""
    text, end = match.string, match.end() - match[0].endswith("\n")
    return text[text.rfind("\n", 0, end) + 1 : text.find("\n", end)]


def tidy(value: str) -> str:
    """What a program wrote, fit to stand in a sentence. Paths are told from the app's directory."""
    text = " ".join("".join(each if each.isprintable() else " " for each in value).split()).removeprefix(
        "/app/"
    )
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."
