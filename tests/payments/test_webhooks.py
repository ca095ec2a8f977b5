"""What a provider gets for an answer, and what is kept of a delivery."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr
from structlog.testing import capture_logs

from pw_pipelines.commerce.payments.events import CannotVerify, Forged
from pw_pipelines.commerce.payments.paypal_door import PayPalDoor
from pw_pipelines.commerce.payments.verify import paypal
from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.sandbox.payments import keys, signing
from pw_pipelines.sandbox.payments import messages as say
from tests.payments.conftest import NOW, TOTAL, Till, adyen

PROVIDERS = {"stripe": 200, "paypal": 200, "shkeeper": 202, "adyen": 202}


def body(provider: str, number: str = "PW-2026-000001") -> dict[str, Any]:
    if provider == "stripe":
        return say.stripe_event("checkout.session.completed", say.stripe_session(number, TOTAL), NOW)
    if provider == "paypal":
        return say.paypal_event("PAYMENT.CAPTURE.COMPLETED", say.paypal_capture(number, TOTAL), NOW)
    if provider == "shkeeper":
        return say.shkeeper_callback(number, TOTAL, TOTAL, txids=["t1"])
    return adyen(say.adyen_item(number, TOTAL))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_delivery_is_kept_byte_for_byte_and_answered_as_its_sender_wants(till: Till, provider: str) -> None:
    raw, headers = till.signed(provider, body(provider))
    assert till.post(provider, raw, headers) == PROVIDERS[provider]
    assert till.post(provider, raw, headers) == PROVIDERS[provider]
    [event] = till.events()
    assert (bytes(event["raw"]), event["deliveries"], event["state"]) == (raw, 2, "received")
    assert event["order_number"] == "PW-2026-000001"
    assert "sandbox-shkeeper-key" not in str(event["headers"])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_forgeries_are_refused_and_leave_nothing(till: Till, provider: str, caplog: pytest.LogCaptureFixture) -> None:
    raw, headers = till.signed(provider, body(provider))
    changed = raw.replace(b"19900", b"19901").replace(b"199.00", b"199.01")
    assert changed != raw
    for content, given in ((changed, headers), (raw.replace(b"hmacSignature", b"x"), {}), (b"", headers), (b"", {})):
        assert till.post(provider, content, given) == 400
    assert till.events() == []
    assert "PW-2026-000001" not in caplog.text


def test_a_body_without_end_is_refused(till: Till) -> None:
    assert till.post("stripe", b"x" * (1 << 20) + b"x", {}) == 413
    chunks = (b"x" * 65_536 for _ in range(40))
    reply = httpx.post(f"{till.url}/webhooks/stripe", content=chunks, timeout=30)
    assert reply.status_code == 413


def test_with_the_database_away_everybody_is_asked_to_send_again(open_till: Callable[..., Till], away: str) -> None:
    till = open_till(database_url=SecretStr(away))
    raw, headers = till.signed("shkeeper", body("shkeeper"))
    assert till.post("shkeeper", raw, headers) == 503


def test_a_repetition_of_what_is_being_worked_is_acknowledged_without_waiting_for_the_end(till: Till) -> None:
    raw, headers = till.signed("stripe", body("stripe"))
    assert till.post("stripe", raw, headers) == 200
    with till.db.connect() as at_work:
        at_work.execute("select from pw.payment_events for update")
        assert till.post("stripe", raw, headers) == 200
    assert till.post("stripe", raw, headers) == 200
    assert [event["deliveries"] for event in till.events()] == [2]


def test_without_its_secret_nothing_is_believed_or_lost(open_till: Callable[..., Till]) -> None:
    till = open_till(stripe_webhook_secret=None, paypal_webhook_id=None)
    for provider in ("stripe", "paypal"):
        raw, headers = till.signed(provider, body(provider))
        assert till.post(provider, raw, headers) == 503


def test_an_unknown_sender_has_no_door_and_the_doors_are_not_in_the_public_document(till: Till) -> None:
    assert till.post("square", b"{}", {}) == 404
    document = till.client.get("/api/v1/openapi.json").text
    assert "webhook" not in document
    assert "whsec" not in document


def test_what_is_signed_and_unreadable_is_kept_and_shown(till: Till) -> None:
    for raw in (b"\xff\xfe", b"[1,2]", b'{"id":null}'):
        assert till.post("shkeeper", raw, signing.shkeeper(raw, "sandbox-shkeeper-key", NOW)) == 202
        assert till.post("stripe", raw, signing.stripe(raw, "whsec_sandbox", NOW)) == 200
    assert not till.work().failures
    assert {row["state"] for row in till.events()} <= {"held", "ignored"}


# -- PayPal's certificate --------------------------------------------------------------------------------------------


def test_the_published_example_of_paypal() -> None:
    text = paypal.signed_text("abc-123", "2026-01-01T00:00:00Z", "WEBHOOK_ID", b'{"id":"WH-1"}')
    assert text == "abc-123|2026-01-01T00:00:00Z|WEBHOOK_ID|838965618"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.paypal.com/cert",
        "https://paypal.com/cert",
        "https://api.paypal.com.evil.example/cert",
        "https://evil.example/.paypal.com",
        "https://evil.example#.paypal.com",
        "https://evilpaypal.com/cert",
        "https://api.paypal.com@evil.example/cert",
        "https://user:word@api.paypal.com/cert",
        "https://evil.example\\.paypal.com/cert",
        "https://api.paypal.com:8443/cert",
        "https://api.paypal.com:nonsense/cert",
        "https://[::1/cert",
        "https://api.paypal.com /cert",
        "https://еvil.paypal.com/cert",
        "https://evil.example%2f.paypal.com/cert",
        "https://a..paypal.com/cert",
        "https://xn--.paypal.com/cert",
        "https://-.paypal.com/cert",
        f"https://{'a' * 64}.paypal.com/cert",
        f"https://api.paypal.com/{'a' * 500}",
        "https://api.paypal.com/\x7f",
        "ftp://api.paypal.com/cert",
        "//api.paypal.com/cert",
        "",
    ],
)
def test_a_certificate_is_fetched_from_paypal_alone(url: str) -> None:
    with pytest.raises(Forged):
        paypal.demand_address(url)


@pytest.mark.parametrize("url", ["https://api.paypal.com/v1/c", "https://API.sandbox.PayPal.com:443/v1/c"])
def test_paypals_own_addresses_are_taken(url: str) -> None:
    paypal.demand_address(url)


@pytest.fixture(scope="module")
def root() -> Any:
    return keys.authority(NOW)


def leaf(root: Any, name: str = keys.NAME, *, days: tuple[int, int] = (-10, 10)) -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    since, until = (NOW + timedelta(days=day) for day in days)
    return keys.pem(keys.certificate_for(key.public_key(), *root, name=name, since=since, until=until))


def test_a_certificate_of_paypals_that_leads_to_a_trusted_root_is_believed(root: Any) -> None:
    found = paypal.certificate(leaf(root), roots=[root[0]], now=NOW)
    assert found.holds_at(NOW)
    assert not found.holds_at(NOW + timedelta(days=11))


def test_others_are_not(root: Any) -> None:
    stranger = keys.authority(NOW, name="Another Root")
    for pem in (
        leaf(stranger),
        leaf(stranger) + keys.pem(stranger[0]),
        leaf(root, "www.evil.example"),
        leaf(root, "paypal.com.evil.example"),
        leaf(root, "evilpaypal.com"),
        leaf(root, days=(-10, -1)),
        leaf(root, days=(1, 10)),
        b"",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        os.urandom(200),
    ):
        with pytest.raises(Forged):
            paypal.certificate(pem, roots=[root[0]], now=NOW)


def door(till: Till, fetch: Callable[[str], bytes], **more: Any) -> PayPalDoor:
    root_file = till.settings.paypal_root_file
    return PayPalDoor(webhook_id="WH-SANDBOX", root_file=root_file, fetch=fetch, **more)


def test_a_certificate_is_fetched_once_and_again_when_it_has_ended(till: Till) -> None:
    asked: list[str] = []
    here = door(till, lambda url: (asked.append(url), till.signer.chain)[1])
    raw, headers = till.signed("paypal", body("paypal"))
    assert here.verify_at_once(raw, headers, NOW) is None
    assert here.verify(raw, headers, NOW).provider == "paypal"
    assert here.verify_at_once(raw, headers, NOW) is not None
    assert len(asked) == 1
    with pytest.raises(Forged, match="not in force"):
        here.verify(raw, headers, NOW + timedelta(days=10_000))
    assert len(asked) == 2


def test_the_webhook_id_is_ours_not_the_messages(till: Till) -> None:
    here = PayPalDoor(
        webhook_id="WH-OTHER", root_file=till.settings.paypal_root_file, fetch=lambda _: till.signer.chain
    )
    with pytest.raises(Forged):
        here.verify(*till.signed("paypal", body("paypal")), NOW)


@pytest.mark.parametrize("signature", ["\xe9", "abc", "=", "AAAA"])
def test_a_signature_that_is_no_text_of_paypals_is_a_forgery_like_any_other(till: Till, signature: str) -> None:
    raw, headers = till.signed("paypal", body("paypal"))
    given = headers | {"PAYPAL-TRANSMISSION-SIG": signature}
    sent = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
    assert till.client.post("/webhooks/paypal", content=raw, headers=sent).status_code == 400
    assert till.events() == []


@pytest.mark.parametrize("away", ["https://a..paypal.com/c", "https://xn--.paypal.com/c"])
def test_an_address_that_no_client_could_ask_is_a_forgery_like_any_other(till: Till, away: str) -> None:
    raw, headers = till.signed("paypal", body("paypal"))
    assert till.post("paypal", raw, headers | {"PAYPAL-CERT-URL": away}) == 400


@pytest.mark.parametrize("path", ["/orders/{}", "/api/v1/orders/{}"])
def test_the_key_to_an_order_stands_in_no_line_of_the_log(open_till: Callable[..., Till], away: str, path: str) -> None:
    till = open_till(database_url=SecretStr(away))
    with capture_logs() as lines:
        assert till.client.get(path.format("secret-of-the-customer")).status_code == 503
    assert [line["path"] for line in lines if line["event"] == "database away"] == [path.format("{token}")]
    assert "secret-of-the-customer" not in str(lines)


def away_from(_url: str) -> bytes:
    raise OutsideUnavailable("no certificate today")


def test_without_the_certificate_paypal_is_asked_where_that_is_wished_and_else_must_send_again(till: Till) -> None:
    raw, headers = till.signed("paypal", body("paypal"))
    with pytest.raises(CannotVerify):
        door(till, away_from).verify(raw, headers, NOW)
    told: list[bytes] = []

    def says(verdict: bool) -> Callable[..., bool]:
        return lambda _headers, given, _webhook: (told.append(given), verdict)[1]

    assert door(till, away_from, postback=says(True)).verify(raw, headers, NOW).raw == raw
    assert told == [raw], "byte for byte"
    with pytest.raises(Forged):
        door(till, away_from, postback=says(False)).verify(raw, headers, NOW)
    with pytest.raises(Forged):
        door(till, away_from, postback=says(True)).verify(b'{},"webhook_id":"mine"', headers, NOW)
