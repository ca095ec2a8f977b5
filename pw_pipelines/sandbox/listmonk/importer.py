"""CSV imports: one at a time, in the background, bad lines skipped, `overwrite` re-subscribing people."""

from __future__ import annotations

import csv
import io
import json
import threading
import zipfile
from dataclasses import dataclass, field
from typing import Any

from psycopg.types.json import Jsonb

from pw_pipelines.sandbox.listmonk.access import Refusal
from pw_pipelines.sandbox.listmonk.store import Store
from pw_pipelines.sandbox.listmonk.subscribers import SUBSCRIPTION_STATUSES, Connection
from pw_pipelines.sandbox.listmonk.wire import Call, email_in, ids_in, name_from


@dataclass
class _State:
    name: str = ""
    total: int = 0
    imported: int = 0
    status: str = "none"
    logs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Order:
    mode: str
    lists: list[int]
    subscription_status: str
    overwrite_userinfo: bool
    overwrite_subscription_status: bool


class Importer:
    """The one import slot of a Listmonk. `held` lets a test keep an import running."""

    def __init__(self) -> None:
        self.held = threading.Event()
        self.held.set()
        self._lock = threading.Lock()
        self._state = _State()

    def status(self, _call: Call) -> dict[str, Any]:
        state = self._state
        return {"name": state.name, "total": state.total, "imported": state.imported, "status": state.status}

    def logs(self, _call: Call) -> str:
        return "\n".join(self._state.logs)

    def stop(self, call: Call) -> dict[str, Any]:
        """DELETE: stops a running import, or clears a finished one."""
        with self._lock:
            if self._state.status == "importing":
                self._state.status = "stopping"
            else:
                self._state = _State()
        return self.status(call)

    def start(self, call: Call) -> dict[str, Any]:
        """POST: takes the upload and answers at once."""
        order, delimiter = _order(call)
        filename, content = _upload(call)
        with self._lock:
            if self._state.status in ("importing", "stopping"):
                raise Refusal(
                    400, "An import is already running. Wait for it to finish or stop it before trying again."
                )
            self._state = state = _State(name=filename, status="importing")
        rows = _rows(content, delimiter)
        state.total = len(rows) - 1 if rows else 0
        threading.Thread(
            target=self._work, args=(call.store, order, rows, state), name="sandbox-listmonk-import", daemon=True
        ).start()
        call.store.count("imports_started")
        return self.status(call)

    def _work(self, store: Store, order: _Order, rows: list[list[str]], state: _State) -> None:
        self.held.wait()
        header = [name.strip().lower() for name in rows[0]] if rows else []
        if "email" not in header:
            state.logs.append("email column not found in the header")
            state.status = "failed"
            return
        with store.connection() as connection:
            for number, row in enumerate(rows[1:], start=2):
                if state.status == "stopping":
                    break
                if len(row) != len(header):
                    state.logs.append(f"skipping line {number}. column count {len(row)} does not match the header")
                    continue
                try:
                    self._line(store, connection, order, dict(zip(header, row, strict=True)))
                except (Refusal, ValueError) as error:
                    state.logs.append(f"skipping line {number}: {error}")
                    continue
                state.imported += 1
        state.logs.append("imported finished")
        state.status = "finished"

    def _line(self, store: Store, connection: Connection, order: _Order, line: dict[str, str]) -> None:
        email = email_in({"email": line["email"]})
        attributes = line.get("attributes", "").strip()
        attribs = json.loads(attributes) if attributes else None
        if attribs is not None and not isinstance(attribs, dict):
            raise ValueError("attributes must be a JSON object")
        blocking = order.mode == "blocklist"
        values = {
            "email": email, "name": line.get("name", "").strip() or name_from(email), "attribs": Jsonb(attribs),
            "status": "blocklisted" if blocking else "enabled", "blocking": blocking, "lists": order.lists,
            "subscription": order.subscription_status, "userinfo": order.overwrite_userinfo,
            "substatus": order.overwrite_subscription_status, "now": store.now(),
        }  # fmt: skip
        with connection.transaction():
            connection.execute(
                """insert into subscribers (uuid, email, name, attribs, status, created_at, updated_at)
                   values (gen_random_uuid(), %(email)s, %(name)s, %(attribs)s, %(status)s, %(now)s, %(now)s)
                   on conflict (email) do update set updated_at = excluded.updated_at,
                     name = case when %(userinfo)s then excluded.name else subscribers.name end,
                     attribs = case when %(userinfo)s then excluded.attribs else subscribers.attribs end,
                     status = case when %(blocking)s then 'blocklisted' else subscribers.status end""",
                values,
            )
            connection.execute(
                """insert into subscriber_lists (subscriber_id, list_id, status, created_at, updated_at)
                   select s.id, l.id, %(subscription)s, %(now)s, %(now)s from subscribers s, lists l
                   where s.email = %(email)s and l.id = any(%(lists)s) and (%(blocking)s or s.status <> 'blocklisted')
                   on conflict (subscriber_id, list_id) do update set updated_at = excluded.updated_at,
                     status = case when %(substatus)s then excluded.status else subscriber_lists.status end""",
                values,
            )
            if blocking:
                connection.execute(
                    """update subscriber_lists set status = 'unsubscribed'
                       where subscriber_id = (select id from subscribers where email = %(email)s)""",
                    values,
                )


def _order(call: Call) -> tuple[_Order, str]:
    try:
        params = json.loads(call.form.get("params") or "")
    except (ValueError, TypeError) as error:
        raise Refusal(400, "Invalid `params` field") from error
    mode, delimiter = params.get("mode"), str(params.get("delim") or "")
    if mode not in ("subscribe", "blocklist"):
        raise Refusal(400, "Invalid mode")
    if len(delimiter) != 1:
        raise Refusal(400, "`delim` should be a single character")
    status = params.get("subscription_status") or ("unconfirmed" if mode == "subscribe" else "unsubscribed")
    if status not in SUBSCRIPTION_STATUSES:
        raise Refusal(400, "Invalid subscription status")
    asked = ids_in(params.get("lists") or [], "list id")
    lists = call.user.permitted(asked)
    if mode == "subscribe" and not lists:
        raise Refusal(403, "permission denied: lists")
    both = bool(params.get("overwrite"))
    return (
        _Order(
            mode=mode,
            lists=lists,
            subscription_status=status,
            overwrite_userinfo=both or bool(params.get("overwrite_userinfo")),
            overwrite_subscription_status=both or bool(params.get("overwrite_subscription_status")),
        ),
        delimiter,
    )


def _upload(call: Call) -> tuple[str, bytes]:
    """The CSV's name and bytes; of a ZIP only its first CSV."""
    upload = call.form.get("file")
    if not isinstance(upload, tuple):
        raise Refusal(400, "Invalid file")
    filename, content = upload
    if not filename.lower().endswith(".zip"):
        return filename, content
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            first = next(name for name in archive.namelist() if name.lower().endswith(".csv"))
            return filename, archive.read(first)
    except (zipfile.BadZipFile, StopIteration) as error:
        raise Refusal(400, "Invalid ZIP file") from error


def _rows(content: bytes, delimiter: str) -> list[list[str]]:
    text = content.decode("utf-8-sig", errors="replace")
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
