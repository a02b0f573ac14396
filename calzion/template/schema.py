"""The JSON Schema of templates, for editors: made of the same models that accept a template."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from calzion.template.rules import BUILT, FOR_APPS, NOT_TOGETHER
from calzion.template.shape import SectionsShape, ServiceShape

Schema = dict[str, Any]

_SERVICE = "ServiceShape"


def template_schema() -> Schema:
    """A schema (draft 2020-12) that refuses no template which Calzion takes, and most that it does not."""
    _, made = models_json_schema([(SectionsShape, "validation"), (ServiceShape, "validation")])
    definitions: Schema = {name: _tidy(schema) for name, schema in made["$defs"].items()}
    sections = definitions.pop(SectionsShape.__name__)["properties"]
    definitions[_SERVICE] |= _between_keys()
    definitions["HealthcheckShape"] |= _not_together(("cmd", "path"), ("cmd", "port"))
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "title": "template.yaml of Calzion",
        "description": "The services that together make up one application.",
        "type": "object",
        "minProperties": 1,
        "properties": sections,
        "patternProperties": {f"^(?!({'|'.join(sections)})$)[A-Z]": False},
        "additionalProperties": {"anyOf": [{"$ref": f"#/$defs/{_SERVICE}"}, {"type": "null"}]},
        "$defs": definitions,
    }


def _between_keys() -> Schema:
    """What the keys of a service mean for each other."""
    return {
        **_not_together(*((one, other) for one, other, _ in NOT_TOGETHER)),
        "dependentRequired": {key: ["git"] for key, _ in FOR_APPS},
        "dependentSchemas": {"build_env": {"anyOf": [{"required": [key]} for key in BUILT]}},
    }


def _not_together(*pairs: tuple[str, str]) -> Schema:
    return {"allOf": [{"not": {"required": list(pair)}} for pair in pairs]}


def _tidy(schema: Any) -> Any:
    """Without defaults, which say how Calzion stores what is not there, and with maps whose names are all known."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _tidy_below(key, value) for key, value in schema.items() if key != "default"}
    if "patternProperties" in found:
        found["additionalProperties"] = False
    return _without_null(found)


def _tidy_below(key: str, value: Any) -> Any:
    """`properties` and the like map names, not keywords, to schemas; `examples` hold no schemas."""
    if key in ("properties", "patternProperties"):
        return {name: _tidy(schema) for name, schema in value.items()}
    return value if key == "examples" else _tidy(value)


def _without_null(schema: Schema) -> Schema:
    """A key that may be left out is a union with null in Python; in a template it has a value, or is not there."""
    choices = schema.get("anyOf", [])
    if len(choices) < 2 or choices[-1] != {"type": "null"}:
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**choices[0], **rest} if len(choices) == 2 else {**rest, "anyOf": choices[:-1]}
