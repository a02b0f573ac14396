"""The Docker backend on the engine of this machine, for tests, with an installation of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network
from pathlib import Path

from calzion.backends.docker.addresses import AddressPlan
from calzion.backends.docker.backend import DockerBackend
from calzion.backends.docker.engine import Engine
from calzion.backends.docker.networks import Networks
from calzion.host.directory import remove_tree
from calzion.images.recipe import recipe
from calzion.layout import Layout
from tests.containers import need_images, remove_traces
from tests.fakes.host import SERVE, write_into_slug

CONTAINER_NETWORK = "10.224.0.0/12"
ROUTER = 6900
"""Nothing listens there."""


class DockerSite:
    """Everything that it makes in the engine is gone when it is closed."""

    def __init__(
        self,
        data: Path,
        environ: Mapping[str, str] = os.environ,
        images: Callable[[str], str] = lambda name: recipe(name).tag,
        network: str = CONTAINER_NETWORK,
    ) -> None:
        need_images()
        self.layout = Layout(data)
        self.slug = data / "slug"
        write_into_slug(self.slug, "serve.py", SERVE)
        self.engine = Engine(self.layout, environ)
        self.backend = DockerBackend(
            self.engine,
            self.layout,
            Networks(self.engine, AddressPlan(IPv4Network(network))),
            images=images,
            container_port=lambda: ROUTER,
        )

    def close(self) -> None:
        self.backend.shut_down()
        self.backend.close()
        remove_traces(self.engine)
        remove_tree(self.layout.data)
