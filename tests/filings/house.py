"""A paid CPNI certification with its documents signed, worked by the real stages on the stand-ins."""

from __future__ import annotations

import tempfile
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from pw_pipelines.clock import Clock
from pw_pipelines.commerce.orders import ComplianceDetails, NewCustomer, NewOrder, place
from pw_pipelines.db.connection import Database
from pw_pipelines.fulfillment import deeds, engine, items
from pw_pipelines.fulfillment.facts import facts, keep_values
from pw_pipelines.fulfillment.ground import Ground
from pw_pipelines.fulfillment.model import Stage
from tests.commerce.making import CPNI, pay, price
from tests.filings.conftest import FACTS, PDF

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATES = ("cpni_certificate", "cpni_statement")
KEY = "filing:cpni:{frn}:2025"


@dataclass
class House:
    """Books and ground, and the ways to make items and to work them."""

    db: Database
    ground: Ground
    clock_file: Path

    def item(self, *, frn: str = "0099000001", stage: Stage = "review") -> int:
        """An item that stands at `stage`, everything before it done."""
        now = self.ground.clock.now()
        with self.connect() as connection:
            customer = NewCustomer(f"{uuid.uuid4().hex}@example.com", "Ada")
            placed = place(connection, NewOrder(customer, ComplianceDetails(frn=frn)), price(CPNI), now=now)
            connection.execute("update pw.order_items set frn = %s where order_id = %s", (frn, placed.order_id))
            pay(connection, placed.order_id, now=now)
            [item_id] = items.open_items(connection, now=now, order_id=placed.order_id)
            connection.execute("update pw.item_work set stage = %s where item_id = %s", (stage, item_id))
            self.tell(connection, item_id, {**FACTS, "frn": frn})
        for template in TEMPLATES:
            self.sign(item_id, template)
        return item_id

    def tell(self, connection: Any, item_id: int, values: dict[str, str]) -> None:
        known, now = facts(), self.ground.clock.now()
        open_ones = {name: value for name, value in values.items() if not known[name].private}
        keep_values(connection, item_id, open_ones, source="customer", by="test", now=now)
        for name in values.keys() - open_ones.keys():
            self.ground.vault.put(connection, item_id, name, values[name], now=now)

    def sign(self, item_id: int, template: str, *, edition: int = 1, content: bytes = PDF) -> None:
        """A document's edition, made and signed."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(content + template.encode() + str(edition).encode())
            file.flush()
            digest = self.ground.objects.put(Path(file.name))
        with self.connect() as connection:
            connection.execute(
                """insert into pw.item_documents (item_id, template, title, edition, template_digest, values_digest,
                     docx_digest, pdf_digest, signed_digest, is_signed_by_customer, pages, converted_by, made_at)
                   values (%s, %s, %s, %s, %s, %s, %s, %s, %s, true, 1, 'libreoffice', %s)""",
                (item_id, template, template, edition, *["0" * 64] * 3, digest, digest, self.ground.clock.now()),
            )

    def advance(self, item_id: int, stage: Stage) -> engine.Outcome:
        return engine.advance(self.ground, item_id, stage, run_id="run")

    def go(self, item_id: int, *stages: Stage) -> list[str]:
        """What became of each stage, up to the first gate."""
        came: list[str] = []
        for stage in stages:
            outcome = self.advance(item_id, stage)
            came.append(self.row(item_id)["gate"] if outcome.came == "gate" else outcome.came)
            if not outcome.goes_on:
                break
        return came

    def approve(self, item_id: int) -> None:
        """As a reviewer does at the desk, for the form the gate shows."""
        digest = self.row(item_id)["gate_detail"]["form_digest"]
        with self.connect() as connection:
            deeds.approve(connection, item_id, digest, by="rae", note=None, now=self.ground.clock.now())

    def again(self, item_id: int, *, stage: Stage | None = None) -> None:
        with self.connect() as connection:
            items.retry(connection, item_id, by="test", why="again", now=self.ground.clock.now(), stage=stage)

    def approved_item(self, *, frn: str = "0099000001") -> int:
        item = self.item(frn=frn)
        assert self.go(item, "review") == ["review"]
        self.approve(item)
        assert self.go(item, "review") == ["done"]
        return item

    @contextmanager
    def connect(self) -> Iterator[Any]:
        with psycopg.connect(self.db.url, row_factory=dict_row, options="-c timezone=UTC") as connection:
            yield connection

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with self.connect() as connection:
            return list(connection.execute(query, values).fetchall())

    def row(self, item_id: int) -> dict[str, Any]:
        [row] = self.rows("select * from pw.item_work where item_id = %s", item_id)
        return row

    def effect(self, frn: str = "0099000001") -> dict[str, Any]:
        [row] = self.rows("select * from pw.effects where key = %s", KEY.format(frn=frn))
        return row

    def later(self, *, days: int) -> None:
        """Moves the clock of this house, and of nobody else."""
        before = self.ground.clock.offset()
        self.ground.clock = Clock(self.clock_file)
        self.ground.clock.set_offset(before + timedelta(days=days))

    def set(self, **changed: Any) -> None:
        """Settings of this house."""
        self.ground.settings = self.ground.settings.model_copy(update=changed)
