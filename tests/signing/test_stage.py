"""The stage `signature`: asks once, reminds, replaces, holds for a person, seals; whatever is killed in between."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage

import pytest

from pw_pipelines.documents.signing import requests
from pw_pipelines.documents.signing.sealing import look_at
from pw_pipelines.errors import PwError
from pw_pipelines.faults import VARIABLE, InjectedFault
from pw_pipelines.fulfillment import items, signature_wakeups
from pw_pipelines.fulfillment.model import FulfillmentError
from tests.signing.making import EMAIL, NAME, STROKES, Scene, make_pdf


def go_on(scene: Scene) -> None:
    """The sensor looks; then the item's run, if it was made ready."""
    with scene.house.connect() as connection:
        woken = signature_wakeups.wake(connection, now=scene.now)
    if scene.item_id in woken:
        scene.work()


def test_the_signer_is_asked_by_one_mail_and_the_item_waits(scene: Scene) -> None:
    scene.asked()
    scene.reopen()
    scene.work()
    [mail] = scene.mailbox.sent
    assert mail["To"] == EMAIL
    assert "Dear Ada Q. Lovelace" in scene.mailbox.text()
    assert "- CPNI certificate" in scene.mailbox.text()
    row = scene.house.row(scene.item_id)
    assert (row["gate"], row["gate_detail"]["documents"]) == ("signature", ["CPNI certificate", "CPNI statement"])
    assert NAME not in str(row)
    assert scene.types() == ["requested", "link_mailed"]


def test_what_is_signed_is_stamped_and_sealed_and_a_copy_goes_to_the_signer(scene: Scene) -> None:
    scene.sign(scene.asked(), strokes=STROKES)
    scene.reopen()
    assert scene.work().came == "done"
    for row in scene.documents():
        made, signed = scene.object(row["pdf_digest"]), scene.object(row["signed_digest"])
        assert signed.startswith(made)
        assert look_at(signed).faults == ()
    assert scene.types()[-3:] == ["sealed", "sealed", "copy_mailed"]
    copies = [part.get_content() for part in scene.mailbox.sent[-1].iter_attachments()]
    assert copies == [scene.object(row["signed_digest"]) for row in scene.documents()]
    kept = scene.house.rows("select digest from pw.evidence where kind = 'signed_document' order by evidence_id")
    assert [row["digest"] for row in kept] == [row["signed_digest"] for row in scene.documents()]


@pytest.mark.parametrize(
    "point",
    ["signature.request.made", "effects.signature_request_mail.intended", "effects.signature_request_mail.performed"],
)
def test_killed_while_asking_the_same_link_is_sent_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    monkeypatch.setenv(VARIABLE, f"{point}:raise")
    with pytest.raises(InjectedFault):
        scene.work()
    before = scene.request()
    monkeypatch.delenv(VARIABLE)
    scene.reopen()
    token = scene.asked()
    assert scene.request().request_id == before.request_id
    assert len(scene.mailbox.sent) == 1
    assert scene.open(token).request_id == before.request_id


def test_a_mail_server_that_goes_silent_after_the_mail_gets_it_once(scene: Scene) -> None:
    scene.mailbox.breaks = 1
    scene.asked()
    assert len(scene.mailbox.sent) == 1


@pytest.mark.parametrize("point", ["signature.seal.kept", "effects.signed_copy_mail.performed"])
def test_killed_while_sealing_one_signed_pdf_is_booked(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    scene.sign(scene.asked())
    scene.reopen()
    monkeypatch.setenv(VARIABLE, f"{point}:raise")
    with pytest.raises(InjectedFault):
        scene.work()
    monkeypatch.delenv(VARIABLE)
    scene.reopen()
    assert scene.work().came == "done"
    assert scene.types().count("sealed") == 2
    assert scene.mailbox.subjects().count("Your signed copy") == 1
    assert len(scene.house.rows("select 1 from pw.evidence where kind = 'signed_document'")) == 2


def test_a_signer_who_is_not_known_is_asked_for(scene: Scene) -> None:
    with scene.house.connect() as connection:
        scene.house.ground.vault.erase(connection, scene.item_id, now=scene.now, names=["signer_email"])
    assert scene.work().text.startswith("details:")
    assert scene.house.row(scene.item_id)["gate_detail"] == {"missing": ["signer_email"]}


def test_without_a_document_nobody_is_asked(scene: Scene) -> None:
    with scene.house.connect() as connection:
        connection.execute("update pw.item_documents set withdrawn_at = made_at")
    with pytest.raises(FulfillmentError, match="from the stage `documents`"):
        scene.work()
    assert scene.mailbox.sent == []


def test_reminders_come_after_three_and_seven_days_each_once(scene: Scene) -> None:
    first = scene.asked()
    for days, subjects in ((2, 1), (1, 2), (0, 2), (3, 2), (1, 3), (0, 3), (5, 3)):
        scene.move(days=days)
        go_on(scene)
        assert len(scene.mailbox.sent) == subjects, f"after {days} more days"
    assert scene.mailbox.subjects() == ["Please sign", "Reminder", "Reminder"]
    assert scene.mailbox.token() == first, "a reminder holds the same link"
    assert scene.types() == ["requested", "link_mailed", "reminded", "reminded"]


def test_after_a_long_outage_one_reminder_is_sent(scene: Scene) -> None:
    scene.asked()
    scene.move(days=9)
    go_on(scene)
    go_on(scene)
    assert scene.mailbox.subjects() == ["Please sign", "Reminder"]


def test_a_link_that_ran_out_is_replaced_and_the_third_is_a_person_s(scene: Scene) -> None:
    tokens = [scene.asked()]
    for _ in range(2):
        scene.move(days=15)
        go_on(scene)
        tokens.append(scene.mailbox.token())
    assert len(set(tokens)) == 3
    scene.move(days=15)
    go_on(scene)
    assert scene.house.row(scene.item_id)["gate"] == "held"
    assert "3 links" in scene.house.row(scene.item_id)["gate_why"]
    scene.reopen()
    assert scene.sign(scene.asked()) == "signed", "a person let it go on: it is asked again"


def test_declined_is_held_and_told_to_the_customer_and_asked_again_only_when_a_person_says_so(scene: Scene) -> None:
    scene.decline(scene.asked(), "The address is wrong.")
    go_on(scene)
    row = scene.house.row(scene.item_id)
    assert row["gate"] == "held"
    assert "address" not in str(row)
    assert scene.mailbox.subjects() == ["Please sign", "Not signed"]
    go_on(scene)
    assert len(scene.mailbox.sent) == 2
    scene.reopen()
    assert scene.sign(scene.asked()) == "signed"
    assert "links we sent before it do not work" in scene.mailbox.text()


def test_attempts_used_up_are_held_for_a_person(scene: Scene) -> None:
    token = scene.asked()
    for _ in range(requests.ATTEMPTS):
        scene.sign(token, typed_name="Somebody Else")
    go_on(scene)
    assert scene.house.row(scene.item_id)["gate"] == "held"
    assert len(scene.mailbox.sent) == 1


def test_signed_in_the_moment_before_the_gate_was_set_is_found(scene: Scene) -> None:
    """The signature could open no gate: none was there yet. The sensor finds it."""
    scene.sign(scene.asked())
    assert scene.house.row(scene.item_id)["gate"] == "signature"
    go_on(scene)
    assert scene.house.row(scene.item_id)["stage"] == "review"


def test_signed_while_the_mail_was_still_being_booked(scene: Scene) -> None:
    """The signer is quicker than the run that asked: the item goes on at once, by the clock."""
    send = scene.mailbox.send

    def send_and_sign(message: EmailMessage) -> str:
        sent = send(message)
        scene.sign(scene.mailbox.token())
        return sent

    scene.mailbox.send = send_and_sign  # type: ignore[method-assign]
    assert scene.work().text.startswith("retry:")
    scene.mailbox.send = send  # type: ignore[method-assign]
    with scene.house.connect() as connection:
        assert items.open_clocks(connection, now=scene.now) == [scene.item_id]
    assert scene.work().came == "done"


def test_documents_made_anew_after_the_signature_are_to_be_signed_again(scene: Scene) -> None:
    scene.sign(scene.asked())
    scene.draw_up("cpni_statement", "CPNI statement", make_pdf("The statement, corrected"))
    scene.reopen()
    scene.asked()
    assert [row["signed_digest"] for row in scene.documents()] == [None, None, None]


def test_a_record_that_was_tampered_with_is_not_stamped(scene: Scene) -> None:
    token = scene.asked()
    scene.sign(token)
    name = f"signature_{scene.request().request_id}"
    vault = scene.house.ground.vault
    with scene.house.connect() as connection:
        kept = vault.get(connection, scene.item_id, name, by="t", why="t", now=scene.now)
        assert kept is not None
        vault.put(connection, scene.item_id, name, kept.replace("Lovelace", "Babbage"), now=scene.now)
    scene.reopen()
    with pytest.raises(FulfillmentError, match="is not what was signed"):
        scene.work()
    assert [row["signed_digest"] for row in scene.documents()] == [None, None]


def test_a_pdf_that_was_swapped_in_the_store_is_not_signed(scene: Scene) -> None:
    scene.sign(scene.asked())
    digest = scene.documents()[0]["pdf_digest"]
    [path] = list(scene.house.ground.objects._folder.rglob(digest))  # type: ignore[union-attr]
    path.write_bytes(make_pdf("Something else"))
    scene.reopen()
    with pytest.raises(FulfillmentError, match="damaged"):
        scene.work()


def test_a_broken_trail_stops_the_item(scene: Scene) -> None:
    scene.sign(scene.asked())
    with scene.house.connect() as connection:
        connection.execute("alter table pw.signature_events disable trigger user")
        connection.execute("update pw.signature_events set at = at + interval '1 second' where type = 'requested'")
    scene.reopen()
    with pytest.raises(PwError, match=r"trail of signatures .* is broken"):
        scene.work()


def test_a_link_ends_with_the_filing_s_last_day(scene: Scene) -> None:
    now = datetime(2027, 2, 26, 18, tzinfo=UTC)
    assert requests.expiry(now, days=14, due_on=date(2027, 3, 1)) == datetime(2027, 3, 2, 4, 59, 59, tzinfo=UTC)
    assert requests.expiry(now, days=14, due_on=date(2027, 6, 1)) == now + timedelta(days=14)
    assert requests.expiry(now, days=14, due_on=date(2027, 2, 1)) == now + timedelta(days=14), "late: still to be filed"
    assert requests.expiry(now, days=14, due_on=None) == now + timedelta(days=14)


def test_the_mail_says_when_a_declaration_is_asked(scene: Scene) -> None:
    with scene.house.connect() as connection:
        connection.execute("update pw.order_items set service = 'rmd_recertification'")
    scene.asked()
    assert "penalty of perjury" in scene.mailbox.text()
    assert scene.request().needs_perjury_statement


def test_the_sensor_makes_ready_what_has_something_due_and_nothing_else(scene: Scene) -> None:
    import dagster as dg

    from pw_pipelines.sensors.signatures import wake_items

    scene.asked()
    context = dg.build_sensor_context(resources={"fulfillment": scene.house.ground})
    assert wake_items(context).skip_message == "Nothing is due."
    scene.move(days=3)
    assert str(scene.item_id) in str(wake_items(context).skip_message)
    assert scene.house.row(scene.item_id)["state"] == "ready"
    assert wake_items(context).skip_message == "Nothing is due.", "it is told once"


def test_a_name_of_another_script_is_stamped_or_the_lack_of_a_font_is_said(scene: Scene) -> None:
    scene.put_signer(name="Łukasz Ñandú-Ωμέγα Ђорђевић")
    scene.sign(scene.asked(), typed_name="łukasz ñandú-ωμέγα ђорђевић")
    scene.reopen()
    assert scene.work().came == "done"
    scene.put_signer(name="\U00013000\U00013001")
    scene.draw_up("cpni_statement", "CPNI statement", make_pdf("The statement, corrected"))
    with scene.house.connect() as connection:
        connection.execute("update pw.item_work set stage = 'signature' where item_id = %s", (scene.item_id,))
    scene.sign(scene.asked(), typed_name="\U00013000\U00013001")
    scene.reopen()
    with pytest.raises(PwError, match=r"No font of this machine has U\+13000"):
        scene.work()
