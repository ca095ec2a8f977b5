"""The seams every room leans on: FRNs, names, the clock, the schema."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url

from pw_pipelines import frn, names
from pw_pipelines.clock import Clock, eastern_day
from pw_pipelines.db.connection import Database
from pw_pipelines.db.tables import Base
from pw_pipelines.errors import BadFrn


@pytest.mark.parametrize(("given", "expected"), [("18547", "0000018547"), (" 0021441233 ", "0021441233")])
def test_an_frn_that_lost_its_zeros_gets_them_back(given: str, expected: str) -> None:
    assert frn.pad(given) == expected


@pytest.mark.parametrize("given", ["", "12345678901", "00214A1233", "-1", "٠٠٢١٤٤١٢٣٣", "1.5"])
def test_what_is_not_an_frn_is_refused(given: str) -> None:
    with pytest.raises(BadFrn):
        frn.pad(given)


def test_frns_are_found_in_free_text_once_each() -> None:
    assert frn.find_all("0003742715; 0003742715,\r\n0021441233. 123456789 00217441233x1") == (
        "0003742715",
        "0021441233",
    )


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("'@Link Services, LLC", "@LINK SERVICES L.L.C."),
        ("The Ñandú & Söhne Co., Inc.", "Nandu and Sohne"),
        ("New Cingular Wireless Services, Inc. CONSOLIDATED", "new cingular wireless services"),
    ],
)
def test_spellings_of_one_firm_share_a_key(left: str, right: str) -> None:
    assert names.key(left) == names.key(right) != ""


@pytest.mark.parametrize(("left", "right"), [("Acme Telephone LLC", "Acme Telecom LLC"), ("Company Inc", "The Inc")])
def test_different_words_keep_different_keys(left: str, right: str) -> None:
    assert names.key(left) != names.key(right)


def test_a_filing_late_on_march_1_eastern_is_not_late_because_utc_says_march_2() -> None:
    assert eastern_day(datetime(2026, 3, 2, 4, 59, tzinfo=UTC)) == date(2026, 3, 1)


def test_a_moved_sandbox_clock_is_seen_by_everyone_and_a_live_one_cannot_be_moved(tmp_path: Path) -> None:
    file = tmp_path / "clock.json"
    Clock(file).set_offset(timedelta(days=30))
    assert Clock(file).now() - datetime.now(UTC) > timedelta(days=29, hours=23)
    with pytest.raises(RuntimeError):
        Clock(None).set_offset(timedelta(days=1))


def test_the_migrations_make_exactly_the_schema_the_models_say(db: Database) -> None:
    engine = create_engine(make_url(db.url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "version_table_schema": "pw",
                "include_name": lambda name, kind, parents: kind != "schema" or name in {"pw", "core", "registry"},
            },
        )
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()
