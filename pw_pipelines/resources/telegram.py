"""Telegram's Bot API: sends one plain text to one chat. What is worth an alert is decided elsewhere.

Texts go without a parse mode, so nothing in them can be read as markup and no entity can break. The token is
part of every address: no address is ever logged or put into an error.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable

import httpx

from pw_pipelines.errors import ConfigError, OutsideRefused, OutsideUnavailable
from pw_pipelines.resources.http import OwnsClient, json_object
from pw_pipelines.settings import Settings

MOST_UNITS = 4096  # the limit counts UTF-16 units, so an emoji is two
CUT_MARK = " … (cut)"
ATTEMPTS = 3
LONGEST_WAIT_SECONDS = 60.0  # a bot may be told to wait minutes; an alert that late comes with the next one
_TOKEN = re.compile(r"/bot[^/\s]+/")


class TelegramUnavailable(OutsideUnavailable):
    """Telegram is overloaded or did not answer. After a time-out the message may have arrived all the same."""


class TelegramRefused(OutsideRefused):
    """Telegram will not take the message: token, chat or text."""


class _HideToken(logging.Filter):
    """httpx logs each address it calls, at INFO."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_TOKEN.sub("/bot***/", str(arg)) if "/bot" in str(arg) else arg for arg in record.args)
        return True


logging.getLogger("httpx").addFilter(_HideToken())


class Telegram(OwnsClient):
    """One bot, one chat. `transport` and `sleep` are seams for tests."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if settings.telegram_token is None or settings.telegram_chat_id is None:
            raise ConfigError("Alerts need PW_TELEGRAM_TOKEN (from @BotFather) and PW_TELEGRAM_CHAT_ID.")
        self._chat_id = settings.telegram_chat_id
        self._address = f"{settings.telegram_url.rstrip('/')}/bot{settings.telegram_token.get_secret_value()}"
        self._sleep = sleep
        self._client = httpx.Client(timeout=settings.http_timeout_seconds, transport=transport)

    def send(self, text: str) -> int:
        """Sends `text`, cut to Telegram's length; returns the message's id. Waits out a 429 as told.

        A time-out or 5xx is not repeated: the message may have gone, and there is no key to tell by.
        """
        if not text.strip():
            raise ValueError("an alert without text")
        for attempt in range(1, ATTEMPTS + 1):
            answer = self._post({"chat_id": self._chat_id, "text": cut(text)})
            if answer.get("ok"):
                return int(answer["result"]["message_id"])  # type: ignore[index]
            wait = _retry_after(answer)
            if wait is None:
                raise _verdict(answer)
            if attempt == ATTEMPTS or wait > LONGEST_WAIT_SECONDS:
                break
            self._sleep(wait)
        raise TelegramUnavailable(f"Telegram asks to slow down (wait {wait:.0f} s); the message was not sent.")

    def _post(self, body: dict[str, str]) -> dict[str, object]:
        try:
            response = self._client.post(f"{self._address}/sendMessage", json=body)
        except httpx.RequestError as error:
            raise TelegramUnavailable(
                f"Telegram did not answer ({type(error).__name__}); the message may or may not have arrived."
            ) from error
        answer = json_object(response)
        if answer is None:
            raise TelegramUnavailable(f"Telegram answered {response.status_code} with something unreadable.")
        return {"error_code": response.status_code, **answer}


def cut(text: str) -> str:
    """`text` within Telegram's limit, never inside a character; what was cut is said."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * MOST_UNITS:
        return text
    kept = units[: 2 * (MOST_UNITS - len(CUT_MARK))].decode("utf-16-le", errors="ignore")
    return kept.rstrip() + CUT_MARK


def _retry_after(answer: dict[str, object]) -> float | None:
    """Seconds to wait after a 429; None if this is no 429."""
    if answer.get("error_code") != 429:
        return None
    parameters = answer.get("parameters")
    asked = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return float(asked) if isinstance(asked, int) else 1.0


def _verdict(answer: dict[str, object]) -> TelegramUnavailable | TelegramRefused:
    code, said = answer.get("error_code"), str(answer.get("description", ""))[:300]
    if isinstance(code, int) and code >= 500:
        return TelegramUnavailable(f"Telegram answered {code}: {said}. The message may or may not have arrived.")
    parameters = answer.get("parameters")
    moved = parameters.get("migrate_to_chat_id") if isinstance(parameters, dict) else None
    hints = {
        401: "PW_TELEGRAM_TOKEN is wrong.",
        404: "PW_TELEGRAM_TOKEN is malformed.",
        403: "The bot was blocked or removed from the chat; add it again.",
        400: f"The group became {moved}; set PW_TELEGRAM_CHAT_ID to it." if moved else "Look at PW_TELEGRAM_CHAT_ID.",
    }
    hint = hints.get(code, "") if isinstance(code, int) else ""
    return TelegramRefused(f"Telegram refused the message with {code}: {said}. {hint}".rstrip())
