"""Structured logs: one JSON object a line on stderr, secrets masked, libraries' records in the same shape."""

import logging
import re
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any, Final

import structlog

_SECRET_NAME: Final = re.compile(
    r"(password|passwd|secret|token|authorization|api_key|bank_account|licence_number|private)", re.IGNORECASE
)
_SECRET_TEXT: Final = re.compile(
    r"(?P<dsn>(?<=://)[^/\s:@]+:[^@\s]+(?=@))|(?P<key>(?:rucor_[0-9a-f]{8}|audit_[0-9a-f]{32})_)[A-Za-z0-9_-]{43}"
)
_TOKEN_TEXT: Final = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]+", re.ASCII)
"""A signed token: whom it speaks for is in it too."""
_MASK: Final = "***"
_QUIET: Final = {
    "aiokafka": logging.WARNING,
    "asyncio": logging.WARNING,
    "httpx": logging.WARNING,
    "uvicorn.access": logging.WARNING,
    "uvicorn.error": logging.WARNING,
}

_REPEAT_S: Final = 10.0

Event = MutableMapping[str, Any]


class Sparing(logging.Filter):
    """One line per message and 10 s from aiokafka, which repeats itself tens of times a second while a broker is away."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._said: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """False for a message of the same place in the library's code that was let through a moment ago."""
        if not record.name.startswith("aiokafka"):
            return True
        place, now = (record.pathname, record.lineno), self._now()
        if now - self._said.get(place, -_REPEAT_S) < _REPEAT_S:
            return False
        self._said[place] = now
        return True


def _mask_text(text: str) -> str:
    return _TOKEN_TEXT.sub(_MASK, _SECRET_TEXT.sub(lambda found: (found["key"] or "") + _MASK, text))


def mask_secrets(_logger: object, _method: str, event: Event) -> Event:
    """Values of secret names, passwords inside connection URIs and API keys never reach a log."""
    for name, value in event.items():
        if _SECRET_NAME.search(name):
            event[name] = _MASK
        elif isinstance(value, str):
            event[name] = _mask_text(value)
    return event


def configure(service: str, level: str = "INFO") -> None:
    """Route structlog and the standard library through one JSON renderer to stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        lambda _logger, _method, event: {"service": service, **event},
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Sparing())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                mask_secrets,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, logging.getLevelName(level)))


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose calls take an event and named values: `log.info("day recomputed", device=…)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
