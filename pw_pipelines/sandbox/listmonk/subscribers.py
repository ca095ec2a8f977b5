"""Subscribers: read, create, replace, patch, delete; and SQL expressions over them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from pw_pipelines.sandbox.listmonk.access import Refusal
from pw_pipelines.sandbox.listmonk.store import ALLOWED_TABLES
from pw_pipelines.sandbox.listmonk.wire import Call, Raw, email_in, ids_in, name_from, page_of

Connection = psycopg.Connection[TupleRow]

STATUSES = ("enabled", "disabled", "blocklisted")
SUBSCRIPTION_STATUSES = ("unconfirmed", "confirmed", "unsubscribed")
_ORDER = {"name", "email", "status", "created_at", "updated_at"}

_LIST_OBJECT = """json_build_object('subscription_status', sl.status, 'subscription_created_at', sl.created_at,
    'subscription_updated_at', sl.updated_at, 'subscription_meta', sl.meta, 'id', l.id, 'uuid', l.uuid,
    'name', l.name, 'type', l.type, 'optin', l.optin, 'tags', l.tags, 'description', l.description,
    'created_at', l.created_at, 'updated_at', l.updated_at)"""


def _object(source: str, lists: str) -> str:
    return f"""json_build_object('id', {source}.id, 'created_at', {source}.created_at,
        'updated_at', {source}.updated_at, 'uuid', {source}.uuid, 'email', {source}.email, 'name', {source}.name,
        'attribs', {source}.attribs, 'status', {source}.status, 'lists', coalesce({lists}, '[]'::json))"""


_OBJECT = _object(
    "s",
    f"""(select json_agg({_LIST_OBJECT} order by l.id) from subscriber_lists sl join lists l on l.id = sl.list_id
         where sl.subscriber_id = s.id)""",
)
_CREATE = f"""
with made as (
    insert into subscribers (uuid, email, name, attribs, status, created_at, updated_at)
    values (%(uuid)s, %(email)s, %(name)s, %(attribs)s, %(status)s, %(now)s, %(now)s)
    on conflict (email) do nothing
    returning *
), sl as (
    insert into subscriber_lists (subscriber_id, list_id, status, created_at, updated_at)
    select made.id, l.id, %(subscription)s, %(now)s, %(now)s from made, lists l where l.id = any(%(lists)s)
    returning *
)
select ({
    _object("made", f"(select json_agg({_LIST_OBJECT} order by l.id) from sl join lists l on l.id = sl.list_id)")
})::text from made"""


def one(connection: Connection, subscriber_id: int) -> Raw:
    """The subscriber object; an unknown id is 400, not 404."""
    row = connection.execute(
        f"select ({_OBJECT})::text from subscribers s where s.id = %s", (subscriber_id,)
    ).fetchone()
    if row is None:
        raise Refusal(400, "Subscriber not found")
    return Raw(row[0])


def get(call: Call) -> Raw:
    with call.store.connection() as connection:
        found = one(connection, call.id)
    visible = call.user.permitted(item["id"] for item in json.loads(found.text)["lists"])
    if call.user.lists is not None and not visible:
        raise Refusal(403, "permission denied: subscribers")
    return found


def selection(
    connection: Connection,
    *,
    list_ids: list[int],
    every_list: bool,
    subscription_status: str,
    search: str,
    query: str,
    select: str,
    tail: str = "",
    tail_values: dict[str, object] | None = None,
) -> list[TupleRow]:
    """Rows of the one query Listmonk's filters come down to, in a read-only transaction on allowed tables.

    `every_list` is `= ALL(ids)` (the query routes), else `= ANY(ids)`. `query` is a raw SQL boolean expression.
    """
    match = "all" if every_list else "any"
    expression = f"({query.replace('%', '%%')})" if query.strip() else "true"
    statement = f"""
        select {select} from subscribers
        left join subscriber_lists on cardinality(%(lists)s::int[]) > 0
            and subscriber_lists.subscriber_id = subscribers.id
            and (%(status)s::text = '' or subscriber_lists.status = %(status)s)
        where (cardinality(%(lists)s::int[]) = 0 or subscriber_lists.list_id = {match}(%(lists)s::int[]))
            and (%(search)s::text = '' or subscribers.name ~* %(search)s or subscribers.email ~* %(search)s)
            and {expression} {tail}"""
    values = {"lists": list_ids, "status": subscription_status, "search": search, **(tail_values or {})}
    try:
        with connection.transaction():
            connection.execute("set transaction read only")
            if query.strip():
                plan = connection.execute("explain (format json) " + statement, values).fetchone()
                foreign = set(_tables(plan[0] if plan else None)) - ALLOWED_TABLES
                if foreign:
                    raise Refusal(403, f"table not allowed: {', '.join(sorted(foreign))}")
            return connection.execute(statement, values).fetchall()
    except psycopg.Error as error:
        raise Refusal(400, f"Error preparing subscriber query: pq: {error.diag.message_primary or error}") from error


def _tables(plan: Any) -> Iterator[str]:
    if isinstance(plan, dict):
        if "Relation Name" in plan:
            yield plan["Relation Name"]
        plan = list(plan.values())
    if isinstance(plan, list):
        for item in plan:
            yield from _tables(item)


def search(call: Call) -> Raw:
    """GET /api/subscribers. Several `list_id` mean OR, and a person on two of them comes twice."""
    query, page = call.query.get("query", ""), page_of(call.query)
    if query:
        call.user.demand("subscribers:sql_query")
    asked = [int(number) for number in call.query.getlist("list_id") if number.isdigit()]
    if call.user.lists is not None:
        asked = call.user.permitted(asked) or sorted(call.user.lists)
    order = call.query.get("order_by", "")
    column = f"subscribers.{order}" if order in _ORDER else "subscribers.id"
    direction = "asc" if call.query.get("order", "").lower() == "asc" else "desc"
    filters: dict[str, Any] = {
        "list_ids": asked,
        "every_list": False,
        "subscription_status": call.query.get("subscription_status", ""),
        "search": call.query.get("search", ""),
        "query": query,
    }
    with call.store.connection() as connection:
        ids = [
            row[0]
            for row in selection(
                connection,
                **filters,
                select="subscribers.id",
                tail=f"order by {column} {direction} offset %(offset)s limit %(limit)s",
                tail_values={"offset": page.offset, "limit": page.limit},
            )
        ]
        # everything in one page needs no count of its own
        total = len(ids) if page.limit is None else selection(connection, **filters, select="count(*)")[0][0]
        rows = connection.execute(
            f"""select coalesce(json_agg({_OBJECT} order by wanted.place), '[]'::json)::text
                from unnest(%s::int[]) with ordinality as wanted(id, place) join subscribers s on s.id = wanted.id""",
            (ids,),
        ).fetchone()
    return page.reply(rows[0] if rows else "[]", total, search=filters["search"], query=query)


def create(call: Call) -> Raw:
    """POST /api/subscribers: 409 for an e-mail that is there; lists the user may not manage are dropped."""
    email, body = email_in(call.body), call.body
    status = _status(body) or "enabled"
    attribs = _attribs(body)
    subscription = "confirmed" if body.get("preconfirm_subscriptions") else "unconfirmed"
    with call.store.connection() as connection:
        row = connection.execute(
            _CREATE,
            {
                "uuid": uuid.uuid4(),
                "email": email,
                "name": str(body.get("name") or "").strip() or name_from(email),
                "attribs": Jsonb(attribs),
                "status": status,
                "subscription": "unsubscribed" if status == "blocklisted" else subscription,
                "lists": _lists(call),
                "now": call.store.now(),
            },
        ).fetchone()
    if row is None:
        raise Refusal(409, "E-mail already exists.")
    call.store.count("subscribers_created")
    return Raw(row[0])


def replace(call: Call) -> Raw:
    """PUT: what is not given is wiped, attributes and subscriptions alike; empty name and status stay."""
    email = email_in(call.body)
    attribs = _attribs(call.body) if "attribs" in call.body else {}
    written = _write(call, email=email, attribs=attribs, merge=False, lists=_lists(call))
    call.store.count("subscribers_replaced")
    return written


def patch(call: Call) -> Raw:
    """PATCH (v6.1): what is not given stays; attributes merge at the top level; `lists`, if given, replaces."""
    body = call.body
    written = _write(
        call,
        email=email_in(body) if "email" in body else "",
        attribs=_attribs(body) if "attribs" in body else {},
        merge=True,
        lists=_lists(call) if "lists" in body else None,
    )
    call.store.count("subscribers_patched")
    return written


def _write(call: Call, *, email: str, attribs: dict[str, Any] | None, merge: bool, lists: list[int] | None) -> Raw:
    name, status = str(call.body.get("name") or "").strip(), _status(call.body)
    values = {
        "id": call.id, "email": email, "name": name, "status": status, "attribs": Jsonb(attribs), "merge": merge,
        "now": call.store.now(), "lists": lists, "managed": None if call.user.lists is None else list(call.user.lists),
        "subscription": "confirmed" if call.body.get("preconfirm_subscriptions") else "unconfirmed",
    }  # fmt: skip
    with call.store.connection() as connection, connection.transaction():
        changed = connection.execute(
            """update subscribers set
                 email = coalesce(nullif(%(email)s, ''), email), name = coalesce(nullif(%(name)s, ''), name),
                 status = coalesce(nullif(%(status)s, ''), status), updated_at = %(now)s,
                 attribs = case when not %(merge)s then %(attribs)s
                                when jsonb_typeof(attribs) = 'object' then attribs || %(attribs)s
                                else %(attribs)s end
               where id = %(id)s""",
            values,
        )
        if not changed.rowcount:
            raise Refusal(400, "Subscriber not found")
        if lists is not None:
            connection.execute(
                """delete from subscriber_lists where subscriber_id = %(id)s and list_id <> all(%(lists)s)
                   and (%(managed)s::int[] is null or list_id = any(%(managed)s))""",
                values,
            )
            connection.execute(
                """insert into subscriber_lists (subscriber_id, list_id, status, created_at, updated_at)
                   select %(id)s, l.id, %(subscription)s, %(now)s, %(now)s from lists l where l.id = any(%(lists)s)
                   on conflict (subscriber_id, list_id) do update set updated_at = excluded.updated_at,
                     status = case when subscriber_lists.status in ('confirmed', 'unsubscribed')
                                   then subscriber_lists.status else excluded.status end""",
                values,
            )
        if status == "blocklisted":
            connection.execute(
                "update subscriber_lists set status = 'unsubscribed' where subscriber_id = %(id)s", values
            )
        return one(connection, call.id)


def delete(call: Call) -> bool:
    """DELETE by path or by repeated `id`: bounces and subscriptions go with the person."""
    if "id" in call.path:
        ids = [call.id]
    else:
        ids = ids_in([int(number) for number in call.query.getlist("id") if number.isdigit()] or None)
    with call.store.connection() as connection:
        gone = connection.execute("delete from subscribers where id = any(%s)", (ids,)).rowcount
    call.store.count("subscribers_deleted", gone)
    return True


def _status(body: dict[str, Any]) -> str:
    status = str(body.get("status") or "")
    if status and status not in STATUSES:
        raise Refusal(400, "Invalid status")
    return status


def _attribs(body: dict[str, Any]) -> dict[str, Any] | None:
    """None is stored as JSON null, which is what leaving attributes out on create does."""
    attribs = body.get("attribs")
    if attribs is not None and not isinstance(attribs, dict):
        raise Refusal(400, "Invalid data: attribs must be a JSON object")
    return attribs


def _lists(call: Call) -> list[int]:
    """The body's lists that the user may manage; 403 if some were asked for and none is left."""
    asked = ids_in(call.body.get("lists") or [], "list id")
    allowed = call.user.permitted(asked)
    if asked and not allowed:
        raise Refusal(403, "permission denied: lists")
    return allowed
