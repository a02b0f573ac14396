"""A Compose file -> services of a template. Pure."""

from calzion.scaffold.compose.project import FILES, read_project
from calzion.scaffold.compose.volumes import moved

__all__ = ["FILES", "moved", "read_project"]
