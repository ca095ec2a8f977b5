"""A web app over a warehouse of its own, orders in it, and everything needed to sign as the providers do."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from pw_pipelines.commerce.orders import ComplianceDetails, NewCustomer, NewOrder, PlacedOrder, place
from pw_pipelines.commerce.payments.ground import ground_of
from pw_pipelines.commerce.payments.work import Tally, work_due
from pw_pipelines.db.connection import Database
from pw_pipelines.sandbox.payments import messages, signing
from pw_pipelines.sandbox.payments.keys import Signer, signer
from pw_pipelines.settings import Settings, with_sandbox_addresses
from tests.commerce.making import CPNI, price
from tests.portal.conftest import serving

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
TOTAL = 19_900  # cents, by bank transfer: no surcharge
Cells = dict[str, Any]


@dataclass
class FakeCaptures:
    """Remembers what it was told to take."""

    taken: list[tuple[str, str]] = field(default_factory=list)
    problem: Exception | None = None

    def paypal(self, paypal_order: str, *, key: str) -> None:
        self._take(paypal_order, key)

    def adyen(self, psp_reference: str, *, minor: int, currency: str, order_number: str, key: str) -> None:
        self._take(f"{psp_reference} {minor} {currency} {order_number}", key)

    def _take(self, what: str, key: str) -> None:
        if self.problem is not None:
            raise self.problem
        self.taken.append((what, key))


@dataclass
class Till:
    """The web app, its warehouse, and the providers before it."""

    url: str
    db: Database
    settings: Settings
    signer: Signer
    client: httpx.Client
    captures: FakeCaptures = field(default_factory=FakeCaptures)

    # -- orders --------------------------------------------------------------------------------------------------

    def order(self, method: str = "ach") -> PlacedOrder:
        """An order over 199.00 USD, not paid."""
        with self.db.connect() as connection:
            new = NewOrder(NewCustomer(f"{uuid.uuid4().hex}@example.com", "Ada"), ComplianceDetails(frn="0012345678"))
            placed = place(connection, new, price(CPNI), now=NOW)
            if method != "ach":
                connection.execute("update pw.orders set method = %s where order_id = %s", (method, placed.order_id))
        return placed

    def row(self, order: PlacedOrder) -> Cells:
        [row] = self.rows("select * from pw.orders where order_id = %s", order.order_id)
        return row

    def status(self, order: PlacedOrder) -> str:
        return str(self.row(order)["status"])

    def rows(self, query: str, *values: Any) -> list[Cells]:
        with self.db.connect() as connection:
            return list(connection.execute(query, values).fetchall())  # type: ignore[arg-type]

    def payments(self, order: PlacedOrder) -> list[tuple[str, Decimal]]:
        found = self.rows("select state, amount from pw.payments where order_id = %s order by payment_id", order.order_id)  # fmt: skip  # noqa: E501
        return [(row["state"], row["amount"]) for row in found]

    def ledger(self, order: PlacedOrder) -> list[tuple[str, Decimal]]:
        found = self.rows(
            "select l.kind, l.amount from pw.money_ledger l join pw.payments using (payment_id)"
            " where order_id = %s order by entry_id",
            order.order_id,
        )
        return [(row["kind"], row["amount"]) for row in found]

    def flags(self, order: PlacedOrder | None) -> list[str]:
        which = order.order_id if order else None
        found = self.rows("select text from pw.conversation_flags where order_id is not distinct from %s", which)
        return [row["text"] for row in found]

    def events(self) -> list[Cells]:
        return self.rows("select * from pw.payment_events order by event_id")

    # -- deliveries ----------------------------------------------------------------------------------------------

    def signed(self, provider: str, body: Cells, *, at: datetime | None = None) -> tuple[bytes, dict[str, str]]:
        raw, moment = messages.encoded(body), at or self.settings.clock.now()
        if provider == "stripe":
            return raw, signing.stripe(raw, "whsec_sandbox", moment)
        if provider == "paypal":
            return raw, signing.paypal(raw, self.signer, "WH-SANDBOX", moment)
        if provider == "shkeeper":
            return raw, signing.shkeeper(raw, "sandbox-shkeeper-key", moment)
        return raw, dict(signing.JSON)

    def post(self, provider: str, raw: bytes, headers: dict[str, str]) -> int:
        return self.client.post(f"/webhooks/{provider}", content=raw, headers=headers).status_code

    def deliver(self, provider: str, body: Cells) -> int:
        return self.post(provider, *self.signed(provider, body))

    def work(self, *, now: datetime | None = None) -> Tally:
        return work_due(
            self.db,
            ground=ground_of(self.settings),
            captures=self.captures,
            now=lambda: now or self.settings.clock.now(),
        )

    def tell(self, provider: str, body: Cells) -> Cells:
        """Delivers, works, and gives the event's row."""
        assert self.deliver(provider, body) in (200, 202)
        self.work()
        return self.events()[-1]


def adyen(*items: Cells, live: str = "false") -> Cells:
    return messages.adyen_body(*items, hex_key="5A" * 32, live=live)


@pytest.fixture(scope="session")
def paypal_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("paypal")


@pytest.fixture
def till_settings(settings: Settings, db: Database, paypal_folder: Path) -> Settings:
    settings.clock.set_offset(NOW - datetime.now(UTC))
    signer(paypal_folder, NOW)
    return with_sandbox_addresses(settings).model_copy(
        update={"database_url": SecretStr(db.url), "paypal_root_file": paypal_folder / "root.pem"}
    )


@pytest.fixture
def open_till(
    till_settings: Settings, db: Database, paypal_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Till]]:
    """`open_till(**settings)`: the web app with these settings."""
    from contextlib import ExitStack

    from pw_pipelines.resources.paypal import PayPalCertificates

    known = signer(paypal_folder, NOW)
    monkeypatch.setattr(PayPalCertificates, "fetch", lambda _self, _url: known.chain)
    with ExitStack() as running:

        def start(**changed: Any) -> Till:
            settings = till_settings.model_copy(update=changed)
            url = running.enter_context(serving(settings))
            client = running.enter_context(httpx.Client(base_url=url, timeout=30))
            return Till(url, db, settings, known, client)

        yield start


@pytest.fixture
def till(open_till: Callable[..., Till]) -> Till:
    return open_till()


@pytest.fixture
def away(postgres: Any) -> str:
    """The address of a database that does not answer."""
    return str(psycopg.conninfo.make_conninfo(postgres.url("nowhere"), port="9", connect_timeout="1"))
