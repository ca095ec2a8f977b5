"""Orders asked for over the API, as tests do it."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx

from pw_pipelines.db.connection import Database
from tests.portal.conftest import Web

API = "/api/v1"
CUSTOMER = {"name": "Ada Example", "email": "Ada@Example.com", "company": "Blue Mesa LLC", "phone": "202-555-0100"}


def cpni(**changed: Any) -> dict[str, Any]:
    return {
        "customer": CUSTOMER, "method": "card", "consent": True, "frn": "12345678",
        "items": [{"service": "cpni_certification"}], **changed,
    }  # fmt: skip


def post(web: Web, path: str, body: object, key: str | None = "", **headers: str) -> httpx.Response:
    """`key`: empty for a fresh one, None for none."""
    if key is not None:
        headers["Idempotency-Key"] = key or str(uuid.uuid4())
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(
        f"{web.url}{API}/{path}", content=content, headers={"Content-Type": "application/json", **headers}, timeout=30
    )


def count(db: Database, table: str) -> int:
    with db.connect() as connection:
        row = connection.execute(f"select count(*)::int as n from pw.{table}".encode()).fetchone()
    assert row is not None
    return int(str(row["n"]))


def problem(reply: httpx.Response, status: int, field: str) -> dict[str, Any]:
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json"), reply.text
    body: dict[str, Any] = reply.json()
    assert body["field"] == field
    assert body["remedy"]
    return body
