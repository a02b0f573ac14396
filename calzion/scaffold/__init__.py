"""A repository as other tools describe it -> a first template.yaml for it."""

from calzion.scaffold.render import render
from calzion.scaffold.scaffold import make_scaffold
from calzion.scaffold.sketch import Scaffold
from calzion.scaffold.tree import Checkout, Tree

__all__ = ["Checkout", "Scaffold", "Tree", "make_scaffold", "render"]
