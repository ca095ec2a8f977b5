"""The second half of `pw demo`: a lead's findings become an order, a payment and books, each over the real road.

A customer's part is played over HTTP on the web app; the sandbox provider sends its signed webhooks; the jobs are
Dagster's own. In the end order, money and books are compared to the cent by the very comparisons of the asset checks.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import PwError
from pw_pipelines.settings import Settings

Outcome = tuple[str, Sequence[Sequence[object]]]
Deed = Callable[[], Outcome]
METHOD = "card"
WAIT_SECONDS = 60.0  # for a webhook; the stand-in sends it at once
_LEAD = """
    select l.frn, l.name, l.email, coalesce(l.contact_name, l.name) as contact, l.codes,
           (select min(m.segment) from segments.segment_members m where m.frn = l.frn) as segment
    from marts.deficiency_leads l where l.services && %s order by l.severity_rank, l.frn limit 1
"""


class Failed(PwError):
    """A step came to nothing; the message says why."""


@dataclass
class OrderDemo:
    """One customer's way from the lead to the books. `web`: where the web app answers."""

    db: Database
    settings: Settings
    web: httpx.Client
    lead: dict[str, Any] = field(default_factory=dict)
    services: list[str] = field(default_factory=list)
    order: dict[str, Any] = field(default_factory=dict)

    def steps(
        self,
        step: Callable[[str, Deed], None],
        run: Callable[[str], Deed],
        work_items: Callable[[OrderDemo], None],
        prove_items: Callable[[OrderDemo], None],
    ) -> None:
        """Every step in its order. `run`: a job of Dagster's as a deed; work_items, prove_items: see demo_item.py."""
        step("check of a lead", self.check)
        step("quote", self.quote)
        step("order", self.place)
        step("payment", self.pay)
        step("work the payment", run("work_payments"))
        step("paid order", self.paid)
        work_items(self)
        step("books", run("make_books"))
        step("proof of the books", run("prove_books"))
        step("order, money and books", self.agree)
        prove_items(self)

    def check(self) -> Outcome:
        """A lead opens the link of its mail: the free check."""
        from pw_pipelines.commerce.catalogue import catalogue

        priced = [one.code for one in catalogue().values() if one.price_usd and one.per == "order"]
        found = self._rows(_LEAD, priced)
        if not found:
            raise Failed("no lead has a finding that a service with a published price mends")
        self.lead = found[0]
        answer = self._asked("GET", f"/api/v1/compliance-check/{self.lead['frn']}", params=self._utm())
        self.services = [code for code in answer["services"] if code in priced]
        if not self.services:
            raise Failed(f"the check of {self.lead['frn']} offers nothing: {answer['answer']}")
        codes = ", ".join(one["code"] for one in answer["findings"])
        return f"{self.lead['name']}, FRN {self.lead['frn']}, {answer['answer']}: {codes}", ()

    def quote(self) -> Outcome:
        """What mending it costs, by card."""
        price = self._asked("POST", "/api/v1/quotes", json={"method": METHOD, **self._basket()})
        rows = [(line["kind"], line["text"], line["amount"]) for line in price["lines"]]
        return f"{price['total']} {price['currency']} by {METHOD}: {', '.join(row[1] for row in rows)}", rows

    def place(self) -> Outcome:
        """The order; sent twice, as impatient people do."""
        body = {
            "customer": {"name": self.lead["contact"], "email": self.lead["email"], "company": self.lead["name"]},
            "method": METHOD, "consent": True, "utm": self._utm(), **self._basket(),
            "is_another": True,  # the demo may run again for the same lead
        }  # fmt: skip
        key = {"Idempotency-Key": str(uuid.uuid4())}
        self.order, again = (self._asked("POST", "/api/v1/compliance-orders", json=body, headers=key) for _ in range(2))
        if again["number"] != self.order["number"]:
            raise Failed(f"the same request made two orders: {self.order['number']} and {again['number']}")
        return f"{self.order['number']}, {self.order['total']} {self.order['currency']}; sent twice, placed once", ()

    def pay(self) -> Outcome:
        """Pays on the provider's page; its signed webhooks come to the inbox."""
        begun = self._asked("POST", f"/api/v1/orders/{self.order['token']}/payments")
        told = httpx.post(begun["pay_url"], data={"outcome": "paid"}, timeout=30)
        if told.status_code != httpx.codes.SEE_OTHER:
            raise Failed(f"the pay page of {begun['provider']} answered {told.status_code}")
        until = time.monotonic() + WAIT_SECONDS
        while not (events := self._events()):
            if time.monotonic() > until:
                raise Failed(f"no webhook of {begun['provider']} came in {WAIT_SECONDS:.0f} s")
            time.sleep(0.1)
        return f"paid at {begun['provider']}; its signed webhook is in the inbox: {', '.join(events)}", ()

    def paid(self) -> Outcome:
        """The order as its own page shows it."""
        shown = self._asked("GET", f"/api/v1/orders/{self.order['token']}")
        if (shown["status"], len(shown["payments"])) != ("processing", 1):
            raise Failed(f"{shown['number']} is {shown['status']} with {len(shown['payments'])} payments")
        return f"{shown['number']}: {shown['status_words']}, {shown['payments'][0]['amount']} came", ()

    def agree(self) -> Outcome:
        """Order = payment = ledger = invoice = payment entry, and nothing anywhere disagrees."""
        from pw_pipelines.commerce import books_agree, ledger_agree
        from pw_pipelines.commerce.order_states import order_states
        from pw_pipelines.commerce.payments.ground import ground_of
        from pw_pipelines.resources.erpnext import Erpnext

        total, currency = Decimal(self.order["total"]), self.order["currency"]
        with Erpnext(self.settings) as erpnext, self.db.connect(application="pw demo") as connection:
            states = order_states(connection)
            ledger = ledger_agree.compare(connection, ground_of(self.settings))
            books = books_agree.compare(connection, erpnext)
        wrong = [*ledger.differences, *books.differences, *(one.sentence for one in states if not one.is_whole)]
        if wrong or books.waiting or books.held:
            raise Failed("; ".join(wrong) or f"{books.waiting} documents are not made, {books.held} are held")
        sums = {
            "order": total,
            "paid": sum((one.paid_amount for one in states if one.currency == currency), Decimal(0)),
            "ledger": ledger.amount.get(currency, Decimal(0)),
            "invoiced": books.amount.get(currency, Decimal(0)),
        }
        rows = self._rows(
            "select e.kind, e.name, o.total, o.currency from pw.book_entries e join pw.orders o using (order_id) "
            "where o.number = %s order by e.entry_id",
            self.order["number"],
        )
        if sums["paid"] != sums["ledger"] or sums["invoiced"] < total:
            raise Failed(f"the sums differ: {sums}")
        said = ", ".join(f"{name} {amount:,}" for name, amount in sums.items())
        table = [(row["kind"], row["name"], f"{row['total']:,}", row["currency"]) for row in rows]
        return f"{self.order['number']} agrees to the cent: {said} {currency}", table

    def _utm(self) -> dict[str, str]:
        return {
            "utm_source": "listmonk", "utm_medium": "email", "utm_campaign": str(self.lead["segment"] or "demo"),
        }  # fmt: skip

    def _basket(self) -> dict[str, object]:
        return {"frn": self.lead["frn"], "items": [{"service": code} for code in self.services]}

    def _events(self) -> list[str]:
        """Types of the events that name this order."""
        found = self._rows(
            "select event_type from pw.payment_events where order_number = %s order by event_id", self.order["number"]
        )
        return [str(row["event_type"]) for row in found]

    def _asked(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """The web app's answer. Raises Failed with its own words when it says no."""
        headers: Mapping[str, str] = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}
        more["headers"] = {**headers, **more.get("headers", {})}
        reply = self.web.request(method, path, **more)
        if not reply.is_success:
            raise Failed(f"{method} {path} answered {reply.status_code}: {reply.text[:300]}")
        answer: dict[str, Any] = reply.json()
        return answer

    def _rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        with self.db.connect(application="pw demo") as connection:
            return list(connection.execute(query.encode(), parameters).fetchall())


@contextmanager
def web_app_running(settings: Settings, port: int) -> Iterator[httpx.Client]:
    """The web app as a process of its own on `port` of loopback, as `pw up` runs it; gives a client of it."""
    import os

    from pw_pipelines.runtime.processes import Child, await_health, web_app

    child = Child(web_app("127.0.0.1", port), settings.home / "logs", dict(os.environ))
    child.start()
    try:
        await_health([child])
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            yield client
    finally:
        child.stop()
