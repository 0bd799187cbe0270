"""The token endpoint as OpenAPI shows it: OAuth's own shapes, with examples (RFC 6749 sections 4.4, 5.1, 5.2; RFC 8693)."""

from typing import Any, Final

FORM: Final = "application/x-www-form-urlencoded"
CLIENT_CREDENTIALS: Final = "client_credentials"
EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN: Final = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - a name
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name
_TEXT: Final = {"type": "string"}
_JWT: Final = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2ln"


def _object(required: list[str], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}


def _json(description: str, schema: dict[str, Any], **examples: dict[str, Any]) -> dict[str, Any]:
    shown = {name: {"value": value} for name, value in examples.items()}
    return {"description": description, "content": {"application/json": {"schema": schema, "examples": shown}}}


_REQUEST: Final = _object(
    ["grant_type"],
    {
        "grant_type": {"type": "string", "enum": [CLIENT_CREDENTIALS, EXCHANGE]},
        "scope": _TEXT | {"description": "Less than there is; left out: all of it."},
        "client_id": _TEXT | {"description": "The key's public part; or HTTP Basic."},
        "client_secret": _TEXT | {"description": "The key."},
        "subject_token": _TEXT | {"description": "The ID token: good for one access token."},
        "subject_token_type": _TEXT | {"description": f"Always {ID_TOKEN}."},
        "requested_token_type": _TEXT | {"description": f"Always {ACCESS_TOKEN}, or left out."},
        "tenant": _TEXT
        | {"description": "The one to act in: at the first sign-in there, and for a person of several."},
        "nonce": _TEXT | {"description": "The one that you sent to the provider, which the ID token bears."},
    },
)
_MACHINE: Final = {
    "grant_type": CLIENT_CREDENTIALS, "client_id": "3f2a91bc", "client_secret": "rucor_3f2a91bc_…", "scope": "claims:read",
}  # fmt: skip
_PERSON: Final = {
    "grant_type": EXCHANGE, "subject_token_type": ID_TOKEN, "subject_token": _JWT, "nonce": "n-0S6_WzA2Mj",
}  # fmt: skip
REQUEST: Final = {
    "required": True,
    "content": {FORM: {"schema": _REQUEST, "examples": {"machine": {"value": _MACHINE}, "person": {"value": _PERSON}}}},
}
_TOKEN: Final = _object(
    ["access_token", "token_type", "expires_in", "scope"],
    {
        "access_token": _TEXT,
        "token_type": {"type": "string", "const": "Bearer"},
        "expires_in": {"type": "integer"},
        "scope": _TEXT,
        "issued_token_type": _TEXT | {"description": "Of a token exchange alone."},
    },
)
_GIVEN: Final = {"access_token": _JWT, "token_type": "Bearer", "expires_in": 900, "scope": "claims:read"}
_ERROR: Final = _object(
    ["error", "error_description"],
    {
        "error": _TEXT,
        "error_description": _TEXT,
        "tenants": {
            "type": "array",
            "items": _object(["tenant", "name"], {"tenant": {"type": "string", "format": "uuid"}, "name": _TEXT}),
            "description": "Those in which the person may act, where they have to name one.",
        },
    },
)
_CHOICE: Final = [{"tenant": "6a0c2b1e-3f47-4d8f-9a56-0d1f2e3a4b5c", "name": "Hill Farms"}]
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: _json(
        "A token for 15 minutes (RFC 6749 section 5.1).", _TOKEN, machine=_GIVEN,
        person=_GIVEN | {"issued_token_type": ACCESS_TOKEN},
    ),
    400: _json(
        "The request or the grant is refused (RFC 6749 section 5.2).", _ERROR,
        refused={"error": "invalid_request", "error_description": "The ID token is not taken: it has expired."},
        several={"error": "invalid_request", "error_description": "You are a person of several tenants.", "tenants": _CHOICE},
    ),
    401: _json(
        "The client is not known (RFC 6749 section 5.2).", _ERROR,
        refused={"error": "invalid_client", "error_description": "The client is unknown, or its key is revoked."},
    ),
}  # fmt: skip
ASKED: Final = {
    "required": True,
    "content": {
        FORM: {"schema": _object(["token"], {"token": _TEXT}), "examples": {"token": {"value": {"token": _JWT}}}}
    },
}
STANDING: Final[dict[int | str, dict[str, Any]]] = {
    200: _json(
        "Whether it works (RFC 7662 section 2.2).", _object(["active"], {"active": {"type": "boolean"}}),
        works={"active": True},
    ),
    400: _json(
        "The request is refused (RFC 6749 section 5.2).", _ERROR,
        refused={"error": "invalid_request", "error_description": "`token` is missing."},
    ),
}  # fmt: skip
