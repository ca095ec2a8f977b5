"""The inboxes of the invented world at `/mail`: who got which mail, how it looks, and its attachments.

`/mail/messages` (`?to=` for one address) is the same as JSON, for tests.
"""

from __future__ import annotations

import hashlib
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from pw_pipelines.sandbox.mail import MailDrop

NEWEST = 100
_HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Inboxes (stand-in)</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{font:16px/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:60rem;padding:0 1rem;color:#1b1b1b}
a{color:#0b57a4}.mail{display:block;padding:.6rem 0;border-bottom:1px solid #ddd;text-decoration:none;color:inherit}
.mail b{display:block;color:#0b57a4}.quiet{color:#5b6470;font-size:.9em;overflow-wrap:anywhere}
iframe{width:100%;height:34rem;border:1px solid #ddd;border-radius:6px}dl{display:grid;grid-template-columns:auto 1fr;
gap:.2rem 1rem}dt{color:#5b6470}dd{margin:0;overflow-wrap:anywhere}</style>"""
# What a mail holds may not act in the page that shows it.
_TIED = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups"}


def routes(drop: MailDrop) -> list[Route]:
    """The pages, below the mount `/mail`."""

    def inboxes(request: Request) -> Response:
        address = request.query_params.get("to")
        rows = "".join(_row(to, path) for to, path in drop.mails(address)[:NEWEST])
        who = " · ".join(
            f'<a href="/mail/?to={quote(each)}">{escape(each)}</a> ({len(drop.mails(each))})'
            for each in drop.addresses()
        )
        only = f'Mail to {escape(address)}; <a href="/mail/">all</a>.' if address else ""
        return HTMLResponse(
            f"""{_HEAD}<meta http-equiv="refresh" content="5"><h1>Inboxes (stand-in)</h1>
<p>Invented people in an invented world; nothing here leaves the machine.
{only}</p><p class="quiet">{who or "No mail yet."}</p>
{rows}</html>"""
        )

    def messages(request: Request) -> Response:
        found = drop.mails(request.query_params.get("to"))
        return JSONResponse({"messages": [_as_json(to, path) for to, path in found]})

    def found(request: Request) -> tuple[str, Path]:
        name = request.path_params["name"]
        for to, path in drop.mails():
            if path.name == name:
                return to, path
        raise HTTPException(404, "There is no such mail.")

    def read(request: Request) -> Response:
        return HTMLResponse(_HEAD + _page(*found(request)))

    def body(request: Request) -> Response:
        part = _parsed(found(request)[1]).get_body(("html", "plain"))
        if part is None:
            return HTMLResponse("", headers=_TIED)
        text = part.get_content()
        shown = text if part.get_content_subtype() == "html" else f"<pre>{escape(text)}</pre>"
        return HTMLResponse(shown.replace("<a href=", '<a target="_blank" href='), headers=_TIED)

    def attachment(request: Request) -> Response:
        parts = list(_parsed(found(request)[1]).iter_attachments())
        number = request.path_params["number"]
        if number >= len(parts):
            raise HTTPException(404, "There is no such attachment.")
        part = parts[number]
        kind = "inline" if part.get_content_type() in ("application/pdf", "image/png") else "attachment"
        name = quote(part.get_filename() or "attachment")
        return Response(
            _content(part), media_type=part.get_content_type(),
            headers={"Content-Disposition": f"{kind}; filename*=UTF-8''{name}", "X-Content-Type-Options": "nosniff"},
        )  # fmt: skip

    return [
        Route("/", inboxes),
        Route("/messages", messages),
        Route("/read/{name}", read),
        Route("/body/{name}", body),
        Route("/attachment/{name}/{number:int}", attachment),
    ]


def _parsed(path: Path) -> EmailMessage:
    return BytesParser(policy=default).parsebytes(path.read_bytes())


def _row(to: str, path: Path) -> str:
    mail = _parsed(path)
    number = len(list(mail.iter_attachments()))
    more = f" · {number} attachment{'s' if number > 1 else ''}" if number else ""
    return (
        f'<a class="mail" href="/mail/read/{quote(path.name)}"><b>{escape(str(mail["Subject"]))}</b>'
        f'<span class="quiet">to {escape(to)} · {escape(str(mail["Date"]))}{more}</span></a>'
    )


def _page(to: str, path: Path) -> str:
    mail = _parsed(path)
    headers = "".join(
        f"<dt>{name}<dd>{escape(str(mail[name]))}" for name in ("From", "To", "Date", "Message-ID", "Auto-Submitted")
    )
    files = "".join(
        f'<li><a href="/mail/attachment/{quote(path.name)}/{number}">{escape(part.get_filename() or "attachment")}</a> '
        f'<span class="quiet">{part.get_content_type()}, {len(_content(part)):,} bytes</span>'
        for number, part in enumerate(mail.iter_attachments())
    )
    plain = mail.get_body(("plain",))
    text = escape(plain.get_content()) if plain is not None else ""
    return f"""<p><a href="/mail/">Inboxes</a> · <a href="/mail/?to={quote(to)}">{escape(to)}</a></p>
<h1>{escape(str(mail["Subject"]))}</h1><dl>{headers}</dl><ul>{files}</ul>
<iframe sandbox="allow-popups" title="The mail" src="/mail/body/{quote(path.name)}"></iframe>
<details><summary>As plain text</summary><pre style="white-space:pre-wrap">{text}</pre></details></html>"""


def _as_json(to: str, path: Path) -> dict[str, Any]:
    mail = _parsed(path)
    plain = mail.get_body(("plain",))
    return {
        "to": to,
        "name": path.name,
        "from": str(mail["From"]),
        "subject": str(mail["Subject"]),
        "date": str(mail["Date"]),
        "message_id": str(mail["Message-ID"]),
        "auto_submitted": str(mail["Auto-Submitted"]),
        "text": plain.get_content().replace("\r\n", "\n") if plain is not None else "",
        "attachments": [
            {
                "name": part.get_filename(),
                "media_type": part.get_content_type(),
                "bytes": len(_content(part)),
                "sha256": hashlib.sha256(_content(part)).hexdigest(),
            }
            for part in mail.iter_attachments()
        ],
    }


def _content(part: Any) -> bytes:
    content = part.get_content()
    return content if isinstance(content, bytes) else str(content).encode()
