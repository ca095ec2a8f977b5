"""Bounces: the webhook with its actions, and the table Listmonk keeps of them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from pw_pipelines.sandbox.listmonk.access import Refusal
from pw_pipelines.sandbox.listmonk.store import Store
from pw_pipelines.sandbox.listmonk.subscriptions import block
from pw_pipelines.sandbox.listmonk.wire import Call, Raw, email_in, page_of

# Listmonk's defaults for `bounce.actions`: (count, action).
ACTIONS: Mapping[str, tuple[int, str]] = {"soft": (2, "none"), "hard": (1, "blocklist"), "complaint": (1, "blocklist")}
_ORDER = {"email": "s.email", "source": "b.source", "created_at": "b.created_at"}
_OBJECT = """json_build_object('id', b.id, 'type', b.type, 'source', b.source, 'meta', b.meta,
    'created_at', b.created_at, 'email', s.email, 'subscriber_uuid', s.uuid, 'subscriber_id', s.id,
    'subscriber_status', s.status, 'campaign', null)"""


def webhook(call: Call) -> bool:
    """POST /webhooks/bounce: 200 once understood, whether or not anybody knows the person."""
    body = call.body
    kind = str(body.get("type") or "")
    if kind not in ACTIONS:
        raise Refusal(400, "Invalid bounce type")
    who = str(body.get("subscriber_uuid") or "")
    if who:
        try:
            uuid.UUID(who)
        except ValueError as error:
            raise Refusal(400, "Invalid subscriber UUID") from error
    email = "" if who else email_in(body)
    meta = body.get("meta") or {}
    if not isinstance(meta, dict):
        raise Refusal(400, "Invalid data")
    at = call.store.now()
    if body.get("created_at"):
        try:
            at = datetime.fromisoformat(str(body["created_at"]))
        except ValueError as error:
            raise Refusal(400, "Invalid created_at") from error
    record(call.store, email=email, subscriber_uuid=who, kind=kind, source=str(body.get("source") or ""),
           meta=meta, at=at)  # fmt: skip
    return True


def record(
    store: Store, *, email: str, subscriber_uuid: str, kind: str, source: str, meta: dict[str, Any], at: datetime
) -> None:
    """Stores the bounce and acts. Past the count, or once blocklisted, later ones leave no row (issue 1460)."""
    count, action = ACTIONS[kind]
    store.count("bounces_received")
    with store.connection() as connection, connection.transaction():
        row = connection.execute(
            """select s.id, s.status, (select count(*) from bounces b where b.subscriber_id = s.id and b.type = %s)
               from subscribers s where case when %s <> '' then s.uuid::text = lower(%s) else s.email = %s end
               for update""",
            (kind, subscriber_uuid, subscriber_uuid, email),
        ).fetchone()
        if row is None:
            return
        subscriber_id, status, before = row
        if status != "blocklisted" and before < count:
            connection.execute(
                "insert into bounces (subscriber_id, type, source, meta, created_at) values (%s, %s, %s, %s, %s)",
                (subscriber_id, kind, source, Jsonb(meta), at),
            )
        if action == "blocklist" and before + 1 >= count and status != "blocklisted":
            block(connection, [subscriber_id], store.now())


def search(call: Call) -> Raw:
    """GET /api/bounces with `source`, `order_by`, paging."""
    page = page_of(call.query)
    order = _ORDER.get(call.query.get("order_by", ""), "b.created_at")
    direction = "asc" if call.query.get("order", "").lower() == "asc" else "desc"
    values = {"source": call.query.get("source", ""), "offset": page.offset, "limit": page.limit}
    with call.store.connection() as connection:
        row = connection.execute(
            f"""select (select count(*) from bounces b where %(source)s in ('', b.source)),
                    coalesce(json_agg(object order by place), '[]')::text
                from (select {_OBJECT} as object, row_number() over (order by {order} {direction}, b.id) as place
                      from bounces b join subscribers s on s.id = b.subscriber_id
                      where %(source)s in ('', b.source)
                      order by place offset %(offset)s limit %(limit)s) listed""",
            values,
        ).fetchone()
    total, results = row if row else (0, "[]")
    return page.reply(results, total, search="", query="")


def of_subscriber(call: Call) -> Raw:
    """GET /api/subscribers/:id/bounces: an array, not a page."""
    with call.store.connection() as connection:
        row = connection.execute(
            f"""select coalesce(json_agg({_OBJECT} order by b.created_at desc), '[]')::text
                from bounces b join subscribers s on s.id = b.subscriber_id where s.id = %s""",
            (call.id,),
        ).fetchone()
    return Raw(row[0] if row else "[]")


def delete(call: Call) -> bool:
    """DELETE /api/bounces?id=…|all=true, /api/bounces/:id, /api/subscribers/:id/bounces."""
    with call.store.connection() as connection:
        if call.path.get("subscriber"):
            connection.execute("delete from bounces where subscriber_id = %s", (int(call.path["subscriber"]),))
        elif call.query.get("all") == "true":
            connection.execute("delete from bounces")
        else:
            asked = [call.path["id"]] if "id" in call.path else call.query.getlist("id")
            ids = [int(number) for number in asked if str(number).isdigit()]
            if not ids:
                raise Refusal(400, "Invalid id(s)")
            connection.execute("delete from bounces where id = any(%s)", (ids,))
    return True


def known(store: Store, email: str) -> dict[str, Any]:
    """The subscriber's row as the sandbox shows it; 404 if nobody has this address."""
    with store.connection() as connection:
        row = connection.execute(
            """select s.id, s.status, s.attribs,
                 (select json_object_agg(sl.list_id, sl.status) from subscriber_lists sl where sl.subscriber_id = s.id)
               from subscribers s where s.email = %s""",
            (email,),
        ).fetchone()
    if row is None:
        raise Refusal(404, f"nobody here has the address {json.dumps(email)}")
    return {"id": row[0], "email": email, "status": row[1], "attribs": row[2], "subscriptions": row[3] or {}}
