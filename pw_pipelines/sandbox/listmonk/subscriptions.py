"""Who is on which list: adding, removing, unsubscribing, blocklisting, one by one and by query."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pw_pipelines.sandbox.listmonk.access import Refusal
from pw_pipelines.sandbox.listmonk.subscribers import SUBSCRIPTION_STATUSES, Connection, selection
from pw_pipelines.sandbox.listmonk.wire import Call, email_in, ids_in, name_from


def manage(call: Call) -> bool:
    """PUT /subscribers/lists[/:id]. `add` with a status overrules even an opt-out; without one it touches nobody."""
    ids = ids_in(call.body.get("ids"))
    if not ids:
        raise Refusal(400, "Invalid id(s)")
    with call.store.connection() as connection:
        _act(call, connection, ids, overrules=True)
    return True


def manage_by_query(call: Call) -> bool:
    """PUT /subscribers/query/lists. Nothing given means everybody; `add` never touches a row that is there."""
    with call.store.connection() as connection:
        _act(call, connection, _queried(call, connection), overrules=False)
    return True


def blocklist(call: Call) -> bool:
    """PUT /subscribers/blocklist and /subscribers/:id/blocklist."""
    ids = [call.id] if "id" in call.path else ids_in(call.body.get("ids"))
    if not ids:
        raise Refusal(400, "Invalid id(s)")
    with call.store.connection() as connection:
        block(connection, ids, call.store.now())
    call.store.count("subscribers_blocklisted", len(ids))
    return True


def blocklist_by_query(call: Call) -> bool:
    with call.store.connection() as connection:
        ids = _queried(call, connection)
        block(connection, ids, call.store.now())
    call.store.count("subscribers_blocklisted", len(ids))
    return True


def delete_by_query(call: Call) -> bool:
    """POST /subscribers/query/delete: destructive, so without any filter it wants `all`."""
    filters = ("query", "search", "list_ids")
    if not call.body.get("all") and not any(call.body.get(name) for name in filters):
        raise Refusal(400, "Invalid query")
    with call.store.connection() as connection:
        ids = _queried(call, connection)
        connection.execute("delete from subscribers where id = any(%s)", (ids,))
    call.store.count("subscribers_deleted", len(ids))
    return True


def block(connection: Connection, ids: list[int], now: datetime) -> None:
    """Blocklists and marks every subscription `unsubscribed`."""
    with connection.transaction():
        connection.execute(
            "update subscribers set status = 'blocklisted', updated_at = %s where id = any(%s)", (now, ids)
        )
        connection.execute(
            "update subscriber_lists set status = 'unsubscribed', updated_at = %s where subscriber_id = any(%s)",
            (now, ids),
        )


def subscribe_in_public(call: Call) -> dict[str, bool]:
    """POST /api/public/subscription, without credentials: public lists only; puts people back who had left."""
    email, uuids = email_in(call.body), call.body.get("list_uuids") or []
    with call.store.connection() as connection, connection.transaction():
        lists = [
            row[0]
            for row in connection.execute(
                "select id from lists where type = 'public' and uuid::text = any(%s)", ([str(item) for item in uuids],)
            )
        ]
        if not lists:
            raise Refusal(400, "No lists to subscribe to")
        values = {
            "email": email,
            "name": str(call.body.get("name") or "").strip() or name_from(email),
            "lists": lists,
            "now": call.store.now(),
        }
        connection.execute(
            """insert into subscribers (uuid, email, name, attribs, created_at, updated_at)
               values (gen_random_uuid(), %(email)s, %(name)s, '{}', %(now)s, %(now)s)
               on conflict (email) do update set updated_at = excluded.updated_at""",
            values,
        )
        connection.execute(
            """insert into subscriber_lists (subscriber_id, list_id, created_at, updated_at)
               select s.id, unnest(%(lists)s::int[]), %(now)s, %(now)s from subscribers s
               where s.email = %(email)s and s.status <> 'blocklisted'
               on conflict (subscriber_id, list_id) do update
                 set status = 'unconfirmed', updated_at = excluded.updated_at""",
            values,
        )
    call.store.count("public_subscriptions")
    return {"has_optin": False}


def _queried(call: Call, connection: Connection) -> list[int]:
    query = str(call.body.get("query") or "")
    if query:
        call.user.demand("subscribers:sql_query")
    rows = selection(
        connection,
        list_ids=ids_in(call.body.get("list_ids") or [], "list id"),
        every_list=True,
        subscription_status=str(call.body.get("subscription_status") or ""),
        search=str(call.body.get("search") or ""),
        query=query,
        select="distinct subscribers.id",
    )
    return [row[0] for row in rows]


def _act(call: Call, connection: Connection, ids: list[int], *, overrules: bool) -> None:
    action, status = str(call.body.get("action") or ""), str(call.body.get("status") or "")
    asked = ids_in(call.body.get("target_list_ids") or [], "list id")
    if not asked:
        raise Refusal(400, "No lists selected")
    targets = call.user.permitted(asked)
    if not targets:
        raise Refusal(403, "permission denied: lists")
    if status and status not in SUBSCRIPTION_STATUSES:
        raise Refusal(400, "Invalid status")
    values: dict[str, Any] = {"ids": ids, "lists": targets, "status": status, "now": call.store.now()}
    if action == "add":
        conflict = (
            """do update set updated_at = case when %(status)s = '' then subscriber_lists.updated_at
                                                else excluded.updated_at end,
                 status = coalesce(nullif(%(status)s, ''), subscriber_lists.status)"""
            if overrules
            else "do nothing"
        )
        statement = f"""insert into subscriber_lists (subscriber_id, list_id, status, created_at, updated_at)
            select s.id, l.id, coalesce(nullif(%(status)s, ''), 'unconfirmed'), %(now)s, %(now)s
            from subscribers s, lists l where s.id = any(%(ids)s) and l.id = any(%(lists)s)
            on conflict (subscriber_id, list_id) {conflict}"""
    elif action == "remove":
        statement = "delete from subscriber_lists where subscriber_id = any(%(ids)s) and list_id = any(%(lists)s)"
    elif action == "unsubscribe":
        statement = """update subscriber_lists set status = 'unsubscribed', updated_at = %(now)s
                       where subscriber_id = any(%(ids)s) and list_id = any(%(lists)s)"""
    else:
        raise Refusal(400, "Invalid action")
    changed = connection.execute(statement, values).rowcount
    call.store.count(f"subscriptions_{action}", changed)
