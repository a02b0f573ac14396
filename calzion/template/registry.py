"""The registry that an image comes from. Pure."""

from __future__ import annotations

from calzion.template.image import ImageReference

DOCKER_HUB = "docker.io"
_ALSO_DOCKER_HUB = frozenset({"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


def registry_of(reference: ImageReference) -> str:
    """The host, with the port where one is named; of a reference without one, what container engines take."""
    return normal(reference.registry or DOCKER_HUB)


def parse_registry(text: str) -> str:
    """HOST or HOST:PORT as an administrator writes it, an address in a browser too. Raises ValueError."""
    host = text.strip().removeprefix("https://").removeprefix("http://").split("/")[0]
    # Alone, a name without dot and port would be read as a part of the path.
    reference = ImageReference.parse(f"{host}/image")
    if reference.registry != host:
        raise ValueError(
            f"{text[:80]!a} is no registry: write HOST or HOST:PORT, such as registry.example.com"
        )
    return normal(host)


def normal(host: str) -> str:
    """One name for each registry."""
    lower = host.lower()
    return DOCKER_HUB if lower in _ALSO_DOCKER_HUB else lower
