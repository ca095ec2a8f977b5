"""Lists: read, create, update, delete."""

from __future__ import annotations

from typing import Any

from pw_pipelines.sandbox.listmonk.access import Refusal
from pw_pipelines.sandbox.listmonk.wire import Call, Raw, page_of

_OBJECT = """json_build_object('id', l.id, 'created_at', l.created_at, 'updated_at', l.updated_at, 'uuid', l.uuid,
    'name', l.name, 'type', l.type, 'optin', l.optin, 'tags', l.tags, 'description', l.description,
    'status', l.status,
    'subscriber_count', (select count(*) from subscriber_lists sl where sl.list_id = l.id),
    'subscriber_statuses', (select coalesce(json_object_agg(status, n), '{}'::json) from (
        select sl.status, count(*) as n from subscriber_lists sl where sl.list_id = l.id
        group by sl.status) counted))"""


def search(call: Call) -> Raw:
    """GET /api/lists with `minimal`, `query`, `tag`, `type`, `optin`, `status`."""
    query, page = call.query, page_of(call.query)
    brief = "json_build_object('id', l.id, 'uuid', l.uuid, 'name', l.name)"
    values = {
        "visible": None if call.user.lists is None else list(call.user.lists),
        "query": f"%{query.get('query', '')}%",
        "tags": query.getlist("tag"),
        "type": query.get("type", ""),
        "optin": query.get("optin", ""),
        "status": query.get("status", ""),
        "offset": page.offset,
        "limit": page.limit,
    }
    where = """(%(visible)s::int[] is null or l.id = any(%(visible)s)) and l.name ilike %(query)s
        and l.tags @> %(tags)s::text[] and %(type)s in ('', l.type) and %(optin)s in ('', l.optin)
        and %(status)s in ('', l.status)"""
    with call.store.connection() as connection:
        row = connection.execute(
            f"""select (select count(*) from lists l where {where}), coalesce(json_agg(object order by id), '[]')::text
                from (select l.id, {brief if query.get("minimal") == "true" else _OBJECT} as object from lists l
                      where {where} order by l.id offset %(offset)s limit %(limit)s) listed""",
            values,
        ).fetchone()
    total, results = row if row else (0, "[]")
    return page.reply(results, total, search="", query=query.get("query", ""))


def get(call: Call) -> Raw:
    """GET /api/lists/:id; unknown is 400."""
    if not call.user.permitted([call.id]):
        raise Refusal(403, "permission denied: list")
    with call.store.connection() as connection:
        row = connection.execute(f"select ({_OBJECT})::text from lists l where l.id = %s", (call.id,)).fetchone()
    if row is None:
        raise Refusal(400, "List not found")
    return Raw(row[0])


def create(call: Call) -> Raw:
    values = _values(call, {"type": "private", "optin": "single", "status": "active", "description": "", "tags": []})
    if not values["name"]:
        raise Refusal(400, "Invalid length for name.")
    with call.store.connection() as connection:
        row = connection.execute(
            """insert into lists (uuid, name, type, optin, tags, description, status, created_at, updated_at)
               values (gen_random_uuid(), %(name)s, %(type)s, %(optin)s, %(tags)s, %(description)s, %(status)s,
                       %(now)s, %(now)s) returning id""",
            values,
        ).fetchone()
    call.store.count("lists_created")
    call.path["id"] = row[0] if row else 0
    return get(call)


def update(call: Call) -> Raw:
    values = _values(call, {})
    with call.store.connection() as connection:
        connection.execute(
            """update lists set name = coalesce(nullif(%(name)s, ''), name), type = coalesce(%(type)s, type),
                 optin = coalesce(%(optin)s, optin), status = coalesce(%(status)s, status),
                 description = coalesce(%(description)s, description), tags = coalesce(%(tags)s, tags),
                 updated_at = %(now)s where id = %(id)s""",
            values,
        )
    call.store.count("lists_updated")
    return get(call)


def delete(call: Call) -> bool:
    with call.store.connection() as connection:
        connection.execute("delete from lists where id = %s", (call.id,))
    call.store.count("lists_deleted")
    return True


def _values(call: Call, defaults: dict[str, Any]) -> dict[str, Any]:
    names = ("type", "optin", "status", "description", "tags")
    values = {name: call.body.get(name, defaults.get(name)) for name in names}
    for name, allowed in (("type", {"public", "private"}), ("optin", {"single", "double"})):
        if values[name] is not None and values[name] not in allowed:
            raise Refusal(400, f"Invalid {name}")
    name = str(call.body.get("name") or "").strip()
    return {**values, "name": name, "now": call.store.now(), "id": call.path.get("id")}
