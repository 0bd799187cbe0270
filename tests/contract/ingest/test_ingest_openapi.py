"""The OpenAPI document against the code and the guide: what is promised outside is what is there."""

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr

from services.ingest.api import for_claims, routes, schemas
from services.ingest.providers.encoding import ENCODINGS
from services.ingest.providers.neutral import MEDIA_TYPES
from services.ingest.settings import BODY_BYTES_MAX, PINGS_MAX
from shared.contracts.neutral import parse_json
from shared.contracts.neutral_rows import FIELDS
from tests.unit.ingest.test_neutral_refusals import CASES

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "ingest-api.md"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    inner = for_claims.router(cast("Any", None), SecretStr("of nobody"))
    app = routes.create_app(cast("Any", None), cast("Any", None), cast("Any", None), inner)
    made: dict[str, Any] = json.loads(json.dumps(app.openapi()))
    return made


def test_document_is_openapi_3_1_and_every_reference_resolves(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)))
    assert references
    for reference in references:
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_routes_and_answers_are_the_promised_ones(document: dict[str, Any]) -> None:
    own = {
        path
        for path in document["paths"]
        if path.count("/") == 2 and not path.startswith(("/v1/keys", "/v1/audit-log", "/v1/provider"))
    }
    assert own == {"/v1/pings", "/v1/quarantine", "/v1/kept-tenants", "/v1/erasures"}
    post = document["paths"]["/v1/pings"]["post"]
    assert set(post["responses"]) == {
        "202",
        "207",
        "400",
        "401",
        "403",
        "408",
        "413",
        "415",
        "422",
        "429",
        "500",
        "503",
    }
    assert set(post["requestBody"]["content"]) == MEDIA_TYPES
    for status, answer in post["responses"].items():
        wanted = "application/json" if status in {"202", "207"} else "application/problem+json"
        name = answer.get("$ref", "").rpartition("/")[2]
        told = document["components"]["responses"][name] if name else answer
        assert set(told["content"]) == {wanted}, status
    assert str(PINGS_MAX) in post["requestBody"]["description"]
    assert str(BODY_BYTES_MAX) in post["requestBody"]["description"]


def test_ping_schema_has_the_parsers_fields_and_its_example_is_accepted(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["Ping"]
    assert set(schema["properties"]) == FIELDS
    assert set(schema["required"]) == {"device_id", "ts", "lat", "lng"}
    parsed = parse_json(json.dumps(schema["examples"]).encode())
    assert (len(parsed.pings), parsed.refused) == (len(schema["examples"]), [])


def test_guide_explains_every_code_limit_and_media_type() -> None:
    guide = GUIDE.read_text()
    listed = set(
        re.findall(
            r"`([a-z_]+)`", "\n".join(line.split("|")[1] for line in guide.splitlines() if line.startswith("| `"))
        )
    )
    codes = {code for code, _ in CASES} | {"ts_future", "ts_too_old"}
    assert codes <= listed
    assert listed >= FIELDS
    for number in (PINGS_MAX, BODY_BYTES_MAX):
        assert f"{number:,}" in guide
    for name in (ENCODINGS - {"", "identity", "x-gzip"}) | (MEDIA_TYPES - {"application/x-jsonlines"}):
        assert name in guide
    for status in schemas.PINGS_ANSWERS:
        assert f"| {status} " in guide


def test_example_of_the_guide_is_accepted() -> None:
    body = re.search(r"-d '(\[.*?\])'", GUIDE.read_text(), re.DOTALL)
    assert body is not None
    parsed = parse_json(body[1].encode())
    assert (len(parsed.pings), parsed.refused, parsed.unknown_fields) == (1, [], {})
