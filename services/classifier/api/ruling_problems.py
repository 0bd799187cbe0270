"""What the API is for and what its problems mean, as OpenAPI shows them."""

from typing import Final

from shared.http.problem_schemas import problem_answers

DESCRIPTION: Final = """\
What a tenant tells the off-road scheme: **declared land** (rule SU7) and **exclusions** of faulty data or places.

Send `Authorization: Bearer <key>`; the tenant is the key's. A command may carry an `Idempotency-Key`: the same key with the
same request gives the first answer again, with another request it is refused. Nothing is ever edited: a correction is a new
version, and every version stays readable, since claims stand on them.

Each change has all device-days that it touches computed again, usually within seconds (`device_days` in the answer says how
many). Until then each carries an open hold, so no claim is lodged on figures that are about to change; a claim that was
lodged before is flagged, never changed."""

PROBLEMS: Final = problem_answers(
    {
        400: "The request cannot be read.",
        401: "No valid API key.",
        403: "The key lacks the scope.",
        404: "There is nothing with this id in the key's tenant.",
        409: "It changed since you read it (`changed_meanwhile`), its state does not allow this (`wrong_state`), there are too "
        "many, or the Idempotency-Key was used for something else.",
        413: "The body is too large.",
        422: "A field is wrong; `errors` names each by a pointer into the body.",
        503: "The database is away: ask again after `Retry-After`.",
    }
)
