"""A segment somebody complained about: nobody new of it enters the list; who is on it stays; a person lifts it."""

from __future__ import annotations

from pw_pipelines.db.connection import Database
from pw_pipelines.leads import stops
from pw_pipelines.settings import Settings
from tests.fixtures_listmonk import Listmonk
from tests.leads.reconciling import ANN, BOB, CAT, on_list, reconcile, three
from tests.leads.warehouse import NOW, given_leads


def put(db: Database, segment: str, *frns: str) -> None:
    with db.connect() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into segments.segment_members (segment, frn) values (%s, %s)", [(segment, frn) for frn in frns]
        )


def stop(db: Database, segment: str | None) -> None:
    with db.connect() as connection:
        stops.stop(connection, segment=segment, reason="Somebody complained.", evidence={}, by="bounces", now=NOW)


def test_nobody_of_a_stopped_segment_enters_in_a_whole_reconciliation_until_a_person_lifts_it(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, three())
    put(marts, "critical", "0000000002")
    put(marts, "multi", "0000000002", "0000000003")
    stop(marts, "critical")
    report = reconcile(marts, listmonk_server, settings)
    assert (report.created, report.queued, report.quota.used) == (2, 1, 2)
    assert [on_list(listmonk_server, email) for email in (ANN, BOB, CAT)] == ["unconfirmed", None, "unconfirmed"]

    stops.resume(marts, segment="critical", by="Kim", reason="The mail was mended.", now=NOW)
    assert reconcile(marts, listmonk_server, settings).created == 1
    assert on_list(listmonk_server, BOB) == "unconfirmed"


def test_who_is_on_the_list_already_stays_and_is_kept_current(
    marts: Database, listmonk_server: Listmonk, settings: Settings, three_on_the_list: None
) -> None:
    put(marts, "critical", "0000000002")
    stop(marts, "critical")
    report = reconcile(marts, listmonk_server, settings)
    assert (report.already_there, report.created, sum(report.withdrawn.values())) == (3, 0, 0)
    assert on_list(listmonk_server, BOB) == "unconfirmed"


def test_while_all_sending_is_stopped_nobody_enters_and_the_report_says_why(
    marts: Database, listmonk_server: Listmonk, settings: Settings
) -> None:
    given_leads(marts, three())
    stop(marts, None)
    report = reconcile(marts, listmonk_server, settings)
    assert (report.created, report.quota.limit, report.queued) == (0, 0, 3)
    assert report.quota.reasons[0].startswith("All sending is stopped since 2026-11-20 15:00 UTC: Somebody complained.")
