"""Builds SOURCE in a container of the site in DIRECTORY and prints its output: a process to be killed meanwhile."""

from __future__ import annotations

import sys
from pathlib import Path

from calzion.build.directory import DirectoryTree
from calzion.model import BuildOrder, DeploymentName, ServiceName
from tests.integration.build_site import CACHE, Cancel, Output, Site


class Printed(Output):
    def log(self, text: str, source: str = "") -> None:
        print(text, flush=True)


def main(directory: str, source: str) -> None:
    order = BuildOrder(
        deployment=DeploymentName("app-test"),
        service=ServiceName("web"),
        repository="app",
        cache=CACHE,
        source=DirectoryTree(Path(source)),
    )
    Site(Path(directory), container=True).builder().build(order, Printed(), Cancel())


if __name__ == "__main__":
    main(*sys.argv[1:])
