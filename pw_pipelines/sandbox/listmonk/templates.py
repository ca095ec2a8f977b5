"""Templates: read, create, update, delete. Two may have the same name."""

from __future__ import annotations

import re
from typing import Any

from pw_pipelines.sandbox.listmonk.access import Refusal
from pw_pipelines.sandbox.listmonk.wire import Call, Raw

_CONTENT = re.compile(r'{{(\s+)?template\s+?"content"(\s+)?\.(\s+)?}}')
_OBJECT = """json_build_object('id', t.id, 'created_at', t.created_at, 'updated_at', t.updated_at, 'name', t.name,
    'type', t.type, 'subject', t.subject, 'body', t.body, 'is_default', t.is_default)"""


def every(call: Call) -> Raw:
    """GET /api/templates: an array, not a page."""
    with call.store.connection() as connection:
        row = connection.execute(
            f"select coalesce(json_agg({_OBJECT} order by t.created_at, t.id), '[]')::text from templates t"
        ).fetchone()
    return Raw(row[0] if row else "[]")


def get(call: Call) -> Raw:
    """GET /api/templates/:id; unknown is 400."""
    with call.store.connection() as connection:
        row = connection.execute(f"select ({_OBJECT})::text from templates t where t.id = %s", (call.id,)).fetchone()
    if row is None:
        raise Refusal(400, "Template not found")
    return Raw(row[0])


def create(call: Call) -> Raw:
    values = _values(call)
    with call.store.connection() as connection:
        row = connection.execute(
            """insert into templates (name, type, subject, body, created_at, updated_at)
               values (%(name)s, %(type)s, %(subject)s, %(body)s, %(now)s, %(now)s) returning id""",
            values,
        ).fetchone()
    call.store.count("templates_created")
    call.path["id"] = row[0] if row else 0
    return get(call)


def update(call: Call) -> Raw:
    values = _values(call)
    with call.store.connection() as connection:
        connection.execute(
            "update templates set name = %(name)s, body = %(body)s, subject = %(subject)s, updated_at = %(now)s "
            "where id = %(id)s",
            values,
        )
    call.store.count("templates_updated")
    return get(call)


def delete(call: Call) -> bool:
    with call.store.connection() as connection:
        connection.execute("delete from templates where id = %s and not is_default", (call.id,))
    call.store.count("templates_deleted")
    return True


def _values(call: Call) -> dict[str, Any]:
    name, kind = str(call.body.get("name") or ""), str(call.body.get("type") or "")
    body = str(call.body.get("body") or "")
    if not 1 <= len(name) <= 200:
        raise Refusal(500, "Invalid length for name.")  # a plain error there, so no 400
    if kind == "campaign" and not _CONTENT.search(body):
        raise Refusal(400, 'The placeholder {{ template "content" . }} should appear exactly once in the template.')
    subject = str(call.body.get("subject") or "") if kind == "tx" else ""
    if kind == "tx" and not subject.strip():
        raise Refusal(400, "Missing field(s): subject")
    return {
        "name": name, "type": kind, "subject": subject, "body": body, "now": call.store.now(),
        "id": call.path.get("id"),
    }  # fmt: skip
