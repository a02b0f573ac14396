"""What real programs wrote when they failed, and the cause that is told for it.

Each file of `logs` has a head (how the log was made, the facts, the expected cause, words of its hint), a line `---`,
and the log. Files whose cause is `none` are healthy logs, and failures that no hint would explain without a guess.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from calzion.causes import Facts, Phase, find_cause
from calzion.model import Exit

LOGS = {file.stem: file for file in sorted((Path(__file__).parent / "logs").glob("*.txt"))}
ENOUGH = 200


def read(name: str) -> tuple[dict[str, str], list[str]]:
    head, _, log = LOGS[name].read_text(encoding="utf-8").partition("---\n")
    pairs = (line.partition(": ") for line in head.splitlines())
    return {key: value for key, _, value in pairs}, log.splitlines()


def facts_of(head: dict[str, str], lines: list[str]) -> Facts:
    phase = Phase(head["phase"])
    status = int(head["exit"]) if "exit" in head else None
    ended = status is not None or "signal" in head
    serves = phase in (Phase.START, Phase.HEALTH)
    return Facts(
        phase=phase,
        lines=lines,
        service="web",
        deployment="shop",
        exit=Exit(status=status, signal=head.get("signal"), oom="oom" in head) if ended else None,
        port=20001 if serves else None,
        listening=tuple(int(port) for port in head.get("listening", "").split()),
        path=head.get("path", ""),
        status=int(head["status"]) if "status" in head else None,
        variables=frozenset(head.get("variables", "").split()),
    )


@pytest.mark.parametrize("name", LOGS)
def test_the_cause_is_told_or_none_is(name: str) -> None:
    head, lines = read(name)
    assert head["made"]
    cause = find_cause(facts_of(head, lines))
    if head["cause"] == "none":
        assert cause is None
        return
    assert cause and cause.sentence == head["cause"]
    assert head.get("hint", "") in cause.hint


def test_the_logs_are_there() -> None:
    assert len(LOGS) >= ENOUGH
