"""From "pay" to paid through each provider's stand-in: sessions, pages, signed webhooks, repetitions, lost answers."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from pw_pipelines.commerce.orders import PlacedOrder
from pw_pipelines.commerce.payments.clients import ProviderClients
from pw_pipelines.commerce.payments.ground import ground_of
from pw_pipelines.commerce.payments.sessions import Try, begin
from pw_pipelines.commerce.payments.work import work_due
from pw_pipelines.errors import OutsideRefused, OutsideUnavailable, UsageError
from pw_pipelines.faults import VARIABLE, InjectedFault
from pw_pipelines.sandbox.faults import FaultBook
from pw_pipelines.sandbox.payments import messages as say
from pw_pipelines.sandbox.payments.keys import signer
from pw_pipelines.sandbox.payments.mounts import payment_apps
from pw_pipelines.settings import PROJECT_ROOT, Settings, with_sandbox_addresses
from tests.payments.conftest import NOW, TOTAL, FakeCaptures, Till
from tests.served import served

PAID = [("paid", Decimal("199.00"))]
METHODS = {"card": "stripe", "ach": "stripe", "paypal": "paypal", "crypto": "shkeeper", "klarna": "adyen", "cashapp": "adyen"}  # fmt: skip  # noqa: E501


class Street:
    """The till with the four stand-ins across the street, which send to it."""

    def __init__(self, till: Till, outside: str) -> None:
        self.till = till
        self.outside = outside
        self.settings = with_sandbox_addresses(
            till.settings.model_copy(update={"sandbox_url": outside, "public_url": till.url})
        ).model_copy(update={"http_timeout_seconds": 10.0})
        self.clients = ProviderClients(self.settings)
        for provider in ("stripe", "paypal", "adyen"):
            self.control(provider, "webhook", {"url": f"{till.url}/webhooks/{provider}"})

    def control(self, provider: str, deed: str, body: dict[str, Any]) -> None:
        httpx.post(f"{self.outside}/{provider}/_sandbox/{deed}", json=body, timeout=10).raise_for_status()

    def begin(self, order: PlacedOrder) -> Try:
        return begin(
            self.till.db, order.order_id, clients=self.clients, return_url="https://pw.example/done",
            cancel_url="https://pw.example/back", now=lambda: NOW,
        )  # fmt: skip

    def pay(self, found: Try, outcome: str = "paid", **more: Any) -> None:
        self.control(found.provider, f"pay/{found.reference}", {"outcome": outcome, **more})

    def sent(self, provider: str) -> dict[str, Any]:
        return dict(httpx.get(f"{self.outside}/{provider}/_sandbox/sent", timeout=10).json())

    def settle(self, provider: str, *, rounds: int = 100) -> list[int]:
        """Works the inbox until the sender has nothing under way; the statuses it got."""
        for _ in range(rounds):
            work_due(self.till.db, ground=ground_of(self.settings), captures=self.clients, now=lambda: NOW)
            if self.sent(provider)["under_way"] == 0:
                tally = work_due(self.till.db, ground=ground_of(self.settings), captures=self.clients, now=lambda: NOW)
                if self.sent(provider)["under_way"] == 0 and not tally.done:
                    return [one["status"] for one in self.sent(provider)["attempts"]]
            time.sleep(0.05)
        raise AssertionError(f"{provider} still sends: {self.sent(provider)}")


@pytest.fixture(scope="module")
def paypal_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PayPal's key and certificates as its stand-in makes them, once for all; RSA keys take their time."""
    folder = tmp_path_factory.mktemp("paypal")
    signer(folder, NOW)
    return folder


@pytest.fixture
def street(open_till: Callable[..., Till], till_settings: Settings, paypal_keys: Path) -> Iterator[Street]:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    from pw_pipelines.sandbox.faults import Misbehaving
    from pw_pipelines.sandbox.faults import routes as fault_routes

    book = FaultBook()
    apps = payment_apps(till_settings)
    app = Starlette(
        routes=[Mount("/_control", routes=fault_routes(book)), *(Mount(path, app=one) for path, one in apps.items())]
    )
    with ExitStack() as running:
        outside = running.enter_context(served(Misbehaving(app, book)))
        # The stand-in has its certificate in the sandbox's home, and serves it.
        paypal_folder = shutil.copytree(paypal_keys, till_settings.home / "sandbox" / "paypal")
        till = open_till(
            paypal_certs_from=f"{outside}/paypal", paypal_root_file=paypal_folder / "root.pem", sandbox_url=outside
        )
        yield Street(till, outside)


@pytest.fixture(autouse=True)
def _real_certificates(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Undoes the shortcut of the till: here certificates are fetched over HTTP."""
    from pw_pipelines.resources import paypal

    honest = paypal.PayPalCertificates.fetch
    if "street" in request.fixturenames:
        request.getfixturevalue("street")
        monkeypatch.setattr(paypal.PayPalCertificates, "fetch", honest)


@pytest.mark.parametrize("method", METHODS)
def test_each_way_to_pay_leads_from_a_session_to_a_paid_order(street: Street, method: str) -> None:
    order = street.till.order(method)
    found = street.begin(order)
    assert found.provider == METHODS[method]
    street.pay(found)
    ended = street.settle(found.provider)
    assert (street.till.status(order), street.till.payments(order)) == ("processing", PAID), street.till.events()
    assert set(ended) == ({202} if found.provider in {"shkeeper", "adyen"} else {200})
    [session] = street.till.rows("select state, amount, currency from pw.checkout_sessions")
    assert (session["amount"], session["currency"]) == (Decimal("199.00"), "USD")
    if found.provider == "stripe":
        assert session["state"] == "paid"


def test_asking_again_gives_the_same_session_and_so_does_a_second_click(street: Street) -> None:
    order = street.till.order("card")
    assert street.begin(order) == street.begin(order)
    assert len(street.till.rows("select from pw.checkout_sessions")) == 1


@pytest.mark.parametrize("point", ["payments.session.asked", "payments.session.opened"])
def test_whatever_is_lost_in_between_the_same_session_is_found_again(
    street: Street, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    order = street.till.order("card")
    monkeypatch.setenv(VARIABLE, f"{point}:raise")
    with pytest.raises(InjectedFault):
        street.begin(order)
    monkeypatch.delenv(VARIABLE)
    found = street.begin(order)
    assert street.begin(order).reference == found.reference
    assert len(street.till.rows("select from pw.checkout_sessions")) == 1


@pytest.mark.parametrize("provider", ["stripe", "paypal", "adyen"])
def test_a_session_that_was_made_but_never_answered_is_made_once(street: Street, provider: str) -> None:
    order = street.till.order({"stripe": "card", "paypal": "paypal", "adyen": "cashapp"}[provider])
    match = {"stripe": "sessions", "paypal": "orders", "adyen": "sessions"}[provider]
    fault = {"system": provider, "fault": "done_but_timeout", "seconds": 0.05, "match": match, "times": 1}
    httpx.post(f"{street.outside}/_control/faults", json=fault, timeout=10).raise_for_status()
    found = street.begin(order)  # the client repeats it with the same key
    again = {"system": provider, "fault": "status", "status": 503, "times": 3}
    httpx.post(f"{street.outside}/_control/faults", json=again, timeout=10).raise_for_status()
    assert street.begin(order) == found


def test_a_provider_that_is_away_is_asked_with_the_same_key_the_next_time(street: Street) -> None:
    order = street.till.order("card")
    fault = {"system": "stripe", "fault": "status", "status": 503, "times": 3}
    httpx.post(f"{street.outside}/_control/faults", json=fault, timeout=10).raise_for_status()
    with pytest.raises(OutsideUnavailable):
        street.begin(order)
    street.begin(order)
    assert [row["state"] for row in street.till.rows("select state from pw.checkout_sessions")] == ["open"]


def test_a_refusal_is_told_and_the_next_try_has_a_key_of_its_own(street: Street) -> None:
    order = street.till.order("crypto")
    clients = ProviderClients(street.settings.model_copy(update={"shkeeper_api_key": type(street.settings.stripe_secret_key)("wrong")}))  # type: ignore[misc,arg-type]  # fmt: skip  # noqa: E501
    with clients, pytest.raises(OutsideRefused, match="Bad API key"):
        begin(street.till.db, order.order_id, clients=clients, return_url="x", cancel_url="y", now=lambda: NOW)
    street.begin(order)
    states = [row["state"] for row in street.till.rows("select state from pw.checkout_sessions order by session_id")]
    assert states == ["failed", "open"]


def test_what_is_paid_or_held_takes_no_more_money(street: Street) -> None:
    order = street.till.order("card")
    street.pay(street.begin(order))
    street.settle("stripe")
    with pytest.raises(UsageError, match="is paid"):
        street.begin(order)
    held = street.till.order("card")
    wrong = say.stripe_session(held.number, TOTAL - 1)
    street.till.tell("stripe", say.stripe_event("checkout.session.completed", wrong, NOW))
    with pytest.raises(UsageError, match="is held"):
        street.begin(held)


def test_a_session_about_to_end_is_not_handed_out_again(street: Street) -> None:
    order = street.till.order("card")
    first = street.begin(order)
    later = begin(
        street.till.db, order.order_id, clients=street.clients, return_url="x", cancel_url="y",
        now=lambda: NOW + timedelta(hours=23, minutes=55),
    )  # fmt: skip
    assert later.reference != first.reference


def test_a_declined_capture_pays_nothing_and_asks_for_another_payment(street: Street) -> None:
    order = street.till.order("paypal")
    street.pay(street.begin(order), "declined")
    street.settle("paypal")
    assert (street.till.status(order), street.till.payments(order)) == ("received", [])
    assert any("Ask for another payment" in flag for flag in street.till.flags(order))


def test_the_page_of_the_stand_in_pays_too(street: Street) -> None:
    order = street.till.order("ach")
    found = street.begin(order)
    page = httpx.get(found.pay_url, timeout=10)
    assert (page.status_code, order.number in page.text, "199.00" in page.text) == (200, True, True)
    assert httpx.post(found.pay_url, data={"outcome": "later"}, timeout=10).headers["Location"].endswith("/done")
    street.settle("stripe")
    assert street.till.status(order) == "received"
    street.pay(found, "arrived")
    street.settle("stripe")
    assert street.till.payments(order) == PAID


@pytest.mark.parametrize("method", ["card", "paypal", "crypto", "cashapp"])
def test_a_sender_that_repeats_and_shuffles_pays_once(street: Street, method: str) -> None:
    street.control(METHODS[method], "manner", {"duplicate": 3, "shuffle": True})
    order = street.till.order(method)
    street.pay(street.begin(order))
    street.settle(METHODS[method])
    assert (street.till.payments(order), street.till.ledger(order)) == (PAID, [("payment", Decimal("199.00"))])


def test_a_sender_that_tells_another_amount_pays_nothing(street: Street) -> None:
    street.control("stripe", "manner", {"cents": -100})
    order = street.till.order("card")
    street.pay(street.begin(order))
    street.settle("stripe")
    assert (street.till.status(order), street.till.row(order)["paid_at"]) == ("held", None)


def test_a_sender_refused_at_first_sends_until_it_is_heard(street: Street) -> None:
    order = street.till.order("card")
    found = street.begin(order)
    street.control("stripe", "webhook", {"url": "http://127.0.0.1:9/webhooks/stripe"})
    street.pay(found)
    time.sleep(0.3)
    street.control("stripe", "webhook", {"url": f"{street.till.url}/webhooks/stripe"})
    statuses = street.settle("stripe", rounds=200)
    assert (0 in statuses, 200 in statuses, street.till.payments(order)) == (True, True, PAID)


def test_the_purse_is_never_opened_by_what_we_only_read() -> None:
    """Verification, reading and the inbox import no client of a provider."""
    code = (
        "import sys; import pw_pipelines.commerce.payments.inbox, pw_pipelines.commerce.payments.reading,"
        " pw_pipelines.commerce.payments.verify.stripe, pw_pipelines.commerce.payments.verify.paypal;"
        " print([m for m in sys.modules if m.startswith('pw_pipelines.resources')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_the_stand_in_of_captures_is_one_of_captures() -> None:
    from pw_pipelines.commerce.payments.deciding import Captures

    for one in (FakeCaptures, ProviderClients):
        assert {name for name in vars(Captures) if not name.startswith("_")} <= set(dir(one))
