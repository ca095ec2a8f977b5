"""Campaigns: read, create, delete, and their statuses. Nothing is mailed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from pw_pipelines.sandbox.listmonk.access import Refusal
from pw_pipelines.sandbox.listmonk.store import DEFAULT_TEMPLATE
from pw_pipelines.sandbox.listmonk.wire import Call, Raw, ids_in, page_of

CONTENT_TYPES = frozenset({"richtext", "html", "plain", "markdown", "visual"})
# status asked for -> statuses it may come from (cmd/campaigns.go)
FROM: Mapping[str, tuple[str, ...]] = {
    "scheduled": ("draft", "paused"), "draft": ("scheduled",), "running": ("draft", "paused"), "paused": ("running",),
    "cancelled": ("running", "paused"),
}  # fmt: skip
_OBJECT = """json_build_object('id', c.id, 'uuid', c.uuid, 'created_at', c.created_at, 'updated_at', c.updated_at,
    'name', c.name, 'subject', c.subject, 'type', c.type, 'status', c.status, 'content_type', c.content_type,
    'body', c.body, 'altbody', c.altbody, 'headers', c.headers, 'template_id', c.template_id, 'send_at', c.send_at,
    'started_at', c.started_at, 'to_send', c.to_send, 'sent', c.sent, 'views', 0, 'clicks', 0, 'bounces', 0,
    'messenger', 'email', 'tags', '[]'::json,
    'lists', (select coalesce(json_agg(json_build_object('id', l.list_id, 'name', l.list_name)), '[]'::json)
              from campaign_lists l where l.campaign_id = c.id))"""


def search(call: Call) -> Raw:
    """GET /api/campaigns with `status` (repeatable), paging; the newest first."""
    page = page_of(call.query)
    values = {"statuses": call.query.getlist("status"), "offset": page.offset, "limit": page.limit}
    where = "(cardinality(%(statuses)s::text[]) = 0 or c.status = any(%(statuses)s::text[]))"
    with call.store.connection() as connection:
        row = connection.execute(
            f"""select (select count(*) from campaigns c where {where}),
                    coalesce(json_agg(object order by id desc), '[]')::text
                from (select c.id, {_OBJECT} as object from campaigns c where {where}
                      order by c.id desc offset %(offset)s limit %(limit)s) listed""",
            values,
        ).fetchone()
    total, results = row if row else (0, "[]")
    return page.reply(results, total, search="", query="")


def get(call: Call) -> Raw:
    """GET /api/campaigns/:id; unknown is 400."""
    with call.store.connection() as connection:
        row = connection.execute(f"select ({_OBJECT})::text from campaigns c where c.id = %s", (call.id,)).fetchone()
    if row is None:
        raise Refusal(400, "Campaign not found")
    return Raw(row[0])


def create(call: Call) -> Raw:
    """POST /api/campaigns: always a draft."""
    body = call.body
    lists = ids_in(body.get("lists") or [], "list")
    kind = str(body.get("content_type") or "richtext")
    if not str(body.get("name") or "").strip() or not str(body.get("subject") or "").strip() or not lists:
        raise Refusal(400, "Invalid name, subject or lists.")
    if kind not in CONTENT_TYPES:
        raise Refusal(400, "Invalid content type")
    values: dict[str, Any] = {
        "uuid": uuid.uuid4(), "name": body["name"], "subject": body["subject"], "type": body.get("type") or "regular",
        "content_type": kind, "body": str(body.get("body") or ""), "altbody": body.get("altbody"),
        "headers": Jsonb(body.get("headers") or []), "send_at": body.get("send_at"), "now": call.store.now(),
        "template": None if kind == "visual" else body.get("template_id") or DEFAULT_TEMPLATE, "lists": lists,
    }  # fmt: skip
    with call.store.connection() as connection:
        row = connection.execute(
            """with made as (
                 insert into campaigns (uuid, name, subject, type, content_type, body, altbody, headers, template_id,
                   send_at, created_at, updated_at)
                 values (%(uuid)s, %(name)s, %(subject)s, %(type)s, %(content_type)s, %(body)s, %(altbody)s,
                   %(headers)s, %(template)s, %(send_at)s, %(now)s, %(now)s) returning id
               ), put as (
                 insert into campaign_lists (campaign_id, list_id, list_name)
                 select made.id, l.id, l.name from made, lists l where l.id = any(%(lists)s)
               ) select id from made""",
            values,
        ).fetchone()
    call.store.count("campaigns_created")
    call.path["id"] = row[0] if row else 0
    return get(call)


def move(call: Call) -> Raw:
    """PUT /api/campaigns/:id/status: only along the statuses' own ways, else 400."""
    wanted = str(call.body.get("status") or "")
    with call.store.connection() as connection:
        moved = connection.execute(
            """update campaigns set status = %(to)s, updated_at = %(now)s,
                 started_at = case when %(to)s = 'running' then coalesce(started_at, %(now)s) else started_at end
               where id = %(id)s and status = any(%(from)s) and (%(to)s <> 'scheduled' or send_at is not null)""",
            {"to": wanted, "now": call.store.now(), "id": call.id, "from": list(FROM.get(wanted, ()))},
        ).rowcount
    if not moved:
        raise Refusal(400, f"Cannot change the campaign's status to {wanted}.")
    return get(call)


def delete(call: Call) -> bool:
    with call.store.connection() as connection:
        connection.execute("delete from campaigns where id = %s", (call.id,))
    call.store.count("campaigns_deleted")
    return True


def sent_so_far(call: Call) -> bool:
    """POST /_sandbox/campaign {id, sent, status?, started_at?}: how far a campaign has come."""
    started = call.body.get("started_at")
    with call.store.connection() as connection:
        connection.execute(
            """update campaigns set sent = %s, status = coalesce(%s, status), started_at = coalesce(%s, started_at, %s)
               where id = %s""",
            (
                int(call.body["sent"]), call.body.get("status"),
                datetime.fromisoformat(started) if started else None, call.store.now(), int(call.body["id"]),
            ),
        )  # fmt: skip
    return True
