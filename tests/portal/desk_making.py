"""A desk with people, items at gates, forms, documents and evidence, for its tests."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from psycopg.types.json import Jsonb

from pw_pipelines import masking
from pw_pipelines.db.connection import Database
from pw_pipelines.fulfillment import items
from pw_pipelines.fulfillment.model import Gate
from pw_pipelines.portal import desk_session, desk_users
from pw_pipelines.resources.objects import Objects
from pw_pipelines.settings import Settings
from tests.commerce.making import NOW
from tests.desk.making import paid_order
from tests.portal.conftest import Web

PASSWORD = "correct horse battery"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


@dataclass
class Person:
    """Somebody at the desk with a browser that keeps cookies."""

    client: httpx.Client
    csrf: str = ""

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.client.get(path, **more)

    def post(self, path: str, data: Mapping[str, str] | None = None, **more: Any) -> httpx.Response:
        return self.client.post(path, data={"csrf": self.csrf, **(data or {})}, **more)


@dataclass
class Desk:
    """The running web app and the books behind it."""

    web: Web
    settings: Settings
    people: list[httpx.Client] = field(default_factory=list)

    @property
    def db(self) -> Database:
        return self.web.db

    def browser(self) -> httpx.Client:
        client = httpx.Client(base_url=self.web.url, timeout=30)
        self.people.append(client)
        return client

    def person(self, role: str, name: str | None = None) -> Person:
        """Somebody who is logged in already; the password's hashing is tried elsewhere."""
        now = self.settings.clock.now()
        with self.db.connect() as connection:
            user = desk_users.add_user(connection, name or f"{role}-{len(self.people)}", role, None, now=now)
            connection.execute("update pw.staff_users set password_hash = 'x' where user_id = %s", (user.user_id,))
            token = desk_session.begin_session(connection, user, now=now)
            row = connection.execute(
                "select csrf from pw.staff_sessions where token_hash = %s", (desk_session.hash_of(token),)
            ).fetchone()
        assert row is not None
        client = self.browser()
        client.cookies.set("pw_desk", token, domain="127.0.0.1")
        return Person(client, str(row["csrf"]))

    def row(self, query: str, *values: Any, **named: Any) -> dict[str, Any]:
        with self.db.connect() as connection:
            found = connection.execute(query.encode(), named or values).fetchone()
        assert found is not None
        return dict(found)

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with self.db.connect() as connection:
            return [dict(row) for row in connection.execute(query.encode(), values).fetchall()]

    def keep(self, content: bytes) -> str:
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            return Objects(str(self.settings.objects_url)).put(Path(file.name))

    def item(self, service: str = "cpni_certification", **order: Any) -> int:
        with self.db.connect() as connection:
            return paid_order(connection, service, **order)[1][0]

    def waits(
        self, item_id: int, gate: str, why: str = "It waits.", *, stage: str | None = None, **detail: Any
    ) -> None:
        with self.db.connect() as connection:
            if stage:
                connection.execute("update pw.item_work set stage = %s where item_id = %s", (stage, item_id))
            clock = NOW if gate in ("hours", "pacing", "retry", "settling", "cure_window") else None
            items.wait_at(
                connection, item_id, Gate(gate, why, detail=detail, not_before=clock), by="run", run_id=None, now=NOW  # type: ignore[arg-type]
            )  # fmt: skip

    def form(self, item_id: int, fields: Mapping[str, str], *, pictures: Sequence[bytes] = (PNG,)) -> str:
        """A filled form that waits for its review; its digest."""
        content = json.dumps(
            {
                "portal": "fcc_ecfs", "form": "cpni", "key": "k",
                "pages": [{
                    "page": "Filing", "address": "/x", "button": {}, "uploads": {"#file": ["ab" * 32]},
                    "fields": {
                        name: {"kind": "text", "required": True, "value": value} for name, value in fields.items()
                    },
                }],
            },
            sort_keys=True,
        ).encode()  # fmt: skip
        digest = self.keep(content)
        assert digest == hashlib.sha256(content).hexdigest()
        self.evidence(item_id, content, "application/json", kind="filled_form", title="Filled form")
        for number, picture in enumerate(pictures, start=1):
            self.evidence(item_id, picture, "image/png", kind="filled_form", title=f"Page {number}")
        self.waits(item_id, "review", "The filled form waits.", stage="review", form_digest=digest)
        return digest

    def evidence(
        self, item_id: int, content: bytes, media_type: str, *, kind: str = "page", title: str = "A page"
    ) -> str:
        digest = self.keep(content)
        with self.db.connect() as connection:
            connection.execute(
                "insert into pw.evidence (item_id, stage, kind, title, media_type, digest, at) "
                "values (%s, 'review', %s, %s, %s, %s, %s)",
                (item_id, kind, title, media_type, digest, NOW),
            )
        return digest

    def document(
        self, item_id: int, pdf: bytes, *, signed: bytes | None = None, title: str = "CPNI certificate"
    ) -> str:
        """A document drawn up, and signed if its signed bytes are given; the digest of the newest PDF."""
        digest, signed_digest = self.keep(pdf), self.keep(signed) if signed else None
        with self.db.connect() as connection:
            connection.execute(
                """insert into pw.item_documents (item_id, template, title, edition, template_digest, values_digest,
                     docx_digest, pdf_digest, signed_digest, is_signed_by_customer, pages, converted_by, made_at)
                   values (%(i)s, %(t)s, %(t)s, 1, %(d)s, %(d)s, %(x)s, %(d)s, %(s)s, true, 1, 'libreoffice', %(n)s)""",
                {"i": item_id, "t": title, "d": digest, "x": self.keep(b"PK docx"), "s": signed_digest, "n": NOW},
            )
        return signed_digest or digest

    def effect(self, item_id: int, key: str, *, state: str = "unknown", kind: str = "filing") -> int:
        row = self.row(
            """insert into pw.effects (key, item_id, kind, payload_digest, state, intended_at, deadline_at, done_at,
                 last_error, reference, detail)
               values (%(k)s, %(i)s, %(kind)s, %(d)s, %(s)s, %(n)s, %(n)s,
                 case when %(s)s = 'done' then %(n)s::timestamptz end, 'Timed out',
                 case when %(s)s = 'done' then '2026112200001' end, %(j)s) returning effect_id""",
            k=key, i=item_id, kind=kind, d="cd" * 32, s=state, n=NOW, j=Jsonb({}),
        )  # fmt: skip
        return int(row["effect_id"])


def words(text: str) -> str:
    """A page's words as they are read."""
    text = re.sub(r"<(script|style).*?</\1>", " ", text, flags=re.S)
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)))


@pytest.fixture
def desk(start: Callable[..., Web], web_settings: Settings) -> Iterator[Desk]:
    """The web app with an object store; import it where it is used."""
    url = f"file://{web_settings.home}/objects"
    desk = Desk(start(objects_url=url), web_settings.model_copy(update={"objects_url": url}))
    yield desk
    for client in desk.people:
        client.close()
    masking.forget_all()
