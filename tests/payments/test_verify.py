"""Who really sent a webhook: the published examples, and every way of not being the sender."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_pipelines.commerce.payments.events import UNREADABLE, Forged
from pw_pipelines.commerce.payments.verify import adyen, frappe, shkeeper, stripe
from pw_pipelines.errors import ConfigError

T0 = datetime.fromtimestamp(1_700_000_000, UTC)
STRIPE_BODY = b'{"id":"evt_1","type":"payment_intent.succeeded"}'
STRIPE_HEX = "05ba02ef0fe4139e2a63abe75081bfcca125abae0c8743b30d7ce6401a500e6a"
SHKEEPER_HEX = "4bb210136fbf30d46eb3ffe6741b001ae479414b583d91c9a74a10ca3677ccdf"
ADYEN_KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
ADYEN_ITEM: dict[str, Any] = {
    "pspReference": "7914073381342284",
    "originalReference": "",
    "merchantAccountCode": "TestMerchant",
    "merchantReference": "TestPayment-1407325143704",
    "amount": {"value": 1130, "currency": "EUR"},
    "eventCode": "AUTHORISATION",
    "success": "true",
    "additionalData": {"hmacSignature": "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="},
}


def by_stripe(signature: str, *, body: bytes = STRIPE_BODY, now: datetime = T0) -> Any:
    return stripe.verify(body, {"stripe-signature": signature}, secrets=["whsec_demo"], now=now)


def test_the_published_example_of_stripe() -> None:
    event = by_stripe(f"t=1700000000,v1={STRIPE_HEX}")
    assert (event.dedupe_key, event.event_type, event.raw) == ("evt_1", "payment_intent.succeeded", STRIPE_BODY)


def test_one_of_several_v1_is_enough_and_other_schemes_do_not_count() -> None:
    by_stripe(f"t=1700000000,v1={'0' * 64},v1={STRIPE_HEX},v0=whatever")
    with pytest.raises(Forged, match="no v1"):
        by_stripe(f"t=1700000000,v0={STRIPE_HEX}")


def test_while_the_secret_is_rolled_either_is_believed() -> None:
    header = {"Stripe-Signature": f"t=1700000000,v1={STRIPE_HEX}"}
    assert stripe.verify(STRIPE_BODY, header, secrets=["whsec_new", "whsec_demo"], now=T0).dedupe_key == "evt_1"


@pytest.mark.parametrize(
    "signature",
    [
        f"t=1700000000,v1={STRIPE_HEX.upper()}",
        f"t=1700000001,v1={STRIPE_HEX}",
        f"v1={STRIPE_HEX}",
        f"t=,v1={STRIPE_HEX}",
        f"t=1700000000,t=1700000000,v1={STRIPE_HEX}",
        f"t=1_700_000_000,v1={STRIPE_HEX}",
        "t=1700000000,v1=ü",
        "t=1700000000",
        "",
        ",,,",
    ],
)
def test_anything_else_is_not_from_stripe(signature: str) -> None:
    with pytest.raises(Forged):
        by_stripe(signature)


def test_stripe_may_be_300_seconds_late_and_any_time_early() -> None:
    signature = f"t=1700000000,v1={STRIPE_HEX}"
    by_stripe(signature, now=T0 + timedelta(seconds=300))
    by_stripe(signature, now=T0 - timedelta(days=1))
    with pytest.raises(Forged, match="300 s ago"):
        by_stripe(signature, now=T0 + timedelta(seconds=301))


def test_a_changed_byte_of_the_body_is_seen() -> None:
    with pytest.raises(Forged):
        by_stripe(f"t=1700000000,v1={STRIPE_HEX}", body=STRIPE_BODY + b" ")


def test_the_published_example_of_shkeeper() -> None:
    headers = {"X-Shkeeper-Timestamp": "1700000000", "X-Shkeeper-Signature": SHKEEPER_HEX}
    event = shkeeper.verify(b'{"a":1}', headers, api_keys=["test-api-key"], now=T0)
    assert event.event_type == UNREADABLE, "signed, so it is kept and answered, whatever it is"
    with pytest.raises(Forged, match="300 s ago"):
        shkeeper.verify(b'{"a":1}', headers, api_keys=["test-api-key"], now=T0 + timedelta(seconds=301))
    for wrong in (
        headers | {"X-Shkeeper-Signature": SHKEEPER_HEX.upper()},
        headers | {"X-Shkeeper-Timestamp": "1700000001"},
        headers | {"X-Shkeeper-Timestamp": "soon"},
        {"X-Shkeeper-Api-Key": "test-api-key"},
    ):
        with pytest.raises(Forged):
            shkeeper.verify(b'{"a":1}', wrong, api_keys=["test-api-key"], now=T0)


def shkeeper_event(body: dict[str, Any]) -> Any:
    raw = json.dumps(body).encode()
    signature = shkeeper.hmac_sha256(b"k", b"1700000000." + raw).hex()
    headers = {"X-Shkeeper-Timestamp": "1700000000", "X-Shkeeper-Signature": signature}
    return shkeeper.verify(raw, headers, api_keys=["k"], now=T0)


def test_an_unconfirmed_notice_never_stands_in_the_way_of_the_confirmed_transaction() -> None:
    notice = shkeeper_event({"status": "unconfirmed", "external_id": "PW-1", "crypto": "BTC", "txid": "aa"})
    paid = shkeeper_event(
        {
            "external_id": "PW-1",
            "status": "PAID",
            "paid": True,
            "transactions": [{"txid": "zz", "trigger": False}, {"txid": "aa", "trigger": True}],
        }
    )
    assert (notice.event_type, paid.dedupe_key) == ("unconfirmed", "PW-1:aa:PAID")
    assert notice.dedupe_key != paid.dedupe_key


def test_a_payout_is_no_payment() -> None:
    assert shkeeper_event({"payout_id": 7, "external_id": None, "status": "SUCCESS"}).event_type == "payout"


def adyen_body(*items: dict[str, Any]) -> bytes:
    listed = [{"NotificationRequestItem": item} for item in items]
    return json.dumps({"live": "false", "notificationItems": listed}).encode()


def test_the_published_example_of_adyen() -> None:
    [event] = adyen.verify(adyen_body(ADYEN_ITEM), hmac_keys=[ADYEN_KEY])
    assert event.dedupe_key == "AUTHORISATION:7914073381342284:true"
    assert event.order_number == "TestPayment-1407325143704"
    assert adyen.signed_text(ADYEN_ITEM) == (
        "7914073381342284::TestMerchant:TestPayment-1407325143704:1130:EUR:AUTHORISATION:true"
    )


def test_every_item_must_be_signed_not_only_the_first() -> None:
    with pytest.raises(Forged, match="does not match"):
        adyen.verify(adyen_body(ADYEN_ITEM, ADYEN_ITEM | {"amount": {"value": 1, "currency": "EUR"}}), hmac_keys=[ADYEN_KEY])  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(
    "change",
    [
        {"pspReference": "1"},
        {"originalReference": "1"},
        {"merchantAccountCode": "Other"},
        {"merchantReference": "Other"},
        {"amount": {"value": 1131, "currency": "EUR"}},
        {"amount": {"value": 1130, "currency": "USD"}},
        {"eventCode": "CAPTURE"},
        {"success": "false"},
        {"additionalData": {}},
        {"additionalData": None},
    ],
)
def test_each_of_the_eight_fields_counts(change: dict[str, Any]) -> None:
    with pytest.raises(Forged):
        adyen.verify(adyen_body(ADYEN_ITEM | change), hmac_keys=[ADYEN_KEY])


def test_colons_and_backslashes_of_adyen_stay_as_they_are() -> None:
    item = ADYEN_ITEM | {"merchantReference": "a:b\\c"}
    item["additionalData"] = {"hmacSignature": adyen.signature(item, bytes.fromhex(ADYEN_KEY))}
    assert adyen.signed_text(item).split("TestMerchant:")[1].startswith("a:b\\c:1130")
    [event] = adyen.verify(adyen_body(item), hmac_keys=["00", ADYEN_KEY])
    assert event.order_number == "a:b\\c"


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"{}", b'{"notificationItems":{}}', b'{"notificationItems":[]}', b'{"notificationItems":[{}]}',
     b'{"notificationItems":[{"NotificationRequestItem":[]}]}', b"\xff", b"[" * 100_000],
)  # fmt: skip
def test_what_is_no_notification_is_not_from_adyen(raw: bytes) -> None:
    with pytest.raises(Forged):
        adyen.verify(raw, hmac_keys=[ADYEN_KEY])


def test_a_key_that_is_not_hexadecimal_is_our_own_mistake() -> None:
    with pytest.raises(ConfigError, match="PW_ADYEN_HMAC_KEY"):
        adyen.verify(adyen_body(ADYEN_ITEM), hmac_keys=["whsec_of_somebody_else"])


def test_the_published_example_of_frappe() -> None:
    raw = b'{"name": "SO-1", "customer": "Zo\\u00eb"}'
    assert len(raw) == 40
    headers = {"X-Frappe-Webhook-Signature": "vGn5Qx4hJ1W7zeIhYNMo73y8iANWn3zBQNmcCoVA8Ao="}
    assert frappe.verify(raw, headers, secrets=["demo-secret"]).provider == "erpnext"
    with pytest.raises(Forged):
        frappe.verify(raw + b"\n", headers, secrets=["demo-secret"])


def test_a_document_of_erpnext_is_a_new_fact_when_it_was_modified() -> None:
    def event(modified: str) -> Any:
        raw = json.dumps({"event": "payment.confirmed", "doctype": "Payment Entry", "name": "PE-1",
                          "modified": modified, "order_number": "PW-1"}).encode()  # fmt: skip
        signature = base64.b64encode(frappe.hmac_sha256(b"s", raw)).decode()
        return frappe.verify(raw, {"X-Frappe-Webhook-Signature": signature}, secrets=["s"])

    assert event("1").dedupe_key == event("1").dedupe_key != event("2").dedupe_key
    assert (event("1").event_type, event("1").order_number) == ("payment.confirmed", "PW-1")


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.sampled_from(
        ["id", "type", "data", "object", "metadata", "order_number", "external_id", "status", "transactions",
         "trigger", "txid", "payout_id", "doctype", "name", "modified"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(body=HOSTILE)
def test_whatever_is_signed_becomes_an_event_that_a_database_takes(body: object) -> None:
    raw = json.dumps(body).encode()
    moment = "1700000000"
    found = [
        stripe.verify(
            raw,
            {"Stripe-Signature": f"t={moment},v1={stripe.hmac_sha256(b'k', f'{moment}.'.encode() + raw).hex()}"},
            secrets=["k"],
            now=T0,
        ),
        shkeeper.verify(
            raw,
            {"X-Shkeeper-Timestamp": moment,
             "X-Shkeeper-Signature": shkeeper.hmac_sha256(b"k", f"{moment}.".encode() + raw).hex()},
            api_keys=["k"],
            now=T0,
        ),
        frappe.verify(
            raw,
            {"X-Frappe-Webhook-Signature": base64.b64encode(frappe.hmac_sha256(b"k", raw)).decode()},
            secrets=["k"],
        ),
    ]  # fmt: skip
    for event in found:
        assert event.dedupe_key and event.event_type
        assert "\x00" not in f"{event.dedupe_key}{event.event_type}{event.order_number}"
        assert len(event.dedupe_key) < 700


@given(raw=st.binary(max_size=200), headers=st.dictionaries(st.text(max_size=20), st.text(max_size=60)))
def test_noise_is_never_believed_and_never_breaks_anything(raw: bytes, headers: dict[str, str]) -> None:
    deeds: list[Callable[[], object]] = [
        lambda: stripe.verify(raw, headers | {"Stripe-Signature": raw.hex()}, secrets=["k"], now=T0),
        lambda: shkeeper.verify(raw, headers, api_keys=["k"], now=T0),
        lambda: adyen.verify(raw, hmac_keys=[ADYEN_KEY]),
        lambda: frappe.verify(raw, headers | {"X-Frappe-Webhook-Signature": raw.hex() or "0"}, secrets=["k"]),
    ]
    for deed in deeds:
        with pytest.raises(Forged):
            deed()
