"""The OpenAPI documents of all services, made without starting anything: `python -m deploy.openapi.documents [FOLDER]`."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

from fastapi import FastAPI
from pydantic import SecretStr

from shared.settings import LimitSettings

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "openapi"


class _Absent:
    """Stands for parts of a service that only requests need: each of its own parts is None."""

    def __getattr__(self, name: str) -> None:
        return None


_NOTHING: Final = cast("Any", _Absent())


def _claims() -> FastAPI:
    from services.claims.wiring import make_app

    desk = SimpleNamespace(mint=SimpleNamespace(reader=lambda _stands: None))
    return make_app(cast("Any", SimpleNamespace(pool=None, clock=None)), cast("Any", desk))


def _ingest() -> FastAPI:
    from services.ingest.api import for_claims
    from services.ingest.api.routes import create_app

    return create_app(_NOTHING, _NOTHING, _NOTHING, for_claims.router(_NOTHING, SecretStr("of nobody")))


def _classifier() -> FastAPI:
    from services.classifier.wiring import create_app

    settings = SimpleNamespace(internal_token=SecretStr("of nobody"), origins=(), **LimitSettings().model_dump())
    return create_app(cast("Any", settings), _NOTHING, _NOTHING)


def _pdf() -> FastAPI:
    from services.pdf.api.routes import create_app

    return create_app(cast("Any", SimpleNamespace(internal_token=SecretStr("of nobody"))), _NOTHING)


APPS: Final[Mapping[str, Callable[[], FastAPI]]] = {
    "ingest": _ingest, "classifier": _classifier, "claims": _claims, "pdf": _pdf,
}  # fmt: skip
"""Each service's app, whose routes are there and must not be called."""


def text_of(app: FastAPI) -> str:
    """The same bytes for the same code."""
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"


def main(folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in APPS.items():
        (folder / f"{name}.json").write_text(text_of(make()))


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
