"""What people do at the desk: each deed once, with its reason, and personal data only where it must be."""

from __future__ import annotations

import io
import json
import re
import zipfile

from pw_pipelines.fulfillment import packets
from pw_pipelines.fulfillment.private_data import Vault
from tests.commerce.making import NOW
from tests.portal.desk_making import Desk, desk, words
from tests.portal.small_pdf import small_pdf

__all__ = ["desk"]
SSN = "900-70-1234"


def state(desk: Desk, item: int) -> tuple[str, str | None]:
    row = desk.row("select state, gate from pw.item_work where item_id = %s", item)
    return row["state"], row["gate"]


# -- deeds ---------------------------------------------------------------------------------------------------------


def test_ops_hold_an_item_and_try_it_again_from_an_earlier_stage(desk: Desk) -> None:
    item = desk.item()
    with desk.db.connect() as connection:
        connection.execute("update pw.item_work set stage = 'review' where item_id = %s", (item,))
    ops = desk.person("ops", "oli")
    assert ops.post(f"/desk/items/{item}/hold", {"why": "  "}).status_code == 409
    assert ops.post(f"/desk/items/{item}/hold", {"why": "The customer called."}).status_code == 303
    assert state(desk, item) == ("waiting", "held")
    assert ops.post(f"/desk/items/{item}/retry", {"stage": "book"}).status_code == 409, "nothing is skipped"
    assert ops.post(f"/desk/items/{item}/retry", {"stage": "documents"}).status_code == 303
    row = desk.row("select state, stage, generation from pw.item_work where item_id = %s", item)
    assert row == {"state": "ready", "stage": "documents", "generation": 2}
    did = desk.rows('select "by", what, detail from pw.staff_actions order by action_id')
    assert [(row["by"], row["what"]) for row in did] == [("oli", "held"), ("oli", "retried")]


def test_a_reviewer_settles_an_unknown_effect_once_and_the_item_goes_on(desk: Desk) -> None:
    item = desk.item()
    effect = desk.effect(item, "filing:cpni:0012345678:2026")
    desk.waits(item, "unknown_effect", stage="file", effect_id=effect)
    reviewer = desk.person("reviewer", "rita")
    text = reviewer.get(f"/desk/effects/{effect}").text
    assert "filing:cpni:0012345678:2026" in text and "Timed out" in text
    happened = {"do": "happened", "note": "Seen on the portal.", "reference": "2026112200042"}
    for lacking in ({**happened, "note": ""}, {**happened, "reference": " "}, {"note": "x"}):
        assert reviewer.post(f"/desk/effects/{effect}", lacking).status_code == 409
    assert reviewer.post(f"/desk/effects/{effect}", happened).status_code == 303
    row = desk.row("select state, reference, detail from pw.effects")
    assert (row["state"], row["reference"], row["detail"]["settled_by"]) == ("done", "2026112200042", "rita")
    assert state(desk, item) == ("ready", None)
    second = reviewer.post(f"/desk/effects/{effect}", {"do": "not_happened", "note": "No."})
    assert second.status_code == 409 and "only what is unknown" in words(second.text)


def test_that_a_filing_did_not_happen_is_said_by_two_people(desk: Desk) -> None:
    item = desk.item()
    effect = desk.effect(item, "filing:cpni:0012345678:2026")
    desk.waits(item, "unknown_effect", stage="file", effect_id=effect)
    word = {"do": "not_happened", "note": "The portal shows nothing."}
    rita, ron = desk.person("reviewer", "rita"), desk.person("reviewer", "ron")
    for _ in range(2):  # saying it again is not a second person
        assert "said=second_word" in rita.post(f"/desk/effects/{effect}", word).headers["location"]
        assert desk.row("select state from pw.effects")["state"] == "unknown"
        assert state(desk, item) == ("waiting", "unknown_effect")
    assert ron.post(f"/desk/effects/{effect}", word).status_code == 303
    assert desk.row("select state from pw.effects")["state"] == "not_done"
    assert state(desk, item) == ("ready", None)
    words_given = desk.rows("select \"by\" from pw.effect_events where detail ->> 'says' = 'not_happened'")
    assert [row["by"] for row in words_given] == ["rita"]


def test_a_word_on_an_earlier_attempt_says_nothing_of_a_later_one(desk: Desk) -> None:
    item = desk.item()
    effect = desk.effect(item, "filing:cpni:0012345678:2026")
    word = {"do": "not_happened", "note": "The portal shows nothing."}
    desk.person("reviewer", "rita").post(f"/desk/effects/{effect}", word)
    with desk.db.connect() as connection:
        connection.execute("update pw.effects set attempts = attempts + 1")
    desk.person("reviewer", "ron").post(f"/desk/effects/{effect}", word)
    assert desk.row("select state from pw.effects")["state"] == "unknown"


def test_a_packet_is_downloaded_and_its_filing_booked_once(desk: Desk) -> None:
    item = desk.item("neca_ocn")
    desk.document(item, small_pdf("plain"), signed=small_pdf("signed"), title="../../etc/Plan <b>")
    desk.waits(item, "packet", stage="file")
    with desk.db.connect() as connection:
        connection.execute(
            "insert into pw.item_answers values (%s, 'carrier_name', 'Blue Mesa', 'order', %s, 'x')", (item, NOW)
        )
        Vault(desk.settings).put(connection, item, "signer_name", "Ann Example", now=NOW)
    ops = desk.person("ops")
    archive = zipfile.ZipFile(io.BytesIO(ops.get(f"/desk/items/{item}/packet").content))
    assert archive.namelist() == ["etc-Plan-b-signed.pdf", "answers.json"]
    assert archive.read("etc-Plan-b-signed.pdf") == small_pdf("signed")
    assert json.loads(archive.read("answers.json"))["answers"] == {"Legal name of the carrier": "Blue Mesa"}
    pdf = {"confirmation": ("../evil.html", small_pdf("confirmation"), "text/html")}
    path, said = f"/desk/items/{item}/filed", {"reference": "RMD0012345"}
    assert ops.post(path, said).status_code == 409, "no confirmation"
    html = {"confirmation": ("x.pdf", b"<script>", "application/pdf")}
    assert ops.post(path, said, files=html).status_code == 409
    assert ops.post(path, {"reference": "\x00"}, files=pdf).status_code == 409
    large = {"confirmation": ("x.pdf", b"%PDF-" + b"x" * (10 * 2**20), "application/pdf")}
    assert ops.post(path, said, files=large).status_code == 413
    assert desk.rows("select * from pw.effects") == []
    assert ops.post(path, said, files=pdf).status_code == 303
    assert ops.post(path, said, files=pdf).status_code == 409
    with desk.db.connect() as connection:
        assert packets.filed_reference(connection, item) == "RMD0012345"
    evidence = desk.row("select kind, media_type, effect_id is not null as bound from pw.evidence")
    assert evidence == {"kind": "confirmation", "media_type": "application/pdf", "bound": True}
    assert state(desk, item) == ("ready", None)


def test_a_challenge_is_passed_on_with_what_was_done(desk: Desk) -> None:
    item = desk.item()
    desk.waits(item, "challenge", stage="file")
    ops = desk.person("ops")
    assert ops.post(f"/desk/items/{item}/pass", {"why": ""}).status_code == 409
    assert ops.post(f"/desk/items/{item}/pass", {"why": "Solved."}).status_code == 303
    assert ops.post(f"/desk/items/{item}/pass", {"why": "Solved."}).status_code == 409
    desk.waits(item, "signature", stage="signature")
    assert ops.post(f"/desk/items/{item}/pass", {"why": "Signed, I say."}).status_code == 409
    assert state(desk, item) == ("waiting", "signature")


def test_what_the_record_shows_already_is_filed_all_the_same_or_stopped_with_a_reason(desk: Desk) -> None:
    ops = desk.person("ops", "omar")
    shown = "The CPNI filing 2026-1 of this FRN is on record."
    filed, stopped = desk.item(), desk.item(frn="0099999999")
    for item in (filed, stopped):
        desk.waits(item, "duplicate", stage="prepare", shown=shown)
        page = ops.get(f"/desk/items/{item}").text
        assert shown in page and ">File all the same</button>" in page and ">Stop it</button>" in page
        for do, why in (("file", " "), ("stop", ""), ("both", "because")):
            assert ops.post(f"/desk/items/{item}/duplicate", {"do": do, "why": why}).status_code == 409
        assert state(desk, item) == ("waiting", "duplicate")
    ops.post(f"/desk/items/{filed}/duplicate", {"do": "file", "why": "It was filed for the wrong year."})
    ops.post(f"/desk/items/{stopped}/duplicate", {"do": "stop", "why": "They filed it themselves."})
    assert (state(desk, filed), state(desk, stopped)) == (("ready", None), ("waiting", "held"))
    [answer] = desk.rows("select item_id, name, value, given_by from pw.item_answers where name = 'file_anyway'")
    assert tuple(answer.values()) == (filed, "file_anyway", "yes", "omar")
    [flag] = desk.rows("select kind, text, raised_by from pw.conversation_flags")
    assert (flag["kind"], flag["raised_by"]) == ("duplicate", "omar") and "They filed it themselves." in flag["text"]
    did = desk.rows("select what, detail from pw.staff_actions where item_id is not null order by action_id")
    assert [(row["what"], row["detail"]["why"]) for row in did] == [
        ("file_anyway", "It was filed for the wrong year."), ("stopped_duplicate", "They filed it themselves."),
    ]  # fmt: skip
    again = ops.post(f"/desk/items/{stopped}/duplicate", {"do": "file", "why": "After all."})
    assert again.status_code == 409 and "After all." in words(again.text), "what was typed is not lost"


def test_names_that_the_program_keeps_for_itself_are_not_offered_to_be_read(desk: Desk) -> None:
    item = desk.item()
    vault = Vault(desk.settings)
    with desk.db.connect() as connection:
        for name in ("signer_name", "filing_salt", "signature_7", "browser_state_x", "decline_reason_7"):
            vault.put(connection, item, name, "a value", now=NOW)
    admin = desk.person("admin")
    text = admin.get(f"/desk/items/{item}").text
    offered = re.findall(r'<option value="(\w+)"', text[text.index("Read a personal value") :].split("</select>")[0])
    assert sorted(offered) == ["decline_reason_7", "signer_name"]
    assert "Why the signer declined" in text
    for name, status in (("filing_salt", 409), ("signature_7", 409), ("decline_reason_7", 200)):
        assert admin.post(f"/desk/items/{item}/private", {"name": name, "why": "asked for"}).status_code == status


def test_what_a_program_cannot_get_through_is_handed_over_and_booked_so_that_nobody_files_it_again(desk: Desk) -> None:
    item, other = desk.item(), desk.item()
    with desk.db.connect() as connection:
        for one in (item, other):
            connection.execute(
                "insert into pw.item_answers values (%s, 'prior_year', '2026', 'firm', %s, 'x')", (one, NOW)
            )
    desk.waits(item, "challenge", stage="review")
    ops = desk.person("ops")
    path = f"/desk/items/{item}"
    assert "File it by hand instead" in ops.get(path).text
    assert ops.post(f"{path}/by-hand", {"do": "hand_over", "why": "A picture with letters."}).status_code == 303
    assert state(desk, item) == ("waiting", "packet")
    assert ops.post(f"{path}/retry").status_code == 409, "a person may be filing it now"
    assert ops.post(f"{path}/by-hand", {"do": "take_back", "why": "Not begun."}).status_code == 303
    assert state(desk, item) == ("ready", None)
    desk.waits(item, "changed_page", stage="file")
    ops.post(f"{path}/by-hand", {"do": "hand_over", "why": "Their page is new."})
    pdf = {"confirmation": ("c.pdf", small_pdf("confirmation"), "application/pdf")}
    assert ops.post(f"{path}/filed", {"reference": "2026-77"}, files=pdf).status_code == 303
    booked = desk.rows("select kind, key, state, reference, detail from pw.effects order by effect_id")
    assert [(row["kind"], row["state"], row["reference"]) for row in booked] == [
        ("filing_by_hand", "done", "2026-77"), ("filing", "done", "2026-77")
    ]  # fmt: skip
    assert booked[1]["key"] == "filing:cpni:0012345678:2026" and booked[1]["detail"] == {"by_hand": True}
    desk.waits(other, "challenge", stage="file")
    refused = ops.post(f"/desk/items/{other}/by-hand", {"do": "hand_over", "why": "The same."})
    assert refused.status_code == 409 and "nothing is filed twice" in words(refused.text)


def test_a_portal_is_closed_and_opened(desk: Desk) -> None:
    item = desk.item()
    desk.waits(item, "portal_closed", stage="file")
    ops = desk.person("ops")
    assert ops.post("/desk/portals/fcc_ecfs", {"do": "close", "why": ""}).status_code == 409
    assert ops.post("/desk/portals/nowhere", {"do": "close", "why": "x"}).status_code == 409
    assert ops.post("/desk/portals/fcc_ecfs", {"do": "close", "why": "Maintenance"}).status_code == 303
    assert "Maintenance" in ops.get("/desk/portals").text
    assert ops.post("/desk/portals/fcc_rmd", {"do": "close", "why": "Another one"}).status_code == 303
    assert ops.post("/desk/portals/fcc_rmd", {"do": "open", "why": "It is up"}).status_code == 303
    assert ops.post("/desk/portals/fcc_rmd", {"do": "open", "why": "Again"}).status_code == 409, "it is open"
    assert state(desk, item) == ("waiting", "portal_closed"), "another portal's opening opens nothing here"
    assert ops.post("/desk/portals/fcc_ecfs", {"do": "open", "why": ""}).status_code == 409
    assert ops.post("/desk/portals/fcc_ecfs", {"do": "open", "why": "Their page is up again"}).status_code == 303
    assert state(desk, item) == ("ready", None)
    assert "Their page is up again" in words(ops.get("/desk/portals/fcc_ecfs").text)


# -- personal data -------------------------------------------------------------------------------------------------


def with_ssn(desk: Desk) -> int:
    item = desk.item()
    with desk.db.connect() as connection:
        Vault(desk.settings).put(connection, item, "responsible_ssn", SSN, now=NOW)
    return item


def test_personal_values_are_on_no_page_until_an_admin_says_why_and_then_once(desk: Desk) -> None:
    item = with_ssn(desk)
    admin = desk.person("admin", "ada")
    page = f"/desk/items/{item}"
    assert SSN not in admin.get(page).text
    assert admin.post(f"{page}/private", {"name": "responsible_ssn", "why": "  a "}).status_code == 409
    assert desk.rows("select * from pw.private_access") == []
    reply = admin.post(f"{page}/private", {"name": "responsible_ssn", "why": "The IRS called about it."})
    assert SSN in reply.text and reply.headers["cache-control"] == "no-store"
    assert SSN not in admin.get(page).text
    (row,) = desk.rows('select "by", name, why from pw.private_access')
    assert row == {"by": "ada", "name": "responsible_ssn", "why": "The IRS called about it."}
    assert "The IRS called about it." in admin.get("/desk/log").text
    assert admin.post(f"{page}/private", {"name": "no_such", "why": "because of it"}).status_code == 409


def test_details_are_given_by_ops_but_personal_ones_by_the_customer_or_an_admin(desk: Desk) -> None:
    item = desk.item()
    desk.waits(item, "details", missing=["signer_name", "signer_title"])
    ops, admin = desk.person("ops"), desk.person("admin")
    path = f"/desk/items/{item}/details"
    assert ops.post(path, {"fact_signer_title": "President"}).headers["location"].endswith("said=details")
    assert ops.post(path, {"fact_signer_name": "Ann Example"}).status_code == 409
    assert ops.post(path, {"fact_no_such_fact": "x"}).status_code == 409
    assert ops.post(path, {"fact_responsible_ssn": SSN}).status_code == 409, "not asked for by this service"
    wrong = admin.post(path, {"fact_signer_email": "no address of Ann Example"})
    assert wrong.status_code == 409 and "Ann Example" not in wrong.text, "a private value is never repeated"
    assert admin.post(path, {"fact_signer_name": "Ann Example"}).status_code == 303
    for page in (f"/desk/items/{item}", "/desk/log"):
        assert "Ann Example" not in admin.get(page).text
    assert "Ann Example" not in str(desk.rows("select * from pw.item_events"))
    assert "Ann Example" not in str(desk.rows("select * from pw.staff_actions"))
