"""`calzion images`: what containers are made of, built on this machine."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.terminal import print_json, print_table, size
from calzion.errors import CalzionError

if TYPE_CHECKING:
    from calzion.images.building import Built, ImageBuilder

_SHOWN = 30
_WIDTH = 100


@click.group()
def images() -> None:
    """The images that containers are made of. Only the Docker backend needs them; they are built on this machine."""


@images.command("list")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@connection_options
@pass_invocation
def list_images(invocation: Invocation, as_json: bool) -> int:
    """List the images that this version needs. Exits 1 where one of them is missing."""
    from calzion.images.recipe import recipes

    states = _builder(invocation, lambda _name, _line: None).states(recipes())
    if as_json:
        print_json([asdict(each) for each in states])
    else:
        rows = [[each.name, each.tag, "missing" if each.size is None else size(each.size)] for each in states]
        print_table(["IMAGE", "TAG", "SIZE"], rows, "")
    return 1 if any(each.size is None for each in states) else 0


@images.command("build")
@click.argument("names", nargs=-1, metavar="[IMAGE]...")
@click.option("--json", "as_json", is_flag=True, help="print JSON, and the progress on standard error")
@click.option("-q", "--quiet", is_flag=True, help="say nothing of images that were there already")
@click.option("-v", "--verbose", is_flag=True, help="print every line of the builds")
@connection_options
@pass_invocation
def build(invocation: Invocation, names: tuple[str, ...], as_json: bool, quiet: bool, verbose: bool) -> None:
    """Build the images that are missing, or some of them with what they build on.

    It takes one or two minutes at first. Packages come from Debian's mirrors, through this machine's proxies.
    """
    from calzion.images.recipe import recipes

    progress = Progress(verbose=verbose)
    done: list[Built] = []
    try:
        for built in _builder(invocation, progress.told).build(names or recipes()):
            progress.clear()
            done.append(built)
            if not as_json and not (quiet and built.seconds is None):
                print(_sentence(built), flush=True)
    except CalzionError as error:
        progress.clear()
        raise CalzionError(
            error.message, hint=error.hint, code=error.code, detail=error.detail or progress.last()
        ) from error
    if as_json:
        print_json([asdict(each) for each in done])


@images.command("prune")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@connection_options
@pass_invocation
def prune_images(invocation: Invocation, as_json: bool) -> None:
    """Remove the images of other versions of Calzion, which an upgrade leaves behind.

    What a container is made of stays until the next release of its deployment. Other installations that use the
    engine, with a version of their own, build theirs anew.
    """
    from calzion.wiring import prune_images

    pruned = prune_images(invocation.settings().layout, invocation.environ)
    if as_json:
        print_json([asdict(each) for each in pruned])
        return
    for each in pruned:
        print(f"{each.tag}: {'removed' if each.removed else 'kept, a container is made of it'}")
    if not pruned:
        print("nothing to remove")


class Progress:
    """Every line on standard error where that is wanted; else a terminal sees the newest one, in one place."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose
        self._live = not verbose and sys.stderr.isatty()
        self._began = time.monotonic()
        self._lines: deque[str] = deque(maxlen=_SHOWN)
        self._name = ""

    def told(self, name: str, line: str) -> None:
        if self._live:
            text = f"{name}: {time.monotonic() - self._began:.0f} s  {line}"
            print(f"\r\x1b[K{text[:_WIDTH]}", end="", file=sys.stderr, flush=True)
        elif self._verbose:
            print(f"{name}: {line}", file=sys.stderr, flush=True)
        elif name != self._name:
            print(f"building {name}", file=sys.stderr, flush=True)
        self._name = name
        self._lines.append(line)

    def clear(self) -> None:
        """Take away what a terminal saw last."""
        if self._live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def last(self) -> list[str]:
        return list(self._lines)


def _sentence(built: Built) -> str:
    how = "was there already" if built.seconds is None else f"built in {built.seconds:.0f} s"
    return f"{built.name}: {how}, {size(built.size or 0)}  ({built.tag})"


def _builder(invocation: Invocation, told: Callable[[str, str], None]) -> ImageBuilder:
    from calzion.wiring import image_builder

    return image_builder(invocation.settings().layout, invocation.environ, told)
