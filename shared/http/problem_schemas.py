"""Problem documents as OpenAPI shows them (RFC 9457)."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.http.problems import MEDIA_TYPE


class FieldError(BaseModel):
    pointer: str
    code: str
    detail: str


class ProblemDocument(BaseModel):
    """Members beyond these depend on the code, and the answers' descriptions name them."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
    instance: str | None = None
    errors: list[FieldError] | None = None


def problem_answers(descriptions: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a router: status → what it means here."""
    schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schema["properties"]["errors"]["anyOf"][0]["items"] = FieldError.model_json_schema()
    schema.pop("$defs", None)
    return {
        status: {"description": text, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status, text in descriptions.items()
    }
