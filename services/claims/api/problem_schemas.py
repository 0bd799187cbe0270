"""Problem documents as OpenAPI shows them (RFC 9457)."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from shared.http.problems import MEDIA_TYPE

DESCRIPTIONS: Final = {
    400: "The request cannot be read.",
    401: "No valid API key.",
    403: "The key lacks the scope.",
    404: "There is nothing with this id in the key's tenant.",
    409: "It exists already, overlaps, was claimed, or changed since the preview.",
    413: "The body is too large.",
    422: "A field is wrong; `errors` names each.",
    503: "A dependency is away or a document is not rendered yet: ask again after `Retry-After`.",
}


class FieldError(BaseModel):
    pointer: str
    code: str
    detail: str


class ProblemDocument(BaseModel):
    """Members beyond these depend on the code: `existing_id`, `licence_ids`, `differences`, `findings`, …"""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
    instance: str | None = None
    errors: list[FieldError] | None = None


def problem_answers() -> dict[int | str, dict[str, Any]]:
    schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schema["properties"]["errors"]["anyOf"][0]["items"] = FieldError.model_json_schema()
    schema.pop("$defs", None)
    return {
        status: {"description": text, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status, text in DESCRIPTIONS.items()
    }
