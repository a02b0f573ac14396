"""The document at /v1/openapi.json: it holds together, and describes what the API does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel

from calzion.controller.api import bodies
from calzion.controller.api.app import ApiParts, routes
from calzion.controller.api.openapi import describe
from calzion.controller.api.permission import declared
from calzion.errors import CalzionError


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    class Anything:
        def __getattr__(self, _: str) -> Any:
            return Anything()

        def __call__(self, *_: Any) -> Any:
            return None

    parts: ApiParts = Anything()  # type: ignore[assignment]
    found: dict[str, Any] = json.loads(json.dumps(describe(routes(parts))))
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], list[dict[str, Any]]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method, operation, item.get("parameters", [])


def references(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        yield from ([data["$ref"]] if isinstance(data.get("$ref"), str) else [])
        data = list(data.values())
    for each in data if isinstance(data, list) else ():
        yield from references(each)


def test_the_document_holds_together(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    for reference in set(references(document)):
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    assert '"default":' not in json.dumps(document["components"]), "most could not be given"
    ids = [operation["operationId"] for _, _, operation, _ in operations(document)]
    assert len(ids) == len(set(ids))
    for path, method, operation, parameters in operations(document):
        assert re.findall(r"{(\w+)}", path) == [each["name"] for each in parameters], (method, path)
        assert operation["responses"]["default"]["content"]["application/json"]["schema"]["$ref"]
        assert operation["x-scope"] in ("none", "read", "deploy", "admin")


def test_every_model_of_a_body_is_taken_somewhere(document: dict[str, Any]) -> None:
    own = {
        name
        for name, each in vars(bodies).items()
        if isinstance(each, type) and issubclass(each, BaseModel) and each.__module__ == bodies.__name__
    }
    assert own - set(document["components"]["schemas"]) == {"Body", "ByUser"}


def test_a_body_is_as_its_schema_says(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    promote = jsonschema.Draft202012Validator(schemas["Promote"])
    assert promote.is_valid({"from": "shop", "plan": True})
    assert not promote.is_valid({"plan": True})
    assert not promote.is_valid({"from": "shop", "plan": "yes"})
    scale = jsonschema.Draft202012Validator(schemas["Scale"])
    assert scale.is_valid({"counts": {"web": 2}})
    assert not scale.is_valid({"counts": {}})
    assert schemas["ServiceShape"]["additionalProperties"] is False


def test_only_real_names_of_the_errors_stand_in_it(document: dict[str, Any]) -> None:
    for code in document["components"]["schemas"]["Error"]["properties"]["code"]["enum"]:
        assert CalzionError("x", code=code).code == code


def test_what_is_declared_is_there(document: dict[str, Any]) -> None:
    run = document["paths"]["/v1/deployments/{deployment}/run"]["post"]
    assert "101" in run["responses"]
    code = document["paths"]["/v1/deployments/{deployment}/releases/{number}/services/{service}/code"]["put"]
    assert set(code["requestBody"]["content"]) == {"application/json", "application/x-tar"}
    logs = document["paths"]["/v1/deployments/{deployment}/logs"]["get"]
    assert [each["name"] for each in logs["parameters"]] == ["service", "lines", "follow", "since"]
    assert declared(object()) == {}
