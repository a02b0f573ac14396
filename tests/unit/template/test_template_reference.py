"""docs/template.md holds true: its examples parse, and its tables are those of the language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from calzion.template import parse_template
from calzion.template.reference import reference_tables
from calzion.template.signals import SIGNALS

PAGE = (Path(__file__).parents[3] / "docs" / "template.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_parse(example: str) -> None:
    assert parse_template(example.encode()).services


@pytest.mark.parametrize("table", reference_tables(), ids=lambda table: table.split("|")[1].strip())
def test_the_tables_are_those_of_the_language(table: str) -> None:
    """`calzion template reference` prints them."""
    assert f"\n{table}\n\n" in PAGE


@pytest.mark.parametrize("signal", SIGNALS)
def test_every_signal_is_named(signal: str) -> None:
    assert signal in PAGE
