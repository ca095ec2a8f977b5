"""Rebuilds the pages of a portal's stand-in while they are looked at: a label, a field, a type, a button's place.

`POST /_control/redesign {"portal": "fcc_rmd", "edits": [{"do": "label", "at": "[name=ocn]", "to": "Carrier code"}]}` is
added to what was rebuilt before; `GET` tells it; `DELETE ?portal=` mends it (all of them without a name). A search
portal is called by its state (`wy`). The stand-in itself knows nothing of it: a script in its pages does it, so pages
that are drawn by scripts are rebuilt too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Do = Literal["label", "drop", "type", "name", "id", "move", "double"]
_NEEDS = ("label", "type", "name", "id", "move")
_PATH = re.compile(r"^/(?:filing|portals)/([a-z0-9_]+)(?:/|$)")

_SCRIPT = """<script>(() => {
  const edits = %s, done = new WeakMap();
  const words = (e, to) => {
    if (e.matches('button, a, summary')) { e.textContent = to; return; }
    if (['submit', 'button'].includes(e.type)) { e.value = to; return; }
    if (e.getAttribute('aria-label')) { e.setAttribute('aria-label', to); return; }
    const label = (e.labels || [])[0], cell = e.closest('td, dd');
    const node = label && [...label.childNodes].find(n => n.nodeType === 3 && n.textContent.trim());
    if (node) node.textContent = to + ' ';
    else if (label && !label.contains(e)) label.textContent = to;
    else if (cell && cell.previousElementSibling) cell.previousElementSibling.textContent = to;
    else e.setAttribute('placeholder', to);
  };
  const deeds = {
    label: words, drop: e => (e.closest('label, tr') || e).remove(), type: (e, to) => { e.type = to; },
    name: (e, to) => { e.name = to; }, id: (e, to) => { e.id = to; },
    move: (e, to) => { const place = document.querySelector(to); if (place) place.append(e); },
    double: e => e.after(e.cloneNode(true)),
  };
  const apply = () => edits.forEach((edit, n) => document.querySelectorAll(edit.at).forEach(e => {
    const known = done.get(e) || new Set();
    if (known.has(n)) return;
    known.add(n); done.set(e, known);
    deeds[edit.do](e, edit.to);
    if (edit.do === 'double') done.set(e.nextElementSibling, known);
  }));
  new MutationObserver(apply).observe(document, {childList: true, subtree: true});
  document.addEventListener('DOMContentLoaded', apply);
})()</script>"""


class Edit(BaseModel):
    """One change of a page. at: CSS; to: the new words, type, name or id; move: the element it is put into."""

    model_config = ConfigDict(extra="forbid")

    do: Do
    at: str = Field(min_length=1, max_length=300)
    to: str = Field(default="", max_length=300)

    @model_validator(mode="after")
    def _whole(self) -> Edit:
        if self.do in _NEEDS and not self.to:
            raise ValueError(f"`{self.do}` needs `to`")
        return self


class Order(BaseModel):
    """What is told to a portal's pages."""

    model_config = ConfigDict(extra="forbid")

    portal: str = Field(pattern=r"^[a-z0-9_]+$")
    edits: list[Edit] = Field(min_length=1, max_length=50)


@dataclass
class Redesigns:
    """The edits in force, by portal."""

    edits: dict[str, list[Edit]] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """For the control routes."""
        return {"redesigns": {portal: [edit.model_dump() for edit in edits] for portal, edits in self.edits.items()}}


class Redesigned:
    """The stand-ins, with their pages rebuilt on the way out."""

    def __init__(self, app: ASGIApp, redesigns: Redesigns) -> None:
        self._app = app
        self._redesigns = redesigns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Only whole HTML pages of a portal that is rebuilt are held back and changed."""
        found = _PATH.match(scope["path"]) if scope["type"] == "http" else None
        edits = self._redesigns.edits.get(found.group(1)) if found else None
        if not edits:
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def changed(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            assert start is not None
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            headers = [(name.lower(), value) for name, value in start["headers"]]
            if any(name == b"content-type" and value.startswith(b"text/html") for name, value in headers):
                body = _with_script(body, edits)
                headers = [(name, value) for name, value in headers if name != b"content-length"]
                headers.append((b"content-length", str(len(body)).encode()))
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, changed)


def _with_script(body: bytes, edits: list[Edit]) -> bytes:
    script = (_SCRIPT % json.dumps([edit.model_dump() for edit in edits]).replace("</", "<\\/")).encode()
    head = re.search(rb"<head[^>]*>", body, re.IGNORECASE)
    return body[: head.end()] + script + body[head.end() :] if head else script + body


def routes(redesigns: Redesigns, portals: Sequence[str]) -> list[Route]:
    """`/redesign` below the mount `/_control`. `portals`: whose pages can be rebuilt."""
    unknown = JSONResponse({"error": f"There is no such portal here; there are {', '.join(portals)}."}, status_code=422)

    async def tell(request: Request) -> Response:
        try:
            order = Order.model_validate(await request.json())
        except (ValidationError, ValueError) as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        if order.portal not in portals:
            return unknown
        redesigns.edits.setdefault(order.portal, []).extend(order.edits)
        return JSONResponse(redesigns.shown())

    async def show(request: Request) -> Response:
        return JSONResponse(redesigns.shown())

    async def mend(request: Request) -> Response:
        if portal := request.query_params.get("portal"):
            if portal not in portals:
                return unknown
            redesigns.edits.pop(portal, None)
        else:
            redesigns.edits.clear()
        return JSONResponse(redesigns.shown())

    return [
        Route("/redesign", tell, methods=["POST"]),
        Route("/redesign", show, methods=["GET"]),
        Route("/redesign", mend, methods=["DELETE"]),
    ]
