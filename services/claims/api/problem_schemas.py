"""What the API's problems mean, as OpenAPI shows them."""

from typing import Final

from shared.http.problem_schemas import problem_answers

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
PROBLEMS: Final = problem_answers(DESCRIPTIONS)
