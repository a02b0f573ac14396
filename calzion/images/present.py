"""Which of Calzion's images an engine has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from calzion.errors import CalzionError
from calzion.images.recipe import recipe

if TYPE_CHECKING:
    from docker.api.client import APIClient


def look_for(client: APIClient, tag: str) -> dict[str, Any] | None:
    """What the engine says of an image, None where it has none of that name."""
    from docker.errors import ImageNotFound

    try:
        found: dict[str, Any] = client.inspect_image(tag)  # type: ignore[no-untyped-call]  # in its stubs
    except ImageNotFound:
        return None
    return found


def need(client: APIClient, name: str) -> str:
    """The id of one of Calzion's images. Raises CalzionError (unsupported) where it is not there."""
    wanted = recipe(name)
    found = look_for(client, wanted.tag)
    if found is None:
        raise CalzionError(
            f"the engine has no image {wanted.tag}",
            hint="let the server's administrator run: calzion images build",
            code="unsupported",
        )
    return str(found["Id"])
