"""Logs: to stderr, one line an event, without secrets and without people's addresses.

Whatever is logged passes `redact`, ours through structlog and libraries' through `logging`, because the logs of
runs are read by everyone who reaches Dagster's UI.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from pw_pipelines.masking import mask

_SECRET_NAME = re.compile(
    r"passw|secret|token|api_?key|hash_value|credential|authorization|cookie|database_url|(?<![a-z])(?:ssn|itin)(?![a-z])",
    re.I,
)
# user:password@ of a URL: everything up to the last @ before a slash, blank or quote may be part of the password.
_URL_PASSWORD = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://[^\s:/@'\"]*):[^\s'\"]*@", re.I)
_BEARER = re.compile(r"\b(?P<kind>bearer|basic|token)\s+[A-Za-z0-9._~+/=:-]{8,}", re.I)
_QUERY_SECRET = re.compile(r"(?P<name>[?&](?:api_key|token|key|signature|sig|hash_value)=)[^&\s'\"]+", re.I)
_BOT_TOKEN = re.compile(r"/bot\d+:[A-Za-z0-9_-]+")
_EMAIL = re.compile(r"\b[\w.+'-]+@(?P<domain>[\w-]+(?:\.[\w-]+)+)")


def redact(text: str) -> str:
    """`text` with passwords in URLs, tokens, the names in e-mail addresses, and personal data replaced by ***."""
    text = mask(text)
    text = _URL_PASSWORD.sub(r"\g<scheme>:***@", text)
    text = _BEARER.sub(r"\g<kind> ***", text)
    text = _QUERY_SECRET.sub(r"\g<name>***", text)
    text = _BOT_TOKEN.sub("/bot***", text)
    return _EMAIL.sub(r"***@\g<domain>", text)


def redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: no value under a secret's name, no secret or address inside any other."""
    return {name: _redacted(name, value) for name, value in event.items()}


def _redacted(name: str, value: Any) -> Any:
    if _SECRET_NAME.search(name) and value is not None:
        return "***"
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: _redacted(str(key), item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_redacted("", item) for item in value]
    return value


class _Redacting(logging.Formatter):
    """For libraries that log through `logging`: the finished line, traceback included, is redacted."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def configure(level: int = logging.INFO) -> None:
    """Sends structlog and `logging` to stderr. Called once at a door (CLI, web, stand-ins), never on import."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting("%(asctime)s %(levelname)-7s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # one line a request, each with its query
    _shape(level)


def _shape(level: int) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact_event,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Whatever stderr is when a line is written: a stream taken now may have been closed by then.
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A structured logger; `name` is the module's.

    Where no door configured the logs (Dagster's own processes, whose doors are not ours) their shape is set here: as
    structlog comes, a traceback shows every local variable, and with it whatever a customer told us.
    """
    if not structlog.is_configured():
        _shape(logging.INFO)
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(room=name)
    return logger
