from __future__ import annotations

import click
import pytest

from calzion.cli.dotenv import parse_dotenv


def test_lines() -> None:
    text = (
        "# a comment\n\nexport A=one two # said\r\n  B = 'as $it \"is'\n"
        'C="with \\"quotes\\" \\\\ and\\nlines"\nD=\nE="first\nsecond" # end\nF=a#b=c\nG=last'
    )
    assert parse_dotenv(text) == {
        "A": "one two",
        "B": 'as $it "is',
        "C": 'with "quotes" \\ and\nlines',
        "D": "",
        "E": "first\nsecond",
        "F": "a#b=c",
        "G": "last",
    }
    assert parse_dotenv("") == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A=1\nnothing s3cret\n", "line 2 is no NAME=VALUE"),
        ("A='s3cret", "line 1 is no"),
        ('A="1"s3cret\n', "line 1"),
        ("A=1\n\nA=s3cret", "line 3: A is given twice"),
    ],
)
def test_what_is_none_is_told_without_its_value(text: str, words: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        parse_dotenv(text)
    assert words in caught.value.message and "s3cret" not in caught.value.message
