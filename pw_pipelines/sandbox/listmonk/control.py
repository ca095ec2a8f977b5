"""`/_sandbox`: play the subscriber, read the counters. No part of Listmonk."""

from __future__ import annotations

from typing import Any

from pw_pipelines.sandbox.listmonk import bounces
from pw_pipelines.sandbox.listmonk.access import Refusal
from pw_pipelines.sandbox.listmonk.importer import Importer
from pw_pipelines.sandbox.listmonk.wire import Call, Handler, email_in


def unsubscribe(call: Call) -> dict[str, Any]:
    """POST {email, list_id?}: the person uses the link in a mail. Without `list_id`: from every list."""
    email = email_in(call.body)
    bounces.known(call.store, email)
    with call.store.connection() as connection:
        connection.execute(
            """update subscriber_lists set status = 'unsubscribed', updated_at = %s
               where subscriber_id = (select id from subscribers where email = %s)
                 and (%s::int is null or list_id = %s)""",
            (call.store.now(), email, call.body.get("list_id"), call.body.get("list_id")),
        )
    return bounces.known(call.store, email)


def complain(call: Call) -> dict[str, Any]:
    """POST {email}: the person presses `spam`, and the provider's report reaches the bounce webhook."""
    return _bounced(call, "complaint", "arf")


def bounce(call: Call) -> dict[str, Any]:
    """POST {email, type?}: the mailbox refuses; `type` is `hard` (default) or `soft`."""
    kind = call.body.get("type") or "hard"
    if kind not in ("hard", "soft"):
        raise Refusal(400, "type must be hard or soft")
    return _bounced(call, kind, "postfix-dsn")


def _bounced(call: Call, kind: str, source: str) -> dict[str, Any]:
    email = email_in(call.body)
    bounces.known(call.store, email)
    bounces.record(call.store, email=email, subscriber_uuid="", kind=kind, source=source, meta={}, at=call.store.now())
    return bounces.known(call.store, email)


def subscriber(call: Call) -> dict[str, Any]:
    """GET ?email=: the subscriber as stored."""
    return bounces.known(call.store, call.query.get("email", "").strip().lower())


def settings(call: Call) -> bool:
    """POST {unsubscribe_header: bool}: somebody switches the one-click headers of campaign mails on or off."""
    call.store.unsubscribe_header = bool(call.body.get("unsubscribe_header"))
    return call.store.unsubscribe_header


def counters(call: Call) -> dict[str, int]:
    """GET: writes by kind since the start or the last reset."""
    return call.store.counters()


def reset_counters(call: Call) -> bool:
    """DELETE: counters back to nothing."""
    call.store.reset_counters()
    return True


def wipe(call: Call) -> bool:
    """POST: everything gone but list 9."""
    call.store.wipe()
    return True


def hold_import(importer: Importer) -> Handler:
    """POST {hold: bool}: keeps the next import running until released."""

    def handler(call: Call) -> bool:
        if call.body.get("hold"):
            importer.held.clear()
        else:
            importer.held.set()
        return True

    return handler
