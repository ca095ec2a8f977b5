"""A page for people who want to see the subscribers arrive; the real Listmonk has its admin UI here."""

from __future__ import annotations

from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pw_pipelines.sandbox.listmonk.store import LEAD_LIST, Store

NEWEST = 50
_HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Listmonk stand-in</title>
<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="5">
<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1b1b1b}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;
vertical-align:top}code{font-size:.9em}.n{font-size:1.4rem}</style>
<h1>Listmonk (stand-in)</h1><p>Invented people in an invented world; nothing here is mailed.</p>"""


def show(store: Store, _request: Request) -> Response:
    """The lead list's counts by subscription status, and its newest subscribers."""
    with store.connection() as connection:
        counts = connection.execute(
            "select status, count(*) from subscriber_lists where list_id = %s group by status order by status",
            (LEAD_LIST,),
        ).fetchall()
        rows = connection.execute(
            """select s.created_at, s.email, s.name, s.status, sl.status, s.attribs from subscribers s
               join subscriber_lists sl on sl.subscriber_id = s.id and sl.list_id = %s
               order by s.id desc limit %s""",
            (LEAD_LIST, NEWEST),
        ).fetchall()
    told = ", ".join(f"{number:,} {status}" for status, number in counts) or "nobody yet"
    body = "".join(_row(*row) for row in rows)
    return HTMLResponse(
        f"""{_HEAD}<p class="n">List {LEAD_LIST}, Deficiency leads: {told}</p>
<p>The newest {NEWEST}:</p><table><tr><th>added (UTC)<th>address<th>name<th>status<th>subscription
<th>company<th>codes<th>check</tr>{body}</table></html>"""
    )


def _row(*row: Any) -> str:
    added, email, name, status, subscription, attribs = row
    known: dict[str, Any] = attribs if isinstance(attribs, dict) else {}
    codes = ", ".join(map(str, known.get("codes") or ()))
    url = str(known.get("check_url") or "")
    link = f'<a href="{escape(url)}">check</a>' if url.startswith(("http://", "https://")) else ""
    cells = (f"{added:%Y-%m-%d %H:%M:%S}", email, name, status, subscription, known.get("company", ""), codes)
    return "<tr>" + "".join(f"<td>{escape(str(cell))}" for cell in cells) + f"<td>{link}</tr>"
