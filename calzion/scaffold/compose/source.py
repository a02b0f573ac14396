"""`build` and `image` of a Compose service -> `git`, `build` or `image`."""

from __future__ import annotations

from calzion.scaffold.apps import is_app
from calzion.scaffold.compose.context import Owner
from calzion.scaffold.compose.reading import scalar
from calzion.scaffold.images import is_appliance, is_pinned, last_part
from calzion.scaffold.tree import joined
from calzion.template.data import Data


def source_keys(service: dict[str, Data], owner: Owner) -> dict[str, str]:
    """Where the service's code comes from; empty where nothing says it."""
    build = service.get("build")
    if build is not None:
        return _built(build, owner)
    written = scalar(service.get("image"))
    if written is None:
        return {}
    image = owner.text(written)
    if is_appliance(image) and is_pinned(image):
        name = last_part(image)
        owner.decide(f"{image} is written without its tag: that is the {name} that Calzion brings")
        return {"image": name}
    return {"image": image}


def _built(build: Data, owner: Owner) -> dict[str, str]:
    written = scalar(build.get("context")) if isinstance(build, dict) else scalar(build)
    context = owner.fixed(written or ".")
    directory = joined(owner.context.directory, context) if context and "://" not in context else None
    if directory is None:
        owner.leave(f"the build of {written}: it is not in the repository")
        return {}
    _say_arguments(build, owner)
    if is_app(owner.context.tree, directory):
        owner.decide("it is built by a buildpack, not by its Dockerfile")
        return {"git": directory}
    return {"build": directory}


def _say_arguments(build: Data, owner: Owner) -> None:
    for key in ("args", "target", "secrets", "ssh", "additional_contexts"):
        if isinstance(build, dict) and build.get(key):
            owner.leave(f"build.{key}")
    dockerfile = scalar(build.get("dockerfile")) if isinstance(build, dict) else None
    if dockerfile and dockerfile.removeprefix("./") != "Dockerfile":
        owner.leave(f"build.dockerfile: {dockerfile}")
