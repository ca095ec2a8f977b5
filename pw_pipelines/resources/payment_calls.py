"""What the clients of the payment providers share: a call that may be repeated, because it carries a key.

OutsideUnavailable: nothing is known; the same call with the same key may be made again, now or tomorrow.
OutsideRefused: it said no, and will say no again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from pw_pipelines.errors import OutsideRefused, OutsideUnavailable
from pw_pipelines.resources.http import OwnsClient, json_object, retry_after_seconds

ATTEMPTS = 3
LONGEST_ANSWER_SECONDS = 20.0  # an order is locked while its money is captured
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 5.0  # a customer waits; the next click asks again with the same key
PASSING_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Asked:
    """What a customer is to pay. order_number: ours, carried by everything the provider tells us afterwards.

    minor: the amount in cents; key: the same for every repetition of this request.
    """

    order_number: str
    title: str
    email: str
    minor: int
    currency: str
    method: str
    key: str
    return_url: str
    cancel_url: str


@dataclass(frozen=True)
class Opened:
    """A try to pay, as the provider made it. pay_url: where the customer goes."""

    reference: str
    pay_url: str
    expires_at: datetime | None


class PaymentRefused(OutsideRefused):
    """The provider said no. `status` is the HTTP status, `code` the provider's own word."""

    def __init__(self, message: str, *, status: int, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class PaymentCalls(OwnsClient):
    """Base of a client. Thread-safe. `name`: as people call the provider."""

    name = ""

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str],
        timeout_seconds: float,
        auth: httpx.Auth | tuple[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sleep = sleep
        self._client = httpx.Client(
            base_url=base_url.rstrip("/"),
            headers=headers,
            timeout=min(timeout_seconds, LONGEST_ANSWER_SECONDS),
            auth=auth,
            transport=transport,
        )

    def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """The reply's JSON object. Every call made here may be repeated."""
        for attempt in range(1, ATTEMPTS + 1):
            wait = FIRST_WAIT_SECONDS * 2.0 ** (attempt - 1)
            try:
                response = self._client.request(method, path, **more)
            except httpx.RequestError as error:
                problem = OutsideUnavailable(f"{self.name} did not answer {path} ({type(error).__name__}).")
            else:
                if response.is_success:
                    return self._understood(response, path)
                if not self._is_passing(response):
                    raise self._refusal(response, path)
                problem = OutsideUnavailable(f"{self.name} answered {path} with {response.status_code}.")
                wait = max(wait, retry_after_seconds(response.headers.get("Retry-After")) or 0.0)
            if attempt == ATTEMPTS or wait > LONGEST_WAIT_SECONDS:
                raise problem
            self._sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _understood(self, response: httpx.Response, path: str) -> dict[str, Any]:
        body = json_object(response)
        if body is None:
            raise OutsideUnavailable(f"{self.name} answered {path} with something unreadable.")
        return body

    def _is_passing(self, response: httpx.Response) -> bool:
        return response.status_code in PASSING_STATUS

    def _refusal(self, response: httpx.Response, path: str) -> PaymentRefused:
        code, message = self._said(json_object(response) or {})
        return PaymentRefused(
            f"{self.name} refused {path} with {response.status_code}: {message or code or 'without a word'}"[:500],
            status=response.status_code,
            code=code,
        )

    def _said(self, body: Mapping[str, Any]) -> tuple[str, str]:
        """(code, message) of the provider's error body."""
        return str(body.get("code") or body.get("name") or ""), str(body.get("message") or "")
