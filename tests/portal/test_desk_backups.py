"""The desk's page of backups: drills with their reports, sets, and how each subject stands."""

from __future__ import annotations

from psycopg.types.json import Jsonb

from pw_pipelines.backups.drill_model import Check, Drill
from pw_pipelines.backups.report import duration, report_of
from tests.commerce.making import NOW
from tests.portal.desk_making import Desk, desk, words

__all__ = ["desk"]
EVIL = "<script>alert(1)</script>"
FIGURES = {"objects": 1200, "dump_age_seconds": 250.4, "newest_change_at": "2026-11-22T23:56:28.337319+00:00"}


def drill(*checks: Check, rpo: float | None = 3.2) -> Drill:
    ok = all(one.ok for one in checks)
    return Drill(NOW, ok, rpo, 71.0, checks, ("20261122T110500Z-abcdef",), FIGURES)


def written(desk: Desk, made: Drill) -> int:
    digest = desk.keep(report_of(made).encode())
    with desk.db.connect() as connection:
        row = connection.execute(
            """insert into pw.backup_drills (started_at, finished_at, machine_started_at, ok, rpo_seconds, rto_seconds,
                                             checks, report_digest)
               values (%s, %s, %s, %s, %s, %s, %s, %s) returning drill_id""",
            (
                NOW,
                NOW,
                NOW,
                made.ok,
                made.rpo_seconds,
                made.rto_seconds,
                Jsonb([one.__dict__ for one in made.checks]),
                digest,
            ),
        ).fetchone()
    assert row is not None
    return int(str(row["drill_id"]))


def test_drills_are_listed_with_what_failed_and_lead_to_their_report(desk: Desk) -> None:
    good = written(desk, drill(Check("rows and digests", True, "All there.")))
    bad = written(desk, drill(Check("postgres set", False, f"silently damaged {EVIL}"), rpo=None))
    person = desk.person("analyst")

    text = person.get("/desk/backups").text

    assert "3.2 s" in words(text)
    assert "1 min 11 s" in words(text)
    assert "postgres set: silently damaged" in words(text)
    assert "Every change of money and effects has left" in words(text)
    assert EVIL not in text
    assert f"/desk/backups/drills/{good}" in text
    shown = person.get(f"/desk/backups/drills/{bad}")
    assert shown.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert "script" not in shown.text.replace("&lt;script&gt;", "").replace("&lt;/script&gt;", "")
    assert "1 of 1 checks failed." in shown.text
    assert "4 min 10 s" in shown.text
    assert "2026-11-22 23:56:28 UTC" in shown.text


def test_who_is_not_logged_in_sees_neither_page_nor_report(desk: Desk) -> None:
    number = written(desk, drill(Check("objects", True, "All there.")))
    stranger = desk.browser()
    for path in ("/desk/backups", f"/desk/backups/drills/{number}"):
        answer = stranger.get(path, follow_redirects=False)
        assert answer.status_code in (302, 303, 401)


def test_a_report_that_is_not_there_is_a_page_that_says_so(desk: Desk) -> None:
    assert desk.person("analyst").get("/desk/backups/drills/999").status_code == 404


def test_a_report_stands_by_itself_and_names_the_failed_checks_first() -> None:
    text = report_of(drill(Check("rows", True, "ok & well"), Check("objects", False, "Object ab is missing.")))
    assert text.startswith("<!doctype html>")
    assert 'lang="en"' in text and 'name="viewport"' in text
    assert "http" not in text and "src=" not in text
    assert text.index("objects: FAILED") < text.index("rows: ok")
    assert "ok &amp; well" in text


def test_durations_are_said_as_people_say_them() -> None:
    assert [duration(one) for one in (0, 3.21, 130, 11_100)] == ["0 s", "3.2 s", "2 min 10 s", "3 h 5 min"]
