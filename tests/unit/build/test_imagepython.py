"""The Pythons of the image slugbuilder, where the engine is of no help."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from docker.errors import APIError

from calzion.backends.docker.engine import Engine
from calzion.build.imagepython import ImageInterpreters
from calzion.errors import CalzionError


class Api:
    """An engine that has every image, and starts nothing."""

    def __init__(self) -> None:
        self.removed: list[str] = []

    def inspect_image(self, _name: str) -> dict[str, Any]:
        return {"Id": "sha256:1"}

    def create_container(self, _image: str, **_options: Any) -> dict[str, Any]:
        return {"Id": "probe"}

    def start(self, _container: str) -> None:
        raise APIError("500", explanation="runc create failed: read-only file system")

    def remove_container(self, container: str, **_options: Any) -> None:
        self.removed.append(container)


class StubEngine:
    def __init__(self) -> None:
        self.api = Api()

    def labels(self, **_kind: str) -> dict[str, str]:
        return {}


def test_an_engine_that_starts_nothing_has_a_sentence(tmp_path: Path) -> None:
    engine = StubEngine()
    interpreters = ImageInterpreters(cast("Engine", engine), tmp_path, "python3")
    with pytest.raises(CalzionError, match="container could not be run: runc create failed") as raised:
        interpreters.available()
    assert raised.value.code == "build" and engine.api.removed == ["probe"]
