"""Which images an upgrade leaves behind, and which of them may go."""

from __future__ import annotations

from typing import Any, cast

from docker.api.client import APIClient
from docker.errors import APIError
from requests import Response

from calzion.images.pruning import Pruned, prune
from calzion.images.recipe import recipe

OLD, HELD = "calzion/slugbuilder:000000000000", "calzion/stack:000000000000"


class Client:
    def __init__(self) -> None:
        self.tags = {
            "calzion/stack": [HELD, recipe("stack").tag],
            "calzion/slugbuilder": [OLD, "mine/slugbuilder:1"],
        }
        self.removed: list[str] = []

    def images(self, name: str) -> list[dict[str, Any]]:
        return [{"RepoTags": [tag], "Size": 7} for tag in self.tags.get(name, ())]

    def remove_image(self, tag: str) -> None:
        if tag == HELD:
            response = Response()
            response.status_code = 409
            raise APIError("conflict", response=response)
        self.removed.append(tag)


def test_images_of_other_versions_go_but_for_those_in_use() -> None:
    client = Client()
    assert prune(cast("APIClient", client)) == [
        Pruned(name="slugbuilder", tag=OLD, size=7, removed=True),
        Pruned(name="stack", tag=HELD, size=7, removed=False),
    ]
    assert client.removed == [OLD]
