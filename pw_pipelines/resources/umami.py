"""Umami's collecting address: POST /api/send, one event at a time, from our server.

Umami answers what it dropped with 200 and {"beep":"boop"}: only a reply with a session id is a success. It does not
know repetitions, so a lost answer is an error of its own, and nobody may simply send again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from pw_pipelines.errors import ConfigError, OutsideRefused, OutsideUnavailable
from pw_pipelines.resources.http import OwnsClient, json_object
from pw_pipelines.settings import Settings

LONGEST_NAME, LONGEST_HOST = 50, 100
TIMEOUT_SECONDS = 10.0


class UmamiRefused(OutsideRefused):
    """Umami will not take this event, or any: unknown website, our address is on its list of ignored ones."""


class UmamiDropped(OutsideRefused):
    """Umami took us for a program and stored nothing."""


class UmamiAway(OutsideUnavailable):
    """Umami did not take the event: no connection, or it is overloaded. It may be sent again."""


class UmamiSilent(OutsideUnavailable):
    """The event went out and no answer came: it may have been counted. It must not be sent again."""


@dataclass(frozen=True)
class UmamiEvent:
    """One event. `url`: path with the landing's campaign parameters; `visitor`: joins one visit's events."""

    name: str
    url: str
    visitor: str
    happened_at: datetime
    data: Mapping[str, Any]


class Umami(OwnsClient):
    """One website of one Umami server. `transport`: a seam for tests."""

    def __init__(self, settings: Settings, *, transport: httpx.BaseTransport | None = None) -> None:
        if settings.umami_url is None or settings.umami_website_id is None:
            raise ConfigError("Events for Umami need PW_UMAMI_URL and PW_UMAMI_WEBSITE_ID; unset both to send none.")
        self.website = settings.umami_website_id
        self._address = f"{settings.umami_url.rstrip('/')}/api/send"
        self._host = httpx.URL(settings.public_url).host[:LONGEST_HOST]
        self._agent = settings.umami_user_agent
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS, transport=transport, headers={"User-Agent": self._agent})

    def send(self, event: UmamiEvent) -> str:
        """Sends one event; returns the session Umami counted it to.

        Raises UmamiRefused and UmamiDropped (nothing stored, sending again can't help), UmamiAway (nothing stored),
        UmamiSilent (nobody knows).
        """
        body = {
            "type": "event",
            "payload": {
                "website": self.website,
                "hostname": self._host,
                "url": event.url,
                "referrer": "",
                "title": "",
                "language": "en-US",
                "screen": "1920x1080",
                "name": event.name[:LONGEST_NAME],
                "data": dict(event.data),
                "userAgent": self._agent,
                "timestamp": int(event.happened_at.timestamp()),  # seconds, unlike Umami's reports
                "id": event.visitor,
            },
        }
        try:
            reply = self._client.post(self._address, json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise UmamiAway(f"Umami can't be reached ({type(error).__name__}).") from error
        except httpx.RequestError as error:
            raise UmamiSilent(f"Umami's answer was lost ({type(error).__name__}); it may have counted it.") from error
        return self._session(reply)

    def _session(self, reply: httpx.Response) -> str:
        said = json_object(reply) or {}
        if reply.status_code in {429, 502, 503, 504}:
            raise UmamiAway(f"Umami answered {reply.status_code}; it stored nothing.")
        if reply.status_code >= 500:
            raise UmamiSilent(f"Umami answered {reply.status_code}; nobody knows whether it counted the event.")
        if reply.status_code >= 400:
            raise UmamiRefused(f"Umami refused an event with {reply.status_code}: {_words(said)}")
        session = said.get("sessionId")
        if not isinstance(session, str) or not session:
            raise UmamiDropped(
                "Umami answered without a session and stored nothing: it takes us for a program. Set "
                "PW_UMAMI_USER_AGENT to a browser's, or DISABLE_BOT_CHECK=1 there."
            )
        return session


def _words(said: Mapping[str, Any]) -> str:
    error = said.get("error")
    text = error.get("message") if isinstance(error, dict) else error or said.get("message")
    return str(text or "no reason given")[:200]
