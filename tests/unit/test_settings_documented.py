from __future__ import annotations

from pathlib import Path

from calzion.config import SETTINGS

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_every_setting_is_documented_and_nothing_else() -> None:
    rows = [line.split("`")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert rows == [setting.name for setting in SETTINGS]
