"""Delivery: the customer gets the result once, with what was signed and filed, whatever breaks on the way."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from typing import Any

import pytest

from pw_pipelines import faults
from pw_pipelines.fulfillment import engine
from pw_pipelines.fulfillment.ground import ground_of
from pw_pipelines.fulfillment.stages import deliver
from pw_pipelines.resources.mail import Mail
from pw_pipelines.settings import Settings
from tests.after.conftest import AfterHouse
from tests.commerce.making import CPNI


@pytest.fixture(autouse=True)
def _no_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are of the mail; the letter needs an office to convert it."""
    monkeypatch.setattr(deliver, "delivery_letter", lambda *_: None)


def effect_of(house: AfterHouse, item_id: int) -> dict[str, Any]:
    return house.effect(f"mail:{item_id}:delivery")


def test_the_mail_holds_what_was_signed_and_the_effect_says_so_by_digest(house: AfterHouse) -> None:
    [item_id] = house.ordered()
    house.filed(item_id)
    with house.connect() as connection:
        connection.execute(
            "insert into pw.evidence (item_id, stage, kind, title, media_type, digest, at) "
            "values (%s, 'confirm', 'confirmation', 'Confirmation', 'application/pdf', %s, now()), "
            "(%s, 'confirm', 'confirmation', 'Page', 'text/html', %s, now())",
            (item_id, house.object(b"%PDF confirmation"), item_id, house.object(b"<p>page</p>")),
        )
    assert house.advance(item_id, "deliver").came == "done"

    (mail,) = house.post_office.mails(house.email(item_id))
    body = mail.get_body(("plain",))
    assert body is not None
    assert "CONF-77" in body.get_content() and "PW-" in mail["Subject"]
    sent = {part.get_filename(): part.get_content() for part in mail.iter_attachments()}
    assert "Confirmation.pdf" in sent and not any(name and name.endswith("html") for name in sent)
    signed = {row["template"]: row["signed_digest"] for row in house.rows("select * from pw.item_documents")}
    effect = effect_of(house, item_id)
    assert effect["reference"] == mail["Message-ID"]
    said = {one["template"]: one["digest"] for one in effect["detail"]["delivered"] if one["template"]}
    assert said == signed, "delivered = signed"
    assert {hashlib.sha256(content).hexdigest() for content in sent.values()} == {
        one["digest"] for one in effect["detail"]["delivered"]
    }
    [kept] = house.rows("select * from pw.evidence where kind = 'mail'")
    with house.ground.objects.open(kept["digest"]) as file:
        manifest = json.load(file)
    assert manifest["message_id"] == mail["Message-ID"] and manifest["confirmation"] == "CONF-77"
    assert house.email(item_id) not in json.dumps(manifest)


def test_what_differs_from_what_was_filed_is_not_sent(house: AfterHouse) -> None:
    [item_id] = house.ordered()
    house.filed(item_id, uploads_other=True)
    assert house.advance(item_id, "deliver").came == "gate"
    assert house.row(item_id)["gate"] == "held" and house.post_office.archived == []


def test_an_unsigned_document_is_not_delivered(house: AfterHouse) -> None:
    [item_id] = house.ordered()
    house.filed(item_id)
    with house.connect() as connection:
        connection.execute("update pw.item_documents set signed_digest = null where item_id = %s", (item_id,))
    with pytest.raises(Exception, match="is not signed"):
        house.advance(item_id, "deliver")
    assert house.row(item_id)["gate"] == "error" and house.post_office.archived == []


def test_an_answer_that_was_lost_sends_no_second_mail(house: AfterHouse) -> None:
    [item_id] = house.ordered()
    house.filed(item_id)
    house.post_office.misbehave("done_but_timeout", seconds=0)
    assert house.advance(item_id, "deliver").came == "done"
    assert effect_of(house, item_id)["detail"]["settled_by"] == "probe"
    assert len(house.post_office.mails(house.email(item_id))) == 1


def test_a_mail_that_certainly_was_not_taken_is_tried_again(house: AfterHouse) -> None:
    [item_id] = house.ordered()
    house.filed(item_id)
    house.post_office.misbehave("cut")
    assert house.advance(item_id, "deliver").came == "gate"
    assert house.row(item_id)["gate"] == "retry"
    with house.connect() as connection:
        connection.execute("update pw.item_work set state = 'ready', gate = null, not_before = null")
    assert house.advance(item_id, "deliver").came == "done"
    assert len(house.post_office.mails(house.email(item_id))) == 1


def test_a_refused_address_waits_for_a_person_and_is_named_nowhere(house: AfterHouse) -> None:
    [item_id] = house.ordered()
    house.filed(item_id)
    house.post_office.misbehave("status", status=550)
    assert house.advance(item_id, "deliver").came == "gate"
    row = house.row(item_id)
    assert row["gate"] == "error" and "550" in row["gate_why"]
    events = house.rows("select text from pw.item_events union all select text from pw.effect_events")
    assert house.email(item_id) not in json.dumps([row["gate_why"], row["gate_detail"], *events], default=str)


def test_what_is_too_large_for_a_mail_is_had_by_a_link(house: AfterHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "MOST_BYTES", 40)
    [item_id] = house.ordered()
    house.filed(item_id)
    assert house.advance(item_id, "deliver").came == "done"
    (mail,) = house.post_office.mails(house.email(item_id))
    body = mail.get_body(("plain",))
    assert body is not None
    assert len(list(mail.iter_attachments())) == 1
    [link] = [line for line in body.get_content().split() if "/orders/" in line]
    from pw_pipelines.commerce.orders import read_by_token

    with house.connect() as connection:
        assert read_by_token(connection, link.rpartition("/")[2]).order_id == house.row(item_id)["order_id"]
    assert len(effect_of(house, item_id)["detail"]["delivered"]) == 2


def _deliver(settings: Settings, item_id: int, fault: str) -> None:
    os.environ[faults.VARIABLE] = fault
    deliver.delivery_letter = lambda *_: None  # type: ignore[assignment]
    engine.advance(ground_of(settings), item_id, "deliver", run_id="killed")


@pytest.mark.parametrize(
    "point",
    ["effects.delivery_mail.intended", "mail.send.begin", "mail.send.sent", "effects.delivery_mail.performed",
     "effects.delivery_mail.done", "after.deliver.mailed", "fulfillment.deliver.end"],
)  # fmt: skip
def test_killed_anywhere_it_is_delivered_once(house: AfterHouse, point: str) -> None:
    [item_id] = house.ordered()
    house.filed(item_id)
    arguments = (house.ground.settings, item_id, f"{point}:kill")
    child = multiprocessing.get_context("spawn").Process(target=_deliver, args=arguments)
    child.start()
    child.join(60)
    child.kill()
    assert child.exitcode == -9, "the fault point was walked"

    for _ in range(20):
        came = house.advance(item_id, "deliver").came
        if came in ("done", "passed"):
            break
        assert house.row(item_id)["gate"] in ("settling", "retry")
        with house.connect() as connection:
            connection.execute(
                "update pw.item_work set state = 'ready', gate = null, not_before = null where item_id = %s", (item_id,)
            )
    assert house.row(item_id)["stage"] == "book"
    assert len(house.post_office.mails(house.email(item_id))) == 1
    assert Mail(house.ground.settings).was_sent(effect_of(house, item_id)["reference"]).happened is True


def test_two_items_are_two_mails(house: AfterHouse) -> None:
    first, second = house.ordered(CPNI), house.ordered(CPNI, email="another@example.com")
    for [item_id] in (first, second):
        house.filed(item_id)
        assert house.advance(item_id, "deliver").came == "done"
    assert len(house.post_office.archived) == 2
