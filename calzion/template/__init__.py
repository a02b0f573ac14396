"""template.yaml -> Template: what a user wrote, or everything that is wrong with it at once. Pure."""

from calzion.template.definition import as_keys
from calzion.template.document import MAX_BYTES
from calzion.template.outside import names_from_outside
from calzion.template.parse import parse_sections, parse_service, parse_template

__all__ = ["MAX_BYTES", "as_keys", "names_from_outside", "parse_sections", "parse_service", "parse_template"]
