"""Frappe (ERPNext) webhooks: header `X-Frappe-Webhook-Signature`, base64 HMAC-SHA256 of the body.

There is neither a time nor an event id in it, so a delivery may be replayed: it only says where to look.
Source: frappe/integrations/doctype/webhook/webhook.py.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from pw_pipelines.commerce.payments.events import UNREADABLE, Forged, VerifiedEvent
from pw_pipelines.commerce.payments.verify.parts import digest_key, header, hmac_sha256, json_object, some_equal, text


def verify(raw: bytes, headers: Mapping[str, str], *, secrets: Sequence[str]) -> VerifiedEvent:
    """The document in `raw`: the same doctype, name and `modified` are the same fact. Raises Forged."""
    given = header(headers, "X-Frappe-Webhook-Signature")
    expected = [base64.b64encode(hmac_sha256(secret.encode(), raw)).decode() for secret in secrets]
    if not some_equal(expected, [given]):
        raise Forged("the signature does not match")
    body = json_object(raw) or {}
    event = text(body.get("event")) or text(body.get("doctype")) or UNREADABLE
    name, modified = text(body.get("name")), text(body.get("modified"))
    key = f"{event}:{text(body.get('doctype')) or ''}:{name}:{modified}" if name and modified else digest_key(raw)
    order = text(body.get("order_number")) or text(body.get("custom_order_id"))
    return VerifiedEvent("erpnext", key, event, order, raw, {"X-Frappe-Webhook-Signature": given[:200]})
