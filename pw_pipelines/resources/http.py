"""One HTTP client for every public source: says who we are, keeps its pace, backs off, translates errors.

Verdicts: connection failures, time-outs, 408, 429 and 5xx are SourceUnavailable once the retries are used up
(nobody could know); any other status of 400 and above is SourceRefused.
"""

from __future__ import annotations

import email.utils
import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import tenacity

from pw_pipelines.errors import SourceError, SourceRefused, SourceUnavailable
from pw_pipelines.resources.fetched import Fetched, target
from pw_pipelines.settings import Settings

_T = TypeVar("_T")

RETRYABLE_STATUS = frozenset({408, 429, 500, 502, 503, 504})
MOST_ATTEMPTS = 5
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 120.0  # a longer Retry-After is not waited for: the run's own retry comes back later
CHUNK_BYTES = 1 << 18

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole addresses at INFO, API keys included


class Pace:
    """At most `per_second` starts a second, evenly spaced, across threads."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1.0 / per_second
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + self._interval
        if start > now:
            time.sleep(start - now)


class _Retry(Exception):
    """Carries the error to raise when attempts run out, and the server's own wish for how long to wait."""

    def __init__(self, error: SourceError, wait_seconds: float | None = None) -> None:
        self.error = error
        self.wait_seconds = wait_seconds


class OwnsClient:
    """Base of what keeps one `httpx.Client`: `close()` it when done, or use it as a context manager."""

    _client: httpx.Client

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def json_object(response: httpx.Response) -> dict[str, Any] | None:
    """The reply as a JSON object; None for whatever else came, such as a proxy's page."""
    try:
        content = response.json()
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


class PoliteClient(OwnsClient):
    """GETs one source. Thread-safe. `attempts`: 1 for a reader who waits. `transport`, `sleep`: seams for tests."""

    def __init__(
        self,
        source: str,
        *,
        user_agent: str,
        timeout_seconds: float,
        per_second: float,
        headers: Mapping[str, str] | None = None,
        attempts: int = MOST_ATTEMPTS,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.source = source
        self._attempts = attempts
        self._pace = Pace(per_second)
        self._sleep = sleep
        self._client = httpx.Client(
            headers={"User-Agent": user_agent, "Accept-Encoding": "gzip", **(headers or {})},
            timeout=timeout_seconds,
            follow_redirects=True,
            transport=transport,
        )

    def get(self, url: str, params: Mapping[str, str] | None = None) -> httpx.Response:
        """The whole reply, status below 400. For replies small enough to hold in memory."""

        def attempt() -> httpx.Response:
            response = self._client.get(url, params=params)
            self._judge(response)
            return response

        return self._retrying(attempt, url)

    def download(self, url: str, into: Path, params: Mapping[str, str] | None = None) -> httpx.Headers:
        """Streams the body to `into` (written under a temporary name, then renamed). Returns the headers.

        A body shorter than its Content-Length is SourceUnavailable: the connection broke, nothing is kept.
        """
        draft = into.with_name(into.name + ".part")

        def attempt() -> httpx.Headers:
            with self._client.stream("GET", url, params=params) as response:
                self._judge(response)
                with draft.open("wb") as sink:
                    for chunk in response.iter_bytes(CHUNK_BYTES):
                        sink.write(chunk)
                stated = response.headers.get("Content-Length")
                if stated is not None and int(stated) != response.num_bytes_downloaded:
                    raise httpx.RemoteProtocolError(
                        f"{response.num_bytes_downloaded} of {stated} bytes came", request=response.request
                    )
                return response.headers

        try:
            headers = self._retrying(attempt, url)
            draft.replace(into)
            return headers
        finally:
            draft.unlink(missing_ok=True)

    def fetch(
        self, url: str, into: Path, *, name: str, media_type: str, params: Mapping[str, str] | None = None
    ) -> Fetched:
        """A source that is one file, streamed to `into`, or to `name` in it when it is a folder.

        `media_type` holds where the reply states none.
        """
        path = target(into, name)
        headers = self.download(url, path, params)
        return Fetched(path, headers.get("Content-Type", media_type))

    def _judge(self, response: httpx.Response) -> None:
        status, url = response.status_code, _bare(response.request.url)
        if status < 400:
            return
        if status in RETRYABLE_STATUS:
            raise _Retry(
                SourceUnavailable(f"{self.source}: {url} answered {status}.", source=self.source, url=url),
                retry_after_seconds(response.headers.get("Retry-After")),
            )
        raise SourceRefused(
            f"{self.source}: {url} answered {status}; repeating the same request cannot help.",
            source=self.source,
            url=url,
        )

    def _retrying(self, attempt: Callable[[], _T], url: str) -> _T:
        def once() -> _T:
            self._pace.wait()
            try:
                return attempt()
            except httpx.RequestError as error:  # no connection, time-out, cut or undecodable body, ring of redirects
                where = _bare(httpx.URL(url))
                raise _Retry(
                    SourceUnavailable(
                        f"{self.source}: {where} could not be read ({type(error).__name__}: {error}).",
                        source=self.source,
                        url=where,
                    )
                ) from error

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(
                lambda error: isinstance(error, _Retry) and (error.wait_seconds or 0) <= LONGEST_WAIT_SECONDS
            ),
            stop=tenacity.stop_after_attempt(self._attempts),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(once)
        except _Retry as gave_up:
            raise gave_up.error from gave_up


def polite_client(
    source: str,
    settings: Settings,
    *,
    per_second: float,
    headers: Mapping[str, str] | None = None,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> PoliteClient:
    """A client with the user agent, time-out and number of attempts of the settings."""
    return PoliteClient(
        source,
        user_agent=settings.user_agent,
        timeout_seconds=settings.http_timeout_seconds,
        per_second=per_second,
        headers=headers,
        attempts=settings.http_attempts,
        transport=transport,
        sleep=sleep,
    )


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_seconds if isinstance(error, _Retry) else None
    grown = FIRST_WAIT_SECONDS * 2.0 ** (state.attempt_number - 1)
    return float(min(max(asked or 0.0, grown), LONGEST_WAIT_SECONDS))


def retry_after_seconds(value: str | None) -> float | None:
    """Seconds asked for by a Retry-After header, in either of its forms; None when absent or unreadable."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        until = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:  # the form `-0000`: UTC by RFC 5322
        until = until.replace(tzinfo=UTC)
    return max(0.0, until.timestamp() - time.time())  # the server's clock is a wall clock, not the sandbox's


def _bare(url: httpx.URL) -> str:
    """The address without its query, which may carry a key."""
    return str(url.copy_with(query=None))
