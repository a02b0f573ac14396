"""Images of other versions of Calzion, which an upgrade leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from calzion.images.recipe import recipes

if TYPE_CHECKING:
    from docker.api.client import APIClient


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """`removed` is false where a container still needs the image; `size` in bytes is that of all its layers."""

    name: str
    tag: str
    size: int
    removed: bool


def prune(client: APIClient) -> list[Pruned]:
    """Remove the images that this version does not need and no container uses, those that build on others first.

    Raises the engine's own errors.
    """
    return [_remove(client, name, tag, size) for name, tag, size in _old(client)]


def _old(client: APIClient) -> list[tuple[str, str, int]]:
    needed = {recipe.tag for recipe in recipes().values()}
    return [
        (name, tag, int(image["Size"]))
        for name in reversed(recipes())
        for image in client.images(f"calzion/{name}")
        for tag in image["RepoTags"] or ()
        if tag.startswith(f"calzion/{name}:") and tag not in needed
    ]


def _remove(client: APIClient, name: str, tag: str, size: int) -> Pruned:
    from docker.errors import APIError

    try:
        client.remove_image(tag)
    except APIError as error:
        if error.status_code != 409:
            raise
        return Pruned(name=name, tag=tag, size=size, removed=False)
    return Pruned(name=name, tag=tag, size=size, removed=True)
