"""docs/template.md holds true: its examples parse, and it names every key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from calzion.template import parse_template
from calzion.template.shape import HealthcheckShape, SectionsShape, ServiceShape, Shape, StopShape, TaskShape

PAGE = (Path(__file__).parents[3] / "docs" / "template.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_parse(example: str) -> None:
    assert parse_template(example.encode()).services


@pytest.mark.parametrize("shape", [ServiceShape, HealthcheckShape, SectionsShape, TaskShape])
def test_every_key_has_its_row(shape: type[Shape]) -> None:
    missing = [key for key in shape.model_fields if f"\n| `{key}` |" not in PAGE]
    assert not missing


@pytest.mark.parametrize("key", list(StopShape.model_fields))
def test_every_other_key_is_named(key: str) -> None:
    assert f"`{key}`" in PAGE
