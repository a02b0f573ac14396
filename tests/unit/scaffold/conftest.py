from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from calzion.model import ServiceDefinition, Template
from calzion.scaffold import Checkout, Scaffold, make_scaffold, render
from calzion.template import parse_template


class Made:
    """A scaffold with its text and the template that it means."""

    def __init__(self, scaffold: Scaffold) -> None:
        self.scaffold = scaffold
        self.text = render(scaffold)
        self.template: Template = parse_template(self.text.encode(), secrets=frozenset(scaffold.wanted))
        self.services: dict[str, ServiceDefinition] = {each.name: each for each in self.template.services}

    def env(self, service: str) -> dict[str, str]:
        return dict(self.services[service].env)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Made]:
    """Makes the scaffold of a repository called shop with these files."""

    def make(files: dict[str, str], **options: object) -> Made:
        for path, content in files.items():
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(dedent(content))
        return Made(make_scaffold(Checkout(tmp_path), "shop", **options))  # type: ignore[arg-type]

    return make
