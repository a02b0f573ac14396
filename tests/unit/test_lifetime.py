from __future__ import annotations

import pytest

from calzion.errors import CalzionError
from calzion.lifetime import LONGEST, NEVER, describe_end, is_near, parse_ttl, span

DAY = 86_400


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1m", 60),
        ("90m", 5400),
        ("12h", 43_200),
        ("3d", 3 * DAY),
        ("2w", 14 * DAY),
        ("365d", LONGEST),
        ("never", NEVER),
    ],
)
def test_a_time_to_live(text: str, seconds: int) -> None:
    assert parse_ttl(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "3", "0m", "59s", "366d", "53w", "-1d", "1.5d", "3D", "٣d", "3d\n", "9" * 40 + "d"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(CalzionError) as caught:
        parse_ttl(text)
    assert caught.value.code == "usage" and "3d" in caught.value.hint


@pytest.mark.parametrize(
    ("ttl", "left", "near"),
    [
        (3 * DAY, 2 * DAY, False),
        (3 * DAY, DAY, True),
        (30 * DAY, 3 * DAY, True),
        (30 * DAY, 3 * DAY + 1, False),
        (3600, 3600, True),
    ],
)
def test_the_end_stands_out_when_it_is_near(ttl: int, left: int, near: bool) -> None:
    assert is_near(1000.0 + left, ttl, 1000.0) is near


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "less than a minute"),
        (60, "1 min"),
        (3 * DAY, "3 d"),
        (3 * DAY - 1, "2 d 23 h"),
        (5 * 3600 + 59 * 60, "5 h 59 min"),
        (DAY + 60, "1 d"),
    ],
)
def test_what_is_left(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_the_end_is_told_with_its_moment() -> None:
    assert describe_end(3 * DAY, 0.0) == "removes itself in 3 d (1970-01-04 00:00 UTC)"
