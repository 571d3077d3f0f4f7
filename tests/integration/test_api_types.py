"""A wrong type is refused at the door: every attribute of every body that the API describes, given each type that it is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Flask

from app.demo import people

WRONG: dict[str, list[Any]] = {
    "boolean": ["true", 1, {}],
    "integer": ["1", 1.5, True],
    "string": [1, {}],
    "array": ["x", {}],
    "object": ["x", []],
}


class Described:
    """The API as it describes itself."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told

    def bodies(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Method, address and schema of the JSON bodies; each schema once."""
        seen = set()
        for path, item in self.told["paths"].items():
            for method, operation in item.items():
                content = operation.get("requestBody", {}).get("content", {}) if isinstance(operation, dict) else {}
                schema = content.get("application/json", {}).get("schema")
                if schema is not None and str(schema) not in seen:
                    seen.add(str(schema))
                    yield method, path, self.whole(schema)

    def whole(self, schema: dict[str, Any]) -> dict[str, Any]:
        for part in (schema, *schema.get("anyOf", ()), *schema.get("allOf", ())):
            if "$ref" in part:
                found: dict[str, Any] = self.told["components"]["schemas"][part["$ref"].rpartition("/")[2]]
                return found
        return schema

    def least(self, schema: dict[str, Any]) -> Any:
        """A value of the right type with no more than it needs."""
        schema = self.whole(schema)
        match _type(schema):
            case "object":
                parts = schema.get("properties", {})
                return {name: self.least(parts[name]) for name in schema.get("required", ())}
            case "array":
                return [self.least(schema["items"])] * schema.get("minItems", 0)
            case "string":
                return (schema.get("enum") or ["1"])[0]
            case "integer":
                return max(schema.get("minimum", 1), 1)
            case "boolean":
                return True
        return None

    def spoiled(self, schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, str, Any]]:
        """Where, which type is expected there, and the body with another."""
        schema = self.whole(schema)
        expected = _type(schema)
        for wrong in WRONG.get(expected, ()):
            yield path, expected, wrong
        if expected == "object":
            for name, inner in schema.get("properties", {}).items():
                for where, wanted, value in self.spoiled(inner, f"{path}.{name}".lstrip(".")):
                    yield where, wanted, {**self.least(schema), name: value}
        elif expected == "array":
            for where, wanted, value in self.spoiled(schema["items"], f"{path}.0"):
                yield where, wanted, [value]


def _type(schema: dict[str, Any]) -> str:
    said = schema.get("type", "")
    return next((each for each in said if each != "null"), "") if isinstance(said, list) else str(said)


def test_every_attribute_takes_its_own_type_only(borough: Flask) -> None:
    client = borough.test_client()
    with borough.app_context():
        headers = {"Authorization": f"Bearer {people.token_for(borough, 'olive')}"}
    described = Described(client.get("/v2/openapi.json", headers=headers).get_json())
    asked: dict[str, set[str]] = {}
    wrong = []
    for method, path, schema in described.bodies():
        address = path.replace("{key}", "1")
        for where, expected, body in described.spoiled(schema):
            answer = client.open(address, method=method.upper(), json=body, headers=headers)
            told = answer.get_json()
            asked.setdefault(expected, set()).add(where)
            named = f"not well-formed: {where}" if where else "not well-formed: Invalid input type"
            if answer.status_code != 400 or named not in told["detail"]:
                wrong.append((method, path, where, expected, body, answer.status_code, told))
    assert wrong == []
    assert {"awaitCompletion", "local", "allowOverride", "withLease"} <= asked["boolean"]
    assert {"page.limit", "page.from", "operationReference", "requestTimeout", "changeset.retries"} <= asked["integer"]
    assert {"processDefinitionKey", "sort.0.field", "changeset.candidateGroups.0", "tenantId"} <= asked["string"]
    assert {"filter", "variables", "migrationPlan"} <= asked["object"]
