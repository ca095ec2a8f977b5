"""ERPNext's webhooks: told after the commit, in the background, three times at most, then never again.

Source: frappe/integrations/doctype/webhook/webhook.py. There is no time and no event id in them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping

import httpx

from pw_pipelines.sandbox.erpnext.store import Document, Session

HEADER = "X-Frappe-Webhook-Signature"
TIMEOUT_SECONDS = 5.0
WAITS = (1.0, 4.0, 7.0)
_EVENTS = {"Sales Order": "order.created", "Payment Entry": "payment.confirmed"}
_log = logging.getLogger(__name__)


def body_of(session: Session, document: Document) -> dict[str, str] | None:
    """What a submit is told as; None for types without a webhook. Texts only: the real one cannot encode the rest."""
    event = _EVENTS.get(document["doctype"])
    if event is None:
        return None
    if document["doctype"] == "Sales Order":
        amount, currency, number = document["grand_total"], document["currency"], document.get("custom_order_id")
    else:
        amount, currency = document["paid_amount"], document.get("paid_from_account_currency", "")
        invoices = [session.get(row["reference_doctype"], row["reference_name"]) for row in document["references"]]
        number = document.get("custom_order_id") or next((one.get("custom_order_id") for one in invoices), "")
    return {
        "event": event,
        "doctype": document["doctype"],
        "name": document["name"],
        "modified": document["modified"],
        "order_number": str(number or ""),
        "custom_payment_ref": str(document.get("custom_payment_ref") or ""),
        "amount": f"{amount:.2f}",
        "currency": currency,
    }


def signed(body: Mapping[str, str], secret: str) -> tuple[bytes, dict[str, str]]:
    """The bytes sent and their headers: base64 HMAC-SHA256 over Python's `json.dumps`; no Content-Type is set."""
    raw = json.dumps(body).encode()
    digest = hmac.new(secret.encode(), raw, hashlib.sha256).digest()
    return raw, {HEADER: base64.b64encode(digest).decode()}


class Sender:
    """Sends in a thread of its own, which starts with the first webhook."""

    def __init__(self, url: str | None, secret: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._url, self._secret, self._sleep = url, secret, sleep
        self._waiting: queue.Queue[Mapping[str, str]] = queue.Queue()
        self._started = threading.Lock()
        self._thread: threading.Thread | None = None

    def tell(self, body: Mapping[str, str] | None) -> None:
        if self._url is None or body is None:
            return
        self._waiting.put(body)
        with self._started:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="erpnext-webhooks", daemon=True)
                self._thread.start()

    def settle(self) -> None:
        """Waits until everything was sent or given up."""
        self._waiting.join()

    def _work(self) -> None:
        with httpx.Client(timeout=TIMEOUT_SECONDS) as client:
            while True:
                body = self._waiting.get()
                try:
                    self._send(client, body)
                finally:
                    self._waiting.task_done()

    def _send(self, client: httpx.Client, body: Mapping[str, str]) -> None:
        raw, headers = signed(body, self._secret)
        for wait in WAITS:
            try:
                if client.post(str(self._url), content=raw, headers=headers).is_success:
                    return
            except httpx.HTTPError as error:
                _log.info("webhook of %s was not taken: %s", body["name"], error)
            self._sleep(wait)
        _log.info("webhook of %s is lost: nobody took it", body["name"])
