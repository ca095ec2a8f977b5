"""Proof of cure: said when new copies of the record show it, never before, and never to the customer's harm."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pw_pipelines.commerce.basket import Basket, BasketItem
from pw_pipelines.commerce.orders import ComplianceDetails
from pw_pipelines.fulfillment import cures
from pw_pipelines.fulfillment.cures import CureReport
from pw_pipelines.fulfillment.ground import Ground
from pw_pipelines.fulfillment.stages import deliver
from pw_pipelines.resources.objects import Objects
from tests.after.conftest import AfterHouse, PostOffice
from tests.dbt import scenarios
from tests.fixtures_marts import Judged, cpni_filing, given_rows, given_snapshot
from tests.fixtures_sandbox import set_sandbox_day

TODAY = scenarios.TODAY
TOMORROW = TODAY + timedelta(days=1)
CODE = "RMD_NOT_RECERTIFIED"


@pytest.fixture(autouse=True)
def _no_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "delivery_letter", lambda *_: None)


@pytest.fixture
def record(judged_copy: Judged, post_office: PostOffice, tmp_path: Path) -> AfterHouse:
    """A house whose warehouse holds a public record, judged as of TODAY before anything was filed."""
    objects = (tmp_path / "objects").as_uri()
    seen = post_office.settings.model_copy(
        update={"database_url": SecretStr(judged_copy.db.url), "objects_url": objects, "settle_seconds": 0.0}
    )
    return AfterHouse(judged_copy.db, Ground(seen, judged_copy.db, Objects(objects)), post=post_office)


def filed(house: AfterHouse, scenario: str = "not recertified", *codes: str, service: str = "rmd_filing") -> int:
    """An item that was to mend this carrier's findings, filed on TODAY after the day's copies, delivered, booked."""
    frn = scenarios.frn(scenario)
    [item_id] = house.ordered(
        Basket("compliance", (BasketItem(service, frn=frn),)), ComplianceDetails(frn=frn), cures=codes or (CODE,)
    )
    house.filed(item_id)
    assert house.after(item_id) == ["done", "done"]
    return item_id


def copied(
    house: AfterHouse, day: date, scenario: str, *, is_staged: bool = True, grade: str = "complete", **changes: Any
) -> str:
    """The RMD read again on a day: the newest copy's rows, the carrier's changed. is_staged: as a build leaves it."""
    [before] = house.rows(
        "select snapshot_id from pw.snapshots where source = 'fcc_rmd' order by as_of desc, fetched_at desc limit 1"
    )
    after = given_snapshot(house.db, "fcc_rmd", day, layout="2026", digest_of=f"rmd {day} {changes}", grade=grade)
    with house.connect() as connection:
        for table in ("fcc_rmd_filings", "fcc_rmd_presence"):
            columns = [
                row["column_name"] for row in connection.execute(
                    "select column_name from information_schema.columns where table_schema = 'core' and "
                    "table_name = %s and column_name <> 'snapshot_id' order by ordinal_position", (table,),
                )
            ]  # fmt: skip
            names = ", ".join(columns)
            connection.execute(
                f"insert into core.{table} (snapshot_id, {names}) select %s, {names} from core.{table} "
                "where snapshot_id = %s",
                (after, before["snapshot_id"]),
            )
        for name, value in changes.items():
            connection.execute(
                f"update core.fcc_rmd_filings set {name} = %s where snapshot_id = %s and frn = %s",
                (value, after, scenarios.frn(scenario)),
            )
        if is_staged:
            connection.execute(
                "insert into staging.stg_snapshots "
                "(snapshot_id, source, as_of, fetched_at, grade, is_loaded, edition_on) "
                "select snapshot_id, source, as_of, fetched_at, grade, true, as_of from pw.snapshots "
                "where snapshot_id = %s",
                (after,),
            )
            connection.execute(
                "insert into pw.mart_builds (as_of, built_at, snapshot_ids) values (%s, now(), %s)", (day, [after])
            )
    return after


def certified(house: AfterHouse, scenario: str) -> None:
    """The docket read again on TOMORROW, with the carrier's certification, received on TODAY under its name."""
    [before] = house.rows("select snapshot_id from pw.snapshots where source = 'fcc_cpni' order by as_of desc limit 1")
    after = given_snapshot(house.db, "fcc_cpni", TOMORROW, digest_of="cpni after")
    with house.connect() as connection:
        columns = "id_submission, received_at, received_on_et, filer_names, filer_keys, document_names"
        connection.execute(
            f"insert into core.fcc_cpni_filings (snapshot_id, {columns}) select %s, {columns} "
            "from core.fcc_cpni_filings where snapshot_id = %s",
            (after, before["snapshot_id"]),
        )
    given_rows(house.db, "fcc_cpni_filings", after, [cpni_filing("1126990001", [scenarios.name(scenario)], TODAY)])


def gone(house: AfterHouse, scenario: str, code: str = CODE) -> None:
    with house.connect() as connection:
        connection.execute("delete from marts.findings where frn = %s and code = %s", (scenarios.frn(scenario), code))


def look(house: AfterHouse, day: date = TOMORROW, *, days: int = 3) -> CureReport:
    set_sandbox_day(house.ground.settings, day)
    return cures.look(house.db, now=house.ground.clock.now(), days=days)


def cure(house: AfterHouse, code: str = CODE) -> dict[str, Any]:
    [row] = house.rows("select * from pw.cures where code = %s", code)
    return row


def flags(house: AfterHouse, *, is_open: bool = True) -> list[dict[str, Any]]:
    return house.rows(f"select * from pw.conversation_flags where kind = 'cure' and (closed_at is null) = {is_open}")


def test_before_the_record_is_read_again_nothing_is_said(record: AfterHouse) -> None:
    filed(record)
    gone(record, "not recertified")  # whatever the marts say: their copies are older than the filing
    report = look(record)
    assert report.came_to == {"not_read_yet": 1} and cure(record)["state"] == "waiting"


def test_a_partial_copy_proves_nothing(record: AfterHouse) -> None:
    filed(record)
    copied(record, TOMORROW, "not recertified", grade="partial", last_recertified_on=TODAY)
    gone(record, "not recertified")
    assert look(record).came_to == {"not_read_yet": 1}


def test_what_new_copies_show_is_cured_with_the_row_quoted(record: AfterHouse) -> None:
    item_id = filed(record)
    assert cure(record)["snapshots_before"], "the copies the finding stood on are kept"
    after = copied(record, TOMORROW, "not recertified", last_recertified_on=TODAY)
    gone(record, "not recertified")
    assert look(record).came_to == {"cured": 1}
    row = cure(record)
    assert (row["state"], row["snapshots_after"]) == ("cured", [after])
    quoted = row["evidence"]["rows"]["fcc_rmd"]
    assert quoted["last_recertified_on"] == "2026-11-22" and quoted["snapshot_id"] == after
    assert row["evidence"]["as_of"] == str(TOMORROW)
    [note] = record.rows("select * from pw.item_events where item_id = %s and text like '%%cured%%'", item_id)
    assert note["by"] == "cures"
    assert look(record).came_to == {}, "what is settled is not looked at again"


def test_a_finding_that_is_gone_with_its_carrier_is_not_called_cured(record: AfterHouse) -> None:
    filed(record)
    after = copied(record, TOMORROW, "not recertified")
    gone(record, "not recertified")
    with record.connect() as connection:
        connection.execute("delete from core.fcc_rmd_filings where snapshot_id = %s and frn = %s",
                           (after, scenarios.frn("not recertified")))  # fmt: skip
    assert look(record).came_to == {"not_shown_yet": 1} and cure(record)["state"] == "waiting"


@pytest.mark.parametrize("table", ["held", "questions"])
def test_what_is_no_longer_said_but_not_settled_either_is_not_called_cured(record: AfterHouse, table: str) -> None:
    filed(record)
    copied(record, TOMORROW, "not recertified", last_recertified_on=TODAY)
    gone(record, "not recertified")
    with record.connect() as connection:
        connection.execute(
            f"insert into marts.{table} (frn, code) values (%s, %s)", (scenarios.frn("not recertified"), CODE)
        )
    assert look(record).came_to == {"unsettled": 1} and cure(record)["state"] == "waiting"


def test_a_rule_that_is_switched_off_cures_nobody(record: AfterHouse) -> None:
    filed(record)
    copied(record, TOMORROW, "not recertified", last_recertified_on=TODAY)
    gone(record, "not recertified")
    with record.connect() as connection:
        connection.execute("update pw.compliance_rules set is_enabled = false where code = %s", (CODE,))
    assert look(record).came_to == {"unsettled": 1}


def test_what_three_days_still_show_is_a_persons_and_no_mail_goes_out(record: AfterHouse) -> None:
    item_id = filed(record)
    mails = len(record.post_office.mails(record.email(item_id)))
    for number, expected in enumerate(["seen_again", "seen_again", "still_there"], start=1):
        day = TODAY + timedelta(days=number)
        copied(record, day, "not recertified")
        assert look(record, day).came_to == {expected: 1}
        assert look(record, day).came_to == {expected: 1}, "one day counts once, however often it is looked at"
    assert cure(record)["state"] == "still_there"
    [flag] = flags(record)
    assert CODE in flag["text"] and flag["order_id"] == record.row(item_id)["order_id"]
    assert len(record.post_office.mails(record.email(item_id))) == mails

    copied(record, TODAY + timedelta(days=4), "not recertified", last_recertified_on=TOMORROW)
    gone(record, "not recertified")
    assert look(record, TODAY + timedelta(days=4)).came_to == {"cured": 1}, "a portal may be slow to publish"
    assert flags(record) == [] and len(flags(record, is_open=False)) == 1


def test_a_cure_whose_copy_is_recalled_is_open_again(record: AfterHouse) -> None:
    from pw_pipelines.snapshots.recall import recall

    filed(record)
    after = copied(record, TOMORROW, "not recertified", last_recertified_on=TODAY)
    gone(record, "not recertified")
    look(record)
    recall(record.db, after, by="ops", reason="a bad copy", now=record.ground.clock.now())
    with record.connect() as connection:
        connection.execute("delete from staging.stg_snapshots where snapshot_id = %s", (after,))
    assert look(record).came_to == {"not_read_yet": 1}
    row = cure(record)
    assert row["state"] == "waiting" and row["settled_at"] is None
    assert row["evidence"]["taken_back"]["rows"]["fcc_rmd"]["snapshot_id"] == after


def test_what_no_record_shows_is_never_waited_for(record: AfterHouse) -> None:
    filed(record, "not recertified", "SEC214_INTL")
    row = cure(record, "SEC214_INTL")
    assert row["state"] == "not_visible" and row["settled_at"] is not None
    assert look(record).looked_at == 0


def test_without_marts_nothing_is_said(house: AfterHouse) -> None:
    house.done(cures=("CPNI_MISSING",))
    assert cures.look(house.db, now=house.ground.clock.now(), days=3) == CureReport(None)


@pytest.mark.usefixtures("without_dbt_tests")
def test_the_lead_leaves_its_segments_when_the_record_is_judged_again(record: AfterHouse, dbt_folder: Path) -> None:
    """Two days of a world: neglected and leads on the first, filed, and on the next day cured."""
    from pw_pipelines.compliance.marts import build

    whole, late = scenarios.frn("contact without telephone"), scenarios.frn("not recertified")

    def segments(frn: str) -> set[str]:
        return {
            row["segment"] for row in record.rows("select segment from segments.segment_members where frn = %s", frn)
        }

    assert "rmd_incomplete" in segments(whole) and "rmd_not_recertified" in segments(late)
    filed(record, "contact without telephone", "RMD_CONTACT_INCOMPLETE")
    filed(record, "not recertified")
    filed(record, "no certification", "CPNI_MISSING", service="cpni_certification")
    certified(record, "no certification")
    copied(record, TOMORROW, "not recertified", is_staged=False, last_recertified_on=TODAY, last_updated_on=TODAY)
    with record.connect() as connection:
        connection.execute(
            "update core.fcc_rmd_filings set contact_phone = '2025550100' where frn = %s and snapshot_id in "
            "(select snapshot_id from pw.snapshots where as_of = %s)",
            (whole, TOMORROW),
        )
    set_sandbox_day(record.ground.settings, TOMORROW)
    build(record.db, as_of=TOMORROW, now=record.ground.clock.now(), work_folder=dbt_folder)

    assert look(record).came_to == {"cured": 3}
    docket = cure(record, "CPNI_MISSING")["evidence"]["rows"]["fcc_cpni"]
    assert docket["received_on_et"] == str(TODAY) and docket["filer_names"] == [scenarios.name("no certification")]
    assert segments(whole) == set()
    assert record.rows("select 1 from marts.deficiency_leads where frn = %s", whole) == [], "nobody's lead any more"
    assert "rmd_not_recertified" not in segments(late)
    codes = {row["code"] for row in record.rows("select code from marts.findings where frn = %s", late)}
    assert codes == {"RMD_RECERT_LATE"}, "it was late, and no filing mends that"
