"""The staff's first page tells of portals, backups, drills, stopped mail, unknown effects and held payments."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from pw_pipelines.portal.status_house import house_worries
from pw_pipelines.settings import Settings
from tests.portal import given
from tests.portal.conftest import Web
from tests.portal.desk_making import Desk, desk

__all__ = ["desk"]
NOW = given.NOW


def execute(desk: Desk, query: str, *values: Any) -> None:
    with desk.db.connect() as connection:
        connection.execute(query.encode(), values)


def told(desk: Desk) -> list[str]:
    return house_worries(desk.db, desk.settings, now=NOW)


def test_where_nothing_is_wrong_nothing_is_said(desk: Desk) -> None:
    assert told(desk) == []


def test_an_effect_of_which_nobody_knows_is_counted_and_led_to(desk: Desk) -> None:
    desk.effect(desk.item(), "filing:cpni:0012345678:2026")
    assert told(desk) == [f"Of 1 effect nobody knows whether it happened: {desk.settings.public_url}/desk/effects"]


def test_a_closed_portal_and_stopped_mail_are_named(desk: Desk) -> None:
    execute(
        desk,
        "insert into pw.filing_portals (portal, closed_at, closed_why, closed_by) values ('fcc_rmd', %s, 'x', 'probe')",
        NOW - timedelta(hours=5),
    )
    execute(
        desk,
        "insert into pw.sending_stops (scope, reason, raised_at, raised_by)"
        " values ('all', 'Too many bounces.', %s, 'x')",
        NOW,
    )
    closed, stopped = told(desk)
    assert re.match(r"fcc_rmd was closed for filing 5 hours? ago|fcc_rmd was closed for filing 5.* ago", closed)
    assert stopped == "All sending is stopped: Too many bounces. (`pw leads resume`)"


def _set(desk: Desk, *, age: timedelta, damage: str | None = None) -> None:
    at = NOW - age
    execute(
        desk,
        """insert into pw.backup_sets (set_id, subject, state, started_at, captured_at, finished_at, maker,
             manifest_digest, confirmed_at, verified_at, damage)
           values (%s, 'postgres', 'complete', %s, %s, %s, 'test', %s, %s, %s, %s)""",
        f"{at:%Y%m%dT%H%M%SZ}-abcdef", at, at, at, "a" * 64, at, None if damage else at, damage,
    )  # fmt: skip


def test_a_late_backup_and_a_damaged_set_are_named(desk: Desk) -> None:
    _set(desk, age=timedelta(hours=30))
    _set(desk, age=timedelta(hours=1), damage="An archive is not what the manifest says.")
    late, damaged = told(desk)
    assert "backup of postgres is late: the newest good one is" in late
    assert damaged.startswith("Backup sets of postgres are damaged: ")


@pytest.mark.parametrize("age", [timedelta(hours=1), timedelta(hours=5)])
def test_a_backup_that_is_young_enough_is_no_worry(desk: Desk, age: timedelta) -> None:
    _set(desk, age=age)
    assert told(desk) == []


def test_the_first_page_shows_it_with_a_link(desk: Desk, web_settings: Settings, web: Web) -> None:
    desk.effect(desk.item(), "filing:cpni:0012345678:2026")
    page = web.get("/").text
    assert f'href="{web_settings.public_url}/desk/effects"' in page
    assert "All is well" not in page
