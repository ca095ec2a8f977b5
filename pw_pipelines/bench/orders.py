"""`pw bench orders`: webhooks taken in by the web app under eight clients, and the quote, in a home of its own."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from pw_pipelines.bench.measure import Measure, at_least, at_most, percentile
from pw_pipelines.clock import machine_now
from pw_pipelines.commerce.basket import Basket, BasketItem
from pw_pipelines.commerce.fees import fee_book
from pw_pipelines.commerce.quote import quote
from pw_pipelines.errors import PwError
from pw_pipelines.runtime.ports import Ports
from pw_pipelines.runtime.processes import Child, await_health, base_url, web_app
from pw_pipelines.runtime.stack import Stack, open_stack
from pw_pipelines.sandbox.payments import messages, signing
from pw_pipelines.sandbox.payments.keys import signer
from pw_pipelines.settings import Mode, Settings

CLIENTS = 8
WARM_UP = 400
DELIVERIES = 4_000
QUOTES = 5_000
GOAL_P99_MS, GOAL_PER_SECOND, GOAL_QUOTE_MS = 100.0, 200.0, 20.0
RIGHT = {"stripe": 200, "paypal": 200, "shkeeper": 202, "adyen": 202}
Delivery = tuple[str, bytes, dict[str, str]]  # provider, body, headers


class BenchFailed(PwError):
    """A webhook was answered wrongly or not stored, so there is nothing to measure."""


def run(home: Path, *, say: Callable[[str], None]) -> list[Measure]:
    """Every measure in turn; `home` is an empty folder."""
    say(f"{QUOTES:,} quotes")
    measures = [_quotes()]
    settings = Settings(home=home, mode=Mode.SANDBOX, database_url=None)
    with open_stack(settings, sandbox=True) as stack, _web(stack) as url:
        say(f"signing {DELIVERIES + WARM_UP:,} webhooks of four providers")
        deliveries = _deliveries(stack.settings, WARM_UP + DELIVERIES)
        _posted(url, deliveries[:WARM_UP])
        say(f"{DELIVERIES:,} webhooks by {CLIENTS} clients")
        begun = time.perf_counter()
        taken = _posted(url, deliveries[WARM_UP:])
        spent = time.perf_counter() - begun
        _demand_stored(stack, len(deliveries))
        say("the same server's liveness, and the same rows without verification")
        idle = percentile(_health(url), 0.99)
        plain = _plain_rate(stack, deliveries[WARM_UP:])
    return [
        at_most(
            "webhook_acknowledged_p99", percentile(taken, 0.99), "ms", goal=GOAL_P99_MS, peer=idle,
            peer_is=f"GET /health of the same server, p99 by {CLIENTS} clients",
        ),
        at_least(
            "webhooks_stored", len(taken) / spent, "/s", goal=GOAL_PER_SECOND, peer=plain,
            peer_is=f"the same bodies inserted without HTTP and verification, a commit each, by {CLIENTS} threads",
        ),
        *measures,
    ]  # fmt: skip


def _quotes() -> Measure:
    """Baskets of one to six services, each priced anew."""
    fees = fee_book(paypal_percent=Decimal("3.49"))
    services = ("cpni_certification", "form_499a", "rmd_filing", "calea_ssi", "stir_shaken_implementation", "bdc_voice")
    today = machine_now().date()
    taken = []
    for number in range(QUOTES):
        items = tuple(BasketItem(service, frn="0012345678") for service in services[: 1 + number % len(services)])
        begun = time.perf_counter()
        quote(Basket("compliance", items), method="card", discount=None, referral=None, today=today, fees=fees)
        taken.append((time.perf_counter() - begun) * 1000)
    return at_most("quote_p99", percentile(taken, 0.99), "ms", goal=GOAL_QUOTE_MS, peer=None, peer_is="")


@contextmanager
def _web(stack: Stack) -> Iterator[str]:
    """The web app as a process of its own; its base URL."""
    ports = Ports("127.0.0.1")
    port = ports.take(stack.settings.web_port)
    child = Child(web_app("127.0.0.1", port), stack.settings.home / "logs", os.environ)
    child.start()
    try:
        await_health([child])
        yield base_url("127.0.0.1", port)
    finally:
        child.stop()
        ports.close()


def _deliveries(settings: Settings, count: int) -> list[Delivery]:
    """Signed webhooks, a quarter of each provider; every tenth is the one before it, delivered again."""
    made: list[Delivery] = []
    known = signer(settings.home / "sandbox" / "paypal", settings.clock.now())
    for number in range(count):
        now, order = settings.clock.now(), f"PW-2026-{number:06d}"
        if number % 10 == 9:
            made.append(made[-1])
        elif number % 4 == 0:
            made.append(_stripe(order, now))
        elif number % 4 == 1:
            raw = messages.encoded(
                messages.paypal_event("PAYMENT.CAPTURE.COMPLETED", messages.paypal_capture(order, 19_900), now)
            )
            made.append(("paypal", raw, signing.paypal(raw, known, str(settings.paypal_webhook_id), now)))
        elif number % 4 == 2:
            raw = messages.encoded(messages.shkeeper_callback(order, 19_900, 19_900, txids=["t1"]))
            made.append(("shkeeper", raw, signing.shkeeper(raw, "sandbox-shkeeper-key", now)))
        else:
            item = messages.adyen_item(order, 19_900)
            raw = messages.encoded(messages.adyen_body(item, hex_key="5A" * 32))
            made.append(("adyen", raw, dict(signing.JSON)))
    return made


def _stripe(order: str, now: datetime) -> Delivery:
    event = messages.stripe_event("checkout.session.completed", messages.stripe_session(order, 19_900), now)
    raw = messages.encoded(event)
    return "stripe", raw, signing.stripe(raw, "whsec_sandbox", now)


def _posted(url: str, deliveries: Sequence[Delivery]) -> list[float]:
    """Milliseconds of each delivery, eight at a time. Raises BenchFailed for a wrong answer."""

    def post(connection: http.client.HTTPConnection, one: Delivery) -> None:
        provider, raw, headers = one
        connection.request("POST", f"/webhooks/{provider}", raw, headers)
        reply = connection.getresponse()
        reply.read()
        if reply.status != RIGHT[provider]:
            raise BenchFailed(f"A webhook of {provider} was answered with {reply.status}.")

    return _eight_at_a_time(url, [partial(post, one=one) for one in deliveries])


def _health(url: str) -> list[float]:
    def get(connection: http.client.HTTPConnection) -> None:
        connection.request("GET", "/health")
        connection.getresponse().read()

    return _eight_at_a_time(url, [get] * DELIVERIES)


def _eight_at_a_time(url: str, deeds: Sequence[Callable[[http.client.HTTPConnection], None]]) -> list[float]:
    where = urlsplit(url)
    todo, lock = iter(deeds), threading.Lock()
    taken: list[float] = []
    failed: list[Exception] = []

    def client() -> None:
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        while not failed:
            with lock:
                deed = next(todo, None)
            if deed is None:
                break
            begun = time.perf_counter()
            try:
                deed(connection)
            except Exception as error:  # noqa: BLE001  # raised below, in the thread that measures
                failed.append(error)
            taken.append((time.perf_counter() - begun) * 1000)
        connection.close()

    _together(client)
    if failed:
        raise failed[0]
    return taken


def _together(client: Callable[[], None]) -> None:
    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _demand_stored(stack: Stack, count: int) -> None:
    with stack.db.connect() as connection:
        row = connection.execute("select coalesce(sum(deliveries), 0)::int as n from pw.payment_events").fetchone()
    if row is None or row["n"] != count:
        raise BenchFailed(f"{row and row['n']} of {count} webhooks are in the inbox.")


def _plain_rate(stack: Stack, deliveries: Sequence[Delivery]) -> float:
    """Rows a second that eight threads insert into a table without keys, one commit each."""
    todo, lock = iter(deliveries), threading.Lock()
    with stack.db.connect() as connection:
        connection.execute("create table if not exists public.plain (raw bytea)")

    def client() -> None:
        with stack.db.connect() as connection:
            connection.autocommit = True
            while True:
                with lock:
                    one = next(todo, None)
                if one is None:
                    return
                connection.execute("insert into public.plain values (%s)", (one[1],))

    begun = time.perf_counter()
    _together(client)
    return len(deliveries) / (time.perf_counter() - begun)
