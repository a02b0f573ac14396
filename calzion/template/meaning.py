"""What a key means, beside the key: for the JSON Schema that editors read, and for the reference.

They are compared by identity, because typing hashes what stands in an `Annotated`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


@dataclass(frozen=True, eq=False)
class Meaning:
    """Stands in an `Annotated`. Both texts are Markdown on one line; `default` says what counts without the key."""

    text: str
    default: str = ""
    examples: tuple[Any, ...] = ()

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core)
        default = f" Default: {self.default}." if self.default else ""
        schema["description"] = f"{self.text[:1].upper()}{self.text[1:]}.{default}"
        if self.examples:
            schema["examples"] = list(self.examples)
        return schema


@dataclass(frozen=True, eq=False)
class OrNothing:
    """Stands in an `Annotated`: the key may be left without a value."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core)
        if isinstance(schema.get("type"), str):
            return {**schema, "type": [schema["type"], "null"]}
        # Pydantic writes null last where a key is optional in Python; this one means a null in the template.
        return {"anyOf": [{"type": "null"}, schema]}


@dataclass(frozen=True, eq=False)
class Also:
    """Stands in an `Annotated`: what the schema says besides."""

    schema: dict[str, Any]

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core), **self.schema}


@dataclass(frozen=True, eq=False)
class OrShort:
    """Stands in an `Annotated`: the value has a short form, for which this is the schema."""

    schema: dict[str, Any]

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [self.schema, handler(core)]}
