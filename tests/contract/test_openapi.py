"""Every service's OpenAPI document, as it is served: whole, valid, with examples that are what they say (issue: API)."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import TypeAdapter

from deploy.openapi.documents import APPS, FOLDER, text_of
from services.ingest.api.schemas import Ping
from shared.http.routes import COMMANDS, routes_of

Json = dict[str, Any]
FORMATS = FormatChecker()


class Service(NamedTuple):
    name: str
    app: FastAPI
    document: Json

    def operations(self) -> Iterator[tuple[str, str, Json]]:
        """(method, path, operation)."""
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                yield method.upper(), path, operation

    def resolve(self, node: Json) -> Json:
        while "$ref" in node:
            found: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def contents(self, operation: Json) -> Iterator[tuple[str, Json]]:
        """(where, media type object) of the request and of every answer."""
        for media, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"request {media}", content
        for status, answer in operation["responses"].items():
            for media, content in self.resolve(answer).get("content", {}).items():
                yield f"{status} {media}", content


@pytest.fixture(scope="module", params=sorted(APPS))
def service(request: pytest.FixtureRequest) -> Service:
    app = APPS[request.param]()
    return Service(request.param, app, app.openapi())


def values_of(content: Json) -> list[Any]:
    found = [one["value"] for one in content.get("examples", {}).values()]
    return [*found, content["example"]] if "example" in content else found


def test_no_two_shapes_share_a_name(service: Service) -> None:
    """Shapes of the same name are told apart by our module paths: names that clients generated from it would carry."""
    assert [name for name in service.document["components"]["schemas"] if "__" in name] == []


def test_document_is_valid_openapi_3_1(service: Service) -> None:
    assert service.document["openapi"].startswith("3.1")
    assert [error.message for error in OpenAPIV31SpecValidator(service.document).iter_errors()] == []


def test_every_reference_resolves(service: Service) -> None:
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(service.document)))
    assert references
    for reference in references:
        assert reference.startswith("#/components/"), reference
        service.resolve({"$ref": reference})


def test_every_operation_says_what_it_is_who_may_and_what_can_go_wrong(service: Service) -> None:
    for method, path, operation in service.operations():
        where = f"{method} {path}"
        assert operation["operationId"].isidentifier(), where
        assert 3 <= len(operation["summary"]) <= 110, where
        assert operation["tags"], where
        assert operation["security"] or path.startswith(("/oauth", "/.well-known", "/v1/sign-in")), where
        statuses = set(operation["responses"])
        wanted = {"400", "500", "503"} | ({"401"} if operation["security"] else set())
        wanted |= {"413", "415", "422"} if "requestBody" in operation else set()
        wanted |= {"404", "422"} if "{" in path else set()
        wanted |= {"304"} if method == "GET" else set()
        assert wanted <= statuses, (where, wanted - statuses)
        for status in statuses:
            if status >= "4":
                answer = service.resolve(operation["responses"][status])
                oauth = path in {"/oauth/token", "/oauth/introspect"} and status in {
                    "400",
                    "401",
                }  # RFC 6749 section 5.2 has its own form
                assert set(answer["content"]) == {f"application/{'json' if oauth else 'problem+json'}"}, (where, status)
                assert answer["description"], (where, status)


def test_every_operation_has_an_example_and_each_fits_its_schema(service: Service) -> None:
    components = service.document["components"]
    for method, path, operation in service.operations():
        shown = 0
        for place, content in service.contents(operation):
            checker = Draft202012Validator(
                content.get("schema", {}) | {"components": components}, format_checker=FORMATS
            )
            for value in values_of(content):
                shown += 1
                assert [error.message for error in checker.iter_errors(value)] == [], (method, path, place)
        for parameter in operation.get("parameters", []):
            if "example" in parameter:
                shown += 1
                checker = Draft202012Validator(parameter["schema"] | {"components": components}, format_checker=FORMATS)
                assert [e.message for e in checker.iter_errors(parameter["example"])] == [], (path, parameter["name"])
        assert shown, (method, path)


def test_every_example_of_a_body_is_accepted_by_the_code_that_reads_it(service: Service) -> None:
    """A model whose fields depend on each other brings its own whole example: `json_schema_extra={"examples": […]}`."""
    refused = []
    for route in routes_of(service.app):
        if route.context.body_field is None:
            continue
        operation = service.document["paths"][route.path][route.method.lower()]
        for media, content in operation["requestBody"]["content"].items():
            for value in values_of(content):
                body: TypeAdapter[Any] = TypeAdapter(route.context.body_field.field_info.annotation)
                try:
                    body.validate_python(value)
                except ValueError as error:
                    refused.append((route.path, media, value, str(error)))
    assert refused == []


def test_links_lead_to_operations_with_the_parameters_that_they_take(service: Service) -> None:
    by_id = {operation["operationId"]: (path, operation) for _, path, operation in service.operations()}
    assert len(by_id) == len(list(service.operations()))
    linked: set[str] = set()
    for _, _, operation in service.operations():
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                path, _ = by_id[link["operationId"]]
                linked.add(link["operationId"])
                assert all(f"{{{name}}}" in path for name in link["parameters"])
                assert path.count("{") == len(link["parameters"])
    if service.name == "claims":
        assert {"get_licence_statement", "post_claim_sent", "get_claim_form_pdf", "post_device_end"} <= linked


def test_conditional_headers_are_where_they_act(service: Service) -> None:
    for method, path, operation in service.operations():
        names = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "header"}
        assert ("If-None-Match" in names) == (method == "GET"), path
        if "If-Match" in names:
            assert method in COMMANDS and "412" in operation["responses"], path


def test_the_committed_document_is_the_code_s(service: Service) -> None:
    """`make openapi` writes them again."""
    committed = FOLDER / f"{service.name}.json"
    assert committed.read_text() == text_of(service.app), f"{committed.name} is not of this code: run `make openapi`"


KEYLESS: dict[str, dict[str, str]] = {
    "claims": {
        "/v1/preflight": "computes", "/v1/licences/{licence_id}/overlap-plan": "computes",
        "/v1/vehicles/{vehicle_id}/exemption-advice": "computes",
        "/v1/audit-cases/{case_id}/links": "refuses: a secret", "/v1/keys": "refuses: a secret",
        "/v1/keys/{key_id}/rotate": "refuses: a secret", "/v1/keys/{key_id}/revoke": "again changes nothing",
        "/oauth/token": "RFC 6749 has none", "/oauth/introspect": "RFC 7662 has none",
    },
    "classifier": {
        "/v1/keys": "refuses: a secret", "/v1/keys/{key_id}/rotate": "refuses: a secret",
        "/v1/keys/{key_id}/revoke": "again changes nothing",
    },
    "ingest": {
        "/v1/pings": "a ping counts once", "/v1/tenants/{tenant_id}/pings": "a ping counts once",
        "/v1/provider-consents": "once: 409", "/v1/provider-consents/{consent_id}/revoke": "again changes nothing",
        "/v1/keys": "refuses: a secret", "/v1/keys/{key_id}/rotate": "refuses: a secret",
        "/v1/keys/{key_id}/revoke": "again changes nothing",
    },
    "pdf": {},
}  # fmt: skip


def test_every_command_takes_an_idempotency_key_or_stands_here_with_its_reason(service: Service) -> None:
    without = {
        path
        for method, path, operation in service.operations()
        if method in COMMANDS
        and {"service": []} not in operation["security"]
        and "Idempotency-Key" not in {one["name"] for one in operation.get("parameters", [])}
    }
    assert without == KEYLESS[service.name].keys()


def test_an_example_of_ndjson_is_a_ping_on_each_line() -> None:
    content = APPS["ingest"]().openapi()["paths"]["/v1/pings"]["post"]["requestBody"]["content"]
    shown = {media: values_of(one) for media, one in content.items() if media != "application/json"}
    assert len(shown) > 3
    for media, (text,) in shown.items():
        lines = [json.loads(line) for line in text.splitlines()]
        assert len(lines) > 1, media
        assert [Ping.model_validate(line).device_id for line in lines] == ["ute-7"] * len(lines), media
