"""A paid order with one item, the ground it is worked on, and stages that do what a test tells them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from pydantic import SecretStr

from pw_pipelines.commerce.orders import ComplianceDetails, NewCustomer, NewOrder, place
from pw_pipelines.db.connection import Database
from pw_pipelines.fulfillment import engine, items
from pw_pipelines.fulfillment import lease as leases
from pw_pipelines.fulfillment.ground import Ground
from pw_pipelines.fulfillment.model import Stage
from pw_pipelines.fulfillment.owner import leave, new_owner
from pw_pipelines.fulfillment.work import Work
from pw_pipelines.resources.objects import Objects
from pw_pipelines.settings import Settings, with_sandbox_addresses
from tests.commerce.making import CPNI, NOW, pay, price


@dataclass
class House:
    """Books, ground, and the ways to make orders and to work items."""

    db: Database
    ground: Ground
    stages: dict[str, Callable[[Work], str]] = field(default_factory=dict)

    def paid_item(self, *, frn: str = "0012345678", email: str | None = None) -> int:
        """One CPNI certification, paid, its work opened."""
        with self.connect() as connection:
            customer = NewCustomer(email or f"{uuid.uuid4().hex}@example.com", "Ada")
            placed = place(connection, NewOrder(customer, ComplianceDetails(frn=frn)), price(CPNI), now=NOW)
            connection.execute("update pw.order_items set frn = %s where order_id = %s", (frn, placed.order_id))
            pay(connection, placed.order_id)
            [item_id] = items.open_items(connection, now=NOW, order_id=placed.order_id)
        return item_id

    def connect(self) -> Any:
        return psycopg.connect(self.db.url, row_factory=dict_row, options="-c timezone=UTC")

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with self.connect() as connection:
            return list(connection.execute(query, values).fetchall())

    def row(self, item_id: int) -> dict[str, Any]:
        [row] = self.rows("select * from pw.item_work where item_id = %s", item_id)
        return row

    def order_status(self, item_id: int) -> str:
        [row] = self.rows("select status from pw.orders join pw.item_work using (order_id) where item_id = %s", item_id)
        return str(row["status"])

    def advance(self, item_id: int, stage: Stage, *, run_id: str = "run") -> engine.Outcome:
        return engine.advance(self.ground, item_id, stage, run_id=run_id)

    @contextmanager
    def working(self, item_id: int) -> Iterator[Work]:
        """A lease on the item, as a run has it."""
        owner = new_owner()
        with self.connect() as connection:
            lease = leases.take(connection, item_id, owner=owner, run_id="run", seconds=60)
            assert lease is not None, "somebody else works it"
            item = items.read_item(connection, item_id)
        try:
            yield Work(self.ground, item, lease, "run")
        finally:
            leave(owner)
            with self.connect() as connection:
                leases.give_back(connection, lease)

    def effect(self, key: str) -> dict[str, Any]:
        [row] = self.rows("select * from pw.effects where key = %s", key)
        return row


@pytest.fixture
def house(db: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    objects = (tmp_path / "objects").as_uri()
    seen = with_sandbox_addresses(
        settings.model_copy(update={"database_url": SecretStr(db.url), "objects_url": objects})
    ).model_copy(update={"settle_seconds": 0.0, "retry_minutes": 1.0})
    made = House(db, Ground(seen, db, Objects(objects)))

    def runner_of(stage: Stage) -> Callable[[Work], str]:
        return made.stages.get(stage, lambda _work: f"{stage} done")

    monkeypatch.setattr(engine, "runner_of", runner_of)
    return made
