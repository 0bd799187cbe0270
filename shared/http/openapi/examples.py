"""Examples of bodies, answers and parameters, made from their schemas: deterministic, and valid by construction or by test.

A field's own `examples` win; a model whose fields depend on each other brings a whole example in its `json_schema_extra`."""

import re
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from shared.http.openapi.links import resolve
from shared.http.routes import Route

Json = dict[str, Any]
DEEP_MAX: Final = 6
_TYPICAL: Final = "typical"
_JSON: Final = re.compile(r"application/(\w+\+)?json\b")
TEXTS: Final = {
    "actor": "R Hill", "address": "12 Ridge Road, Taihape", "bank_account": "01-0242-0100194-00", "channel": "email",
    "bank_account_name": "Hill Farms Limited", "contact_person": "R Hill", "customer_number": "123456789",
    "default_travel_description": "Farm work on our own land", "description": "Toyota Hilux", "device": "352093081452310",
    "email": "office@hill.example", "gps_type": "Teltonika FMC130", "km": "12.500", "name": "Hill Farms Limited",
    "number": "RUC 0012 345", "person_completing": "R Hill", "phone": "06 388 0000", "plate": "ABC123", "ref": "hill-1",
    "rate": "76.00", "ruc_type": "1", "serial": "OD-20931", "travel_description": "Farm work on our own land",
    "reason": "as the fleet's own records show", "change_reason": "the boundary was drawn wrong", "kind": "D",
    "next_cursor": "AAYk0Qx3mAAAbpYpW0Y1TqWc0Q1Tn3xQqg", "url": "https://portal.example/hooks/rucor", "claimed_as": "",
    "reference": "NZTA 2026-118", "wording": "as GET /v1/licences/{licence_id}/verification gives it", "rule": "EL1",
    "to": "2026-10-05T17:30:00+13:00", "destination": "the testing station in Taihape", "given_to": "M Tane",
    "what": "the export of the claim, by e-mail", "outcome": "no change", "code": "other",
    "words": "the most direct way there is",
}  # fmt: skip
"""By the field's name, where its schema says no more than text."""
NUMBERS: Final = {
    "start_reading": 45_000, "end_reading": 46_000, "claimable_end_reading": 46_000, "reading": 45_210, "value": 45_210,
    "units": 1, "gross_cents": 7_600, "fee_cents": 1_244, "gross_kg": 3_050, "distance_km": 512, "claimable_km": 512,
    "off_road_mm": 512_345_678, "cents": 3_891, "estimate_cents": 3_891, "limit": 100, "reason_code": 2, "lat": -40.352306,
    "default_reason_code": 2, "lng": 175.608215, "status": 409,
}  # fmt: skip
_ASKED: Final = ("actor",)
"""What a key must give, though a person who signed in leaves it out."""
_PATTERNS: Final = ("9f" * 32, "9f" * 8, "9f" * 16, "123456789", "D", "abc", "1", "", '"9f"', "2026-10-05")
_FORMATS: Final = {
    "date": "2026-10-05", "date-time": "2026-10-05T08:00:00+13:00", "binary": "%PDF-1.7", "uri": "https://portal.example/",
    "email": "office@hill.example", "time": "08:00:00", "password": "not shown",
}  # fmt: skip


def add_examples(operations: list[tuple[Route, Json]], schemas: Json) -> None:
    """To every JSON body and answer, and to every parameter that must be given."""
    for _, operation in operations:
        for parameter in operation.get("parameters", []):
            if parameter.get("required") and "example" not in parameter:
                parameter["example"] = example_of(parameter["schema"], schemas, parameter["name"], inputs=True)
        _to_content(operation.get("requestBody", {}), schemas, inputs=True)
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                _to_content(answer, schemas, inputs=False)


def _to_content(holder: Json, schemas: Json, *, inputs: bool) -> None:
    for media, content in holder.get("content", {}).items():
        if _JSON.match(media) and content.get("schema") and not {"example", "examples"} & content.keys():
            content["examples"] = {_TYPICAL: {"value": example_of(content["schema"], schemas, "", inputs=inputs)}}


def example_of(schema: Json, schemas: Json, name: str, *, inputs: bool, depth: int = 0) -> Any:
    """A value that fits.  Of a request what a key must give, of an answer everything."""
    if "$defs" in schema:
        schemas = schemas | schema["$defs"]
    if "$ref" in schema:
        called = schema["$ref"].rpartition("/")[2]
        return example_of(resolve(schema, schemas), schemas, name or called, inputs=inputs, depth=depth)
    if schema.get("examples"):
        return schema["examples"][0]
    for said in ("example", "const"):
        if said in schema:
            return schema[said]
    if "enum" in schema:
        return schema["enum"][0]
    for either in ("anyOf", "oneOf", "allOf"):
        if either in schema:
            found = [one for one in schema[either] if one.get("type") != "null"] or schema[either]
            return example_of(found[0], schemas, name, inputs=inputs, depth=depth)
    return _plain(schema, schemas, name, inputs=inputs, depth=depth)


def _plain(schema: Json, schemas: Json, name: str, *, inputs: bool, depth: int) -> Any:
    kind = schema.get("type", "object")
    if kind == "object":
        return _object(schema, schemas, inputs=inputs, depth=depth)
    if kind == "array":
        return _array(schema, schemas, name, inputs=inputs, depth=depth)
    if kind == "string":
        return text_of(schema, name)
    if kind in {"integer", "number"}:
        return _number(schema, name)
    return schema.get("default", False) if kind == "boolean" else None


def _object(schema: Json, schemas: Json, *, inputs: bool, depth: int) -> Json:
    properties = schema.get("properties", {})
    if not properties and schema.get("minProperties") and isinstance(schema.get("additionalProperties"), dict):
        called = example_of(schema.get("propertyNames", {"const": _TYPICAL}), schemas, "", inputs=inputs, depth=depth)
        return {called: example_of(schema["additionalProperties"], schemas, "", inputs=inputs, depth=depth + 1)}
    wanted = [*schema.get("required", []), *_ASKED] if inputs or depth > DEEP_MAX else list(properties)
    return {
        name: example_of(properties[name], schemas, name, inputs=inputs, depth=depth + 1)
        for name in properties
        if name in wanted
    }


def _array(schema: Json, schemas: Json, name: str, *, inputs: bool, depth: int) -> list[Any]:
    if "prefixItems" in schema:
        return [example_of(one, schemas, name, inputs=inputs, depth=depth + 1) for one in schema["prefixItems"]]
    if depth > DEEP_MAX and not schema.get("minItems"):
        return []
    one = example_of(
        schema.get("items", {"type": "string"}), schemas, name.removesuffix("s"), inputs=inputs, depth=depth + 1
    )
    return [one] * max(1, schema.get("minItems", 1))


def text_of(schema: Json, name: str) -> str:
    """The first of what the format, the name and the pattern suggest that fits."""
    kind = schema.get("format")
    if kind == "uuid":
        return str(UUID(bytes=sha256(name.encode()).digest()[:16], version=4))
    suggested = [TEXTS[name]] if name in TEXTS else []
    suggested += [_FORMATS[kind]] if kind in _FORMATS else []
    suggested += [str(schema["default"])] if schema.get("default") else []
    suggested += [name.replace("_", " ") or "text", *_PATTERNS]
    for text in suggested:
        if _fits(text, schema):
            return text
    raise ValueError(f"{name!r} has a schema that no example is known for: give it `examples` ({schema})")


def _fits(text: str, schema: Json) -> bool:
    if not schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", 10_000):
        return False
    return "pattern" not in schema or re.search(schema["pattern"], text) is not None


def _number(schema: Json, name: str) -> int | float:
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    wanted = NUMBERS.get(name, schema.get("default") or 1)
    if least is not None and wanted < least + ("exclusiveMinimum" in schema):
        wanted = least + ("exclusiveMinimum" in schema)
    if most is not None and wanted > most - ("exclusiveMaximum" in schema):
        wanted = most - ("exclusiveMaximum" in schema)
    return int(wanted) if schema.get("type") == "integer" else wanted
