"""OpenAPI links: from an answer that holds an id to every operation that takes it in its address.

`id` in the answer of `/v1/claims` is what `/v1/claims/{claim_id}…` takes; a member that is called as a parameter of an
address (`vehicle_id`) leads to the thing of that name."""

import re
from typing import Any, Final

from shared.http.routes import Route

Json = dict[str, Any]
_SUCCESS: Final = ("200", "201", "202")
_PARAMETER: Final = re.compile(r"/\{(\w+)\}")


def add_links(operations: list[tuple[Route, Json]], schemas: Json) -> None:
    parameter_of: dict[str, str] = {}
    for route, _ in operations:
        for found in _PARAMETER.finditer(route.path):
            parameter_of.setdefault(route.path[: found.start()], found[1])
    for route, operation in operations:
        for status in _SUCCESS:
            answer = operation["responses"].get(status, {})
            links = _links(route, answer, operations, parameter_of, schemas)
            if links:
                answer["links"] = links


def _links(
    route: Route, answer: Json, operations: list[tuple[Route, Json]], parameter_of: dict[str, str], schemas: Json
) -> Json:
    schema = resolve(answer.get("content", {}).get("application/json", {}).get("schema", {}), schemas)
    collection = route.path.rpartition("/")[0] if route.path.endswith("}") else route.path
    own = parameter_of.get(collection)
    known = set(parameter_of.values())
    members = {path.rpartition("/")[2]: name for path, name in parameter_of.items()}
    held = _held(schema, schemas, own, known, members)
    found: Json = {}
    for other, target in operations:
        wanted = other.names
        if not wanted or (other.path == route.path and other.method == route.method):
            continue
        given = {name: f"$request.path.{name}" for name in wanted if name in route.names}
        given |= {name: held[name] for name in wanted if name in held}
        about = wanted[-1] in held and (wanted[-1] == own or other.is_thing or held[wanted[-1]].endswith("/0/id"))
        if set(wanted) <= set(given) and about:
            found[target["operationId"]] = {"operationId": target["operationId"], "parameters": given}
    return found


def _held(schema: Json, schemas: Json, own: str | None, known: set[str], members: dict[str, str]) -> dict[str, str]:
    """Parameter → where in the answer its value stands.  `members`: name of a collection → parameter of its things."""
    properties = schema.get("properties", {})
    place = "$response.body#/"
    items = resolve(properties.get("items", {}), schemas)
    if items.get("type") == "array":
        properties, place = resolve(items["items"], schemas).get("properties", {}), place + "items/0/"
    found = {name: place + name for name in properties if name in known}
    if own is not None and "id" in properties:
        found[own] = place + "id"
    for name, part in properties.items():
        inner = resolve(resolve(part, schemas).get("items", {}), schemas)
        if name in members and "id" in inner.get("properties", {}):
            found.setdefault(members[name], f"{place}{name}/0/id")
    return found


def resolve(schema: Json, schemas: Json) -> Json:
    """The schema that a reference means."""
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return schema
