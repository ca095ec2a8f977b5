"""An item from the review to the confirmation: filed once, or waiting at a gate that says why."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from pw_pipelines import faults
from pw_pipelines.clock import EASTERN
from pw_pipelines.filings.browsers import Browsers
from pw_pipelines.filings.engine import FilingEngine
from pw_pipelines.filings.pacing import alone_at
from pw_pipelines.filings.portal import Quota
from pw_pipelines.fulfillment import deeds, items
from pw_pipelines.fulfillment.packets import FilingByHand
from tests.filings.conftest import FACTS, Portals, patient
from tests.filings.house import House

ALL = ("review", "file", "confirm")


def test_what_is_approved_is_filed_confirmed_and_kept(house: House, portals: Portals) -> None:
    item = house.item()
    assert house.go(item, *ALL) == ["review"]
    assert portals.filed() == []
    shown = house.row(item)["gate_detail"]

    house.approve(item)
    assert house.go(item, *ALL) == ["done", "done", "done"]
    [filing] = portals.filed("fcc_ecfs")
    effect = house.effect()
    assert (effect["state"], effect["reference"]) == ("done", filing["confirmation"])
    assert set(effect["detail"]["uploads"].values()) == {upload["sha256"] for upload in filing["uploads"]}
    evidence = house.rows("select kind, media_type, digest from pw.evidence where item_id = %s", item)
    assert {row["digest"] for row in evidence} >= {shown["form_digest"], *shown["pictures"]}
    assert {(row["kind"], row["media_type"]) for row in evidence} >= {
        ("filled_form", "image/png"), ("filled_form", "text/html"), ("confirmation", "image/png"),
        ("trace", "application/x-ndjson"),
    }  # fmt: skip


def test_worked_again_it_is_not_filed_again(house: House, portals: Portals) -> None:
    item = house.approved_item()
    assert house.go(item, "file") == ["done"]
    with house.connect() as connection:
        connection.execute("update pw.item_work set stage = 'review' where item_id = %s", (item,))
    assert house.go(item, *ALL) == ["done", "done", "done"]
    assert len(portals.filed()) == 1


def test_a_returned_form_is_held(house: House, portals: Portals) -> None:
    item = house.item()
    house.go(item, "review")
    digest = house.row(item)["gate_detail"]["form_digest"]
    with house.connect() as connection:
        deeds.send_back(connection, item, digest, by="rae", note="Another address.", now=house.ground.clock.now())
    house.again(item)
    assert house.go(item, *ALL) == ["held"]
    assert portals.filed() == []


def test_the_approval_of_one_form_is_none_of_another(house: House, portals: Portals) -> None:
    """The facts changed between the approval and the filing: what was approved is not what would be sent."""
    item = house.approved_item()
    with house.connect() as connection:
        house.tell(connection, item, {"carrier_zip": "82002"})
    assert house.go(item, "file") == ["review"]
    row = house.row(item)
    assert portals.filed() == []

    house.approve(item)
    assert house.go(item, "file") == ["done"]
    assert len(portals.filed()) == 1
    assert "approved by nobody" in str(house.rows(
        "select text from pw.item_events where item_id = %s and gate = 'review'", item
    ))  # fmt: skip
    assert row["gate_detail"]["form_digest"] != ""


def test_an_approval_of_another_item_does_not_count(house: House, portals: Portals) -> None:
    first, second = house.item(), house.item(frn="0099000002")
    house.go(first, "review")
    digest = house.row(first)["gate_detail"]["form_digest"]
    with house.connect() as connection:
        connection.execute(
            'insert into pw.approvals (item_id, form_digest, decision, "by", at) values (%s, %s, %s, %s, now())',
            (second, digest, "approved", "mallory"),
        )
        connection.execute("update pw.item_work set stage = 'file' where item_id = %s", (second,))
    assert house.go(second, "file") == ["review"]
    assert portals.filed() == []


@pytest.mark.parametrize("change", ["renamed_field", "moved_submit"])
def test_a_page_that_changed_after_the_approval_gets_nothing(house: House, portals: Portals, change: str) -> None:
    item = house.approved_item()
    portals.page("fcc_ecfs", change)
    assert house.go(item, "file") == ["changed_page"]
    row = house.row(item)
    assert (portals.filed(), house.effect()["state"]) == ([], "not_done")
    assert row["gate_detail"]["changes"]
    assert house.ground.objects.exists(row["gate_detail"]["picture"])


def test_done_but_unanswered_is_looked_up_and_not_sent_again(house: House, portals: Portals) -> None:
    item = house.approved_item()
    portals.misbehave("done_but_timeout", match="/submit", seconds=0.2)
    assert house.go(item, "file", "confirm") == ["done", "done"]
    assert (len(portals.filed()), house.effect()["detail"]["settled_by"]) == (1, "probe")


@pytest.mark.parametrize(
    ("point", "filed_then"),
    [("filings.submit.before", 0), ("filings.submit.clicked", 0), ("filings.submit.answered", 1)],
)
def test_killed_around_the_submit_and_resumed_it_is_filed_once(
    house: House, portals: Portals, monkeypatch: pytest.MonkeyPatch, point: str, filed_then: int
) -> None:
    """Whether the portal had it when the run died is found out, not guessed."""
    item = house.approved_item()
    monkeypatch.setenv(faults.VARIABLE, f"{point}:kill")
    died = multiprocessing.get_context("fork").Process(target=_file, args=(house, item))
    died.start()
    died.join(60)
    assert died.exitcode == -9
    monkeypatch.delenv(faults.VARIABLE)
    assert len(portals.filed()) == filed_then
    came = house.go(item, "file")
    while came[-1] in ("settling", "retry"):
        with house.connect() as connection:
            items.reopen(connection, item, gates=came, by="test", why="time", now=house.ground.clock.now())
        came = house.go(item, "file")
    assert came == ["done"]
    assert len(portals.filed()) == 1
    assert house.effect()["attempts"] == 2 - filed_then


@pytest.mark.parametrize("point", ["filings.submit.before", "filings.submit.clicked", "filings.submit.answered"])
def test_what_breaks_around_the_submit_is_looked_up_at_once_and_holds_nobody_up(
    house: House, portals: Portals, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    item = house.approved_item()
    monkeypatch.setenv(faults.VARIABLE, f"{point}:raise")
    begun = time.monotonic()
    came = house.go(item, "file")
    assert time.monotonic() - begun < 30
    monkeypatch.delenv(faults.VARIABLE)
    while came[-1] in ("settling", "retry"):
        with house.connect() as connection:
            items.reopen(connection, item, gates=came, by="test", why="time", now=house.ground.clock.now())
        came = house.go(item, "file")
    assert came == ["done"]
    assert len(portals.filed()) == 1


def _file(house: House, item: int) -> None:
    house.ground.__dict__["filing"] = FilingEngine(house.ground.settings, portals=patient, browsers=Browsers())
    house.go(item, "file")
    os._exit(0)


def test_two_runs_of_one_item_file_once(house: House, portals: Portals) -> None:
    item = house.approved_item()
    runs = [threading.Thread(target=house.go, args=(item, "file")) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(60)
    assert len(portals.filed()) == 1
    assert house.row(item)["stage"] == "confirm"


def test_two_items_that_want_the_same_file_once(house: House, portals: Portals) -> None:
    first, second = house.approved_item(), house.approved_item()
    assert house.go(first, "file") == ["done"]
    assert house.go(second, "file") == ["duplicate"]
    assert len(portals.filed()) == 1


def test_filings_at_one_portal_keep_their_distance(house: House, portals: Portals) -> None:
    house.set(filing_pace_minutes=(30.0, 120.0))
    first, second = house.approved_item(), house.approved_item(frn="0099000002")
    assert house.go(first, "file") == ["done"]
    assert house.go(second, "file") == ["pacing"]
    wait = house.row(second)["not_before"] - house.ground.clock.now()
    assert timedelta(minutes=28) < wait < timedelta(minutes=121)
    assert len(portals.filed()) == 1


def test_while_one_files_another_waits(house: House, monkeypatch: pytest.MonkeyPatch, portals: Portals) -> None:
    item = house.approved_item()
    monkeypatch.setattr("pw_pipelines.fulfillment.stages.file.alone_at", _impatient)
    with alone_at(house.db.url, "fcc_ecfs"):
        assert house.go(item, "file") == ["pacing"]
    assert portals.filed() == []


def _impatient(url: str, portal: str) -> Any:
    return alone_at(url, portal, wait_seconds=0.1)


def test_a_closed_portal_gets_nothing_until_a_person_opens_it(house: House, portals: Portals) -> None:
    item, now = house.approved_item(), house.ground.clock.now()
    with house.connect() as connection:
        deeds.close_portal(connection, "fcc_ecfs", by="ops", why="The form is being rebuilt.", now=now)
    assert house.go(item, "file") == ["portal_closed"]
    with house.connect() as connection:
        assert deeds.open_portal(connection, "fcc_ecfs", by="ops", why="It is built.", now=now) == 1
    assert house.go(item, "file") == ["done"]
    assert len(portals.filed()) == 1


def test_a_portal_is_probed_before_it_is_filed_with(house: House, portals: Portals) -> None:
    item = house.approved_item()
    with house.connect() as connection:
        connection.execute("update pw.filing_portals set probed_at = null, probe_ok = null")
    portals.page("fcc_ecfs", "renamed_field")
    assert house.go(item, "file") == ["changed_page"]
    [row] = house.rows("select * from pw.filing_portals where portal = 'fcc_ecfs'")
    assert (row["probe_ok"], len(row["probe_detail"]["changes"]), len(portals.filed())) == (False, 3, 0)
    assert row["closed_by"] == "probe"

    portals.page("fcc_ecfs", "none")
    house.again(item)
    assert house.go(item, "file") == ["portal_closed"]
    with house.connect() as connection:
        deeds.open_portal(connection, "fcc_ecfs", by="ops", why="It is as it was.", now=house.ground.clock.now())
    assert house.go(item, "file") == ["done"]
    [row] = house.rows("select * from pw.filing_portals where portal = 'fcc_ecfs'")
    assert row["probe_ok"] is True


def test_a_challenge_waits_for_a_person_with_the_browser_kept(house: House, portals: Portals) -> None:
    item = house.item()
    portals.page("fcc_ecfs", "captcha")
    assert house.go(item, "review") == ["challenge"]
    [row] = house.rows("select browser_state_digest from pw.filing_portals where portal = 'fcc_ecfs'")
    kept = house.rows("select name, ciphertext from pw.private_values where item_id = %s", item)
    state = [bytes(one["ciphertext"]) for one in kept if one["name"].startswith("browser_state_fcc_ecfs")]
    assert row["browser_state_digest"]
    assert state
    assert b"fcc_ecfs_session" not in b"".join(state)


def test_what_is_missing_is_named(house: House) -> None:
    item = house.item()
    with house.connect() as connection:
        connection.execute("delete from pw.item_answers where item_id = %s and name = 'carrier_city'", (item,))
    assert house.go(item, "review") == ["details"]
    assert house.row(item)["gate_detail"] == {"missing": ["carrier_city"]}


def test_an_unsigned_document_is_never_uploaded(house: House, portals: Portals) -> None:
    item = house.item()
    with house.connect() as connection:
        connection.execute("update pw.item_documents set signed_digest = null where template = 'cpni_statement'")
    assert house.go(item, "review") == ["error"]
    assert "cpni_statement" in house.row(item)["gate_why"]


def test_where_programs_are_forbidden_a_person_files_and_nobody_else(house: House, portals: Portals) -> None:
    terms = patient("fcc_ecfs").terms.model_copy(update={"automation": "forbidden"})
    forbidden = patient("fcc_ecfs").model_copy(update={"terms": terms})
    house.ground.__dict__["filing"] = FilingEngine(house.ground.settings, portals=lambda _: forbidden)
    item = house.item()
    assert house.go(item, *ALL) == ["done", "packet"]
    cover = house.ground.objects.open(house.row(item)["gate_detail"]["packet"]).read().decode()
    assert "cpni_certificate" not in cover
    assert FACTS["signer_name"] not in cover
    assert FACTS["carrier_name"] in cover

    with house.connect() as connection:
        deeds.filed_by_hand(
            connection, item, FilingByHand("20261122-7", "c" * 64, "application/pdf"), by="ops",
            now=house.ground.clock.now(),
        )  # fmt: skip
    assert house.go(item, "file", "confirm") == ["done", "done"]
    second = house.item()
    assert house.go(second, *ALL) == ["done", "duplicate"]
    assert (portals.filed(), house.effect()["reference"]) == ([], "20261122-7")


def test_with_the_setting_it_is_filed_without_a_reviewer(house: House, portals: Portals) -> None:
    house.set(auto_filing=True)
    item = house.item()
    assert house.go(item, *ALL) == ["done", "done", "done"]
    assert len(portals.filed()) == 1


def test_nothing_said_of_an_item_names_a_person(house: House) -> None:
    item = house.approved_item()
    house.go(item, "file", "confirm")
    said = house.rows(
        """select i.text, e.key, e.detail::text, v.title from pw.item_events i
           left join pw.effects e using (item_id) left join pw.evidence v using (item_id) where item_id = %s""",
        item,
    )
    for word in (FACTS["signer_name"], FACTS["contact_email"]):
        assert word not in str(said)


def test_what_breaks_before_the_submit_leaves_nothing_open(
    house: House, portals: Portals, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = house.approved_item()

    def breaks(*_: Any, **__: Any) -> bool:
        raise ArithmeticError("of our own making")

    with monkeypatch.context() as broken:
        broken.setattr("pw_pipelines.fulfillment.stages.file.reserve", breaks)
        with pytest.raises(ArithmeticError):
            house.advance(item, "file")
    assert (house.effect()["state"], portals.filed()) == ("not_done", [])
    house.again(item)
    assert house.go(item, "file") == ["done"]


def test_one_a_day_for_one_person_waits_for_tomorrow(house: House, portals: Portals) -> None:
    quota = Quota(fact="signer_name", a_day=1, why="One a day for one person.")
    limited = patient("fcc_ecfs").model_copy(update={"quota": quota})
    house.ground.filing.portal = lambda _: limited
    first, second, third = (house.approved_item(frn=f"009900000{number}") for number in (1, 2, 3))
    with house.connect() as connection:
        house.tell(connection, third, {"signer_name": "Sam Example"})
    assert house.go(first, "file") == ["done"]
    assert house.go(second, "file") == ["hours"]
    opens = house.row(second)["not_before"].astimezone(EASTERN)
    assert (opens.hour, opens.minute, opens.date() - house.ground.clock.today()) == (0, 0, timedelta(days=1))
    assert house.go(third, "file") == ["done"]
    assert len(portals.filed()) == 2


def test_until_the_portal_shows_it_it_is_not_confirmed(house: House, portals: Portals) -> None:
    item = house.approved_item()
    house.go(item, "file")
    portals.quiet()  # the list forgets it
    assert house.go(item, "confirm") == ["settling"]
    house.later(days=4)
    house.again(item)
    assert house.go(item, "confirm") == ["error"]
    assert "does not show it" in house.row(item)["gate_why"]


def test_other_documents_than_those_signed_are_noticed(house: House) -> None:
    item = house.approved_item()
    house.go(item, "file")
    house.sign(item, "cpni_statement", edition=2)
    assert house.go(item, "confirm") == ["error"]
    assert "other documents" in house.row(item)["gate_why"]
