from __future__ import annotations

from calzion.backends.docker.logs import parse
from calzion.backends.docker.redirect import rule


def test_lines_with_their_times() -> None:
    frames = iter(
        [b"2026-11-25T02:00:00.25Z one\n", b"2026-11-25T02:00:01Z \n", b"2026-11-25T02:00:02Z tw\xff\r\n"]
    )
    lines = list(parse("i", frames))
    assert [line.text for line in lines] == ["one", "", "tw\ufffd"]
    assert lines[1].time - lines[0].time == 0.75


def test_a_long_line_comes_in_frames_of_which_each_has_a_time() -> None:
    frames = iter(
        [b"2026-11-25T02:00:00Z begin ", b"2026-11-25T02:00:01Z end\n", b"2026-11-25T02:00:02Z cut"]
    )
    assert [line.text for line in parse("i", frames)] == ["begin end", "cut"]


def test_the_rule_fits_the_bridges_of_one_installation() -> None:
    words = "-i czab12cd+ -d 10.208.0.0/16 -p tcp -j REDIRECT --to-ports 6277"
    assert rule("czab12cd", "10.208.0.0/16", 6277) == words.split()
