"""A whole house in a home of its own, and orders in it that lack nothing but the money, for `pw bench fulfillment`."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.rows import dict_row
from pydantic import SecretStr

from pw_pipelines import filling
from pw_pipelines.commerce.basket import Basket, BasketItem
from pw_pipelines.commerce.fees import fee_book
from pw_pipelines.commerce.order_details import ComplianceDetails, Details
from pw_pipelines.commerce.orders import CUSTOMER, NewCustomer, NewOrder, place
from pw_pipelines.commerce.quote import quote
from pw_pipelines.errors import PwError
from pw_pipelines.fulfillment.facts import facts, keep_values
from pw_pipelines.fulfillment.private_data import Vault
from pw_pipelines.runtime.processes import end_all, leftovers
from pw_pipelines.runtime.running import running_house
from pw_pipelines.sandbox.payments import messages, signing
from pw_pipelines.settings import PROJECT_ROOT, Settings, with_sandbox_addresses

SERVICE = "cpni_certification"  # two documents, one signer, nothing of the public record needed
METHOD = "ach"
READY_SECONDS, STOP_SECONDS = 400.0, 120.0
CLIENTS = 8
ANSWERS = {
    "carrier_street": "410 Invented Avenue, Suite 9",
    "carrier_city": "Cheyenne",
    "carrier_state": "WY",
    "carrier_zip": "82001",
    "form_499_id": "831188",
    "uses_cpni_for_marketing": "no",
    "cpni_complaints": "None.",
    "data_broker_actions": "None.",
    "cpni_procedures": "Customers are asked for a password that is not made of what is readily known of them; every "
    "change of an account is told to the customer; who works with CPNI is trained once a year.",
    "signer_name": "Morgan Q. Sample",
    "signer_title": "Chief Executive Officer",
}


class BenchFailed(PwError):
    """The house did not come up, or an order did not come as far as it had to."""


@dataclass(frozen=True)
class Ordered:
    """One order that waits for its money."""

    number: str
    item_id: int
    cents: int


@dataclass
class BenchHouse:
    """A running house: its settings as its own processes see them, and a connection to its warehouse."""

    settings: Settings
    web: str
    connection: psycopg.Connection[dict[str, Any]]

    def order(self, count: int) -> list[Ordered]:
        """Orders of one service each, with everything answered that the service needs to know."""
        return [self._order() for _ in range(count)]

    def _order(self) -> Ordered:
        counted = self.connection.execute("select count(*) as n from pw.orders").fetchone()
        assert counted is not None
        number = int(counted["n"]) + 1
        frn = f"{9_000_000_000 + number}"
        answers = {**ANSWERS, "carrier_name": f"Harbor & Finch {number} LLC"}
        basket = Basket("compliance", (BasketItem(SERVICE, frn=frn),))
        return self.place(f"customer-{number}@example.com", basket, ComplianceDetails(frn=frn), answers)

    def place(
        self, email: str, basket: Basket, details: Details, answers: Mapping[str, str], *, by: str = CUSTOMER
    ) -> Ordered:
        """One order of one service, unpaid, with its answers kept; its signer has the customer's address."""
        now, today = self.settings.clock.now(), self.settings.clock.today()
        vault, private = Vault(self.settings), {fact.name for fact in facts().values() if fact.private}
        fees = fee_book(paypal_percent=self.settings.paypal_surcharge_percent)
        price = quote(basket, method=METHOD, discount=None, referral=None, today=today, fees=fees)
        with self.connection.transaction():
            customer = NewCustomer(email, "Ada Example")
            placed = place(self.connection, NewOrder(customer, details, by=by), price, now=now)
            row = self.connection.execute(
                "select item_id from pw.order_items where order_id = %s", (placed.order_id,)
            ).fetchone()
            assert row is not None
            item_id = int(row["item_id"])
            known = {**answers, "signer_email": email}
            for name in known.keys() & private:
                vault.put(self.connection, item_id, name, known[name], now=now)
            told = {name: value for name, value in known.items() if name not in private}
            keep_values(self.connection, item_id, told, source="customer", by="customer", now=now)
        return Ordered(placed.number, item_id, int(price.total * 100))

    def pay(self, orders: Sequence[Ordered]) -> None:
        """The provider's signed webhooks, eight senders at a time; returns when all are acknowledged."""
        todo, lock = iter(orders), threading.Lock()
        failed: list[Exception] = []

        def send() -> None:
            where = urlsplit(self.web)
            connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
            while not failed:
                with lock:
                    order = next(todo, None)
                if order is None:
                    break
                try:
                    self._deliver(connection, order)
                except Exception as error:  # noqa: BLE001  # raised below, in the thread that measures
                    failed.append(error)
            connection.close()

        threads = [threading.Thread(target=send) for _ in range(min(CLIENTS, len(orders)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]

    def _deliver(self, connection: http.client.HTTPConnection, order: Ordered) -> None:
        now = self.settings.clock.now()
        session = messages.stripe_session(order.number, order.cents)
        raw = messages.encoded(messages.stripe_event("checkout.session.completed", session, now))
        connection.request("POST", "/webhooks/stripe", raw, signing.stripe(raw, "whsec_sandbox", now))
        reply = connection.getresponse()
        reply.read()
        if reply.status != http.client.OK:
            raise BenchFailed(f"The webhook of {order.number} was answered with {reply.status}.")

    def await_signature(self, orders: Sequence[Ordered], *, seconds: float, pause: float = 0.05) -> None:
        """Until every order waits for its signer, who has the mail by then. Raises BenchFailed where one does not."""
        until = time.monotonic() + seconds
        items = [order.item_id for order in orders]
        while True:
            rows = self.connection.execute(
                "select stage, state, gate, gate_why, count(*) as n from pw.item_work where item_id = any(%s) "
                "group by stage, state, gate, gate_why",
                (items,),
            ).fetchall()
            there = sum(row["n"] for row in rows if row["gate"] == "signature")
            if there == len(items):
                return
            if elsewhere := [row for row in rows if row["state"] == "waiting" and row["gate"] not in _ON_THE_WAY]:
                raise BenchFailed(f"An order waits at {elsewhere[0]['gate']}: {elsewhere[0]['gate_why']}")
            if time.monotonic() > until:
                raise BenchFailed(f"{there} of {len(items)} orders reached the signer in {seconds:.0f} s.")
            time.sleep(pause)


_ON_THE_WAY = ("signature", "retry", "settling")


@contextlib.contextmanager
def bench_house(
    home: Path, launcher: str, more: Mapping[str, str] = MappingProxyType({}), *, filled: bool = False
) -> Iterator[BenchHouse]:
    """`pw up` on free ports with nothing to do but what it is given; ended when the block ends. `more`: variables of
    all its processes. `filled`: it fills itself with the public record, as a user's does, and starts everything by
    itself afterwards."""
    home.mkdir(parents=True)
    if not filled:
        _leave_sources_alone(home)
    ready, output = home / "ready.json", home / "up.log"
    # Whether interpreters may keep what they compiled is the developer's shell's wish; a house starts like a user's.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PW_", "DAGSTER_", "PYTHON"))}
    variables = {**kept, "PW_HOME": str(home), "PW_LAUNCHER": launcher, "PW_SANDBOX_COMPANIES": "0.01", **more}
    fills = "--bootstrap" if filled else "--no-bootstrap"
    command = [sys.executable, "-m", "pw_pipelines.cli", "up", fills, "--ready-file", str(ready)]
    with output.open("wb") as sink:
        up = subprocess.Popen(
            command, cwd=PROJECT_ROOT, env=variables, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
            start_new_session=True,
        )  # fmt: skip
    try:
        until = time.monotonic() + READY_SECONDS
        while not ready.exists():
            if up.poll() is not None or time.monotonic() > until:
                raise BenchFailed(f"The house did not come up: {output.read_text()[-2000:]}")
            time.sleep(0.2)
        with _joined(home, json.loads(ready.read_text())["web"]) as house:
            yield house
    finally:
        up.send_signal(signal.SIGINT)
        try:
            up.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            up.kill()
            up.wait()
        end_all(leftovers(home))


def _leave_sources_alone(home: Path) -> None:
    """Nothing of the public record is read meanwhile: the house is told that somebody is filling it."""
    note = filling.note(home)
    note.parent.mkdir(parents=True)
    note.write_text(json.dumps({"finished": False, "steps": []}))


@contextlib.contextmanager
def _joined(home: Path, web: str) -> Iterator[BenchHouse]:
    running = running_house(home)
    assert running is not None
    known = running.environment
    settings = Settings(
        home=home,
        database_url=SecretStr(known["PW_DATABASE_URL"]),
        objects_url=known["PW_OBJECTS_URL"],
        sandbox_url=known["PW_SANDBOX_URL"],
        dagster_url=running.dagster_url,
        dagster_api_url=running.api_url,
        public_url=web,
    )
    url = known["PW_DATABASE_URL"]
    with psycopg.connect(url, row_factory=dict_row, autocommit=True, options="-c timezone=UTC") as connection:
        yield BenchHouse(with_sandbox_addresses(settings), web, connection)
