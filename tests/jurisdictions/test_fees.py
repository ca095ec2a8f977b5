"""The table of filing fees and its asset."""

from __future__ import annotations

from decimal import Decimal

import dagster as dg

from pw_pipelines.assets.jurisdictions import ALL_THERE, state_filing_fees
from pw_pipelines.db.connection import Database
from pw_pipelines.jurisdictions.fees import all_fees, load


def test_the_table_holds_the_files_row_for_row_and_loading_again_changes_nothing(db: Database) -> None:
    with db.connect() as connection:
        assert load(connection) == load(connection) == len(all_fees())
        row = connection.execute("select * from pw.state_filing_fees where state = 'KS' and fee = 'annual_report'")
        kansas = row.fetchone()
        states = connection.execute("select count(distinct state) as n from pw.state_filing_fees").fetchone()
        florida = connection.execute(
            "select amount, currency from pw.state_filing_fees where state = 'FL' and fee = 'annual_report'"
        ).fetchone()

    assert kansas is not None and kansas["amount"] is None and kansas["confidence"] == "unknown"
    assert florida == {"amount": Decimal("138.75"), "currency": "USD"}
    assert states == {"n": 52}


def test_a_fee_that_left_the_files_leaves_the_table(db: Database) -> None:
    with db.connect() as connection:
        connection.execute(
            "insert into pw.state_filing_fees (state, fee, currency, source, confidence) values "
            "('OH', 'forgotten', 'USD', 'an older file', 'low')"
        )
        load(connection)
        left = connection.execute("select 1 from pw.state_filing_fees where fee = 'forgotten'").fetchone()
    assert left is None


def test_the_asset_shows_every_jurisdiction_says_what_is_unknown_and_credits_its_source(db: Database) -> None:
    done = dg.materialize([state_filing_fees], resources={"db": db})
    metadata = done.asset_materializations_for_node("state_filing_fees")[0].metadata
    (check,) = done.get_asset_check_evaluations()

    assert check.check_name == ALL_THERE and check.passed
    assert metadata["dagster/row_count"].value == len(all_fees())
    preview = str(metadata["preview"].value)
    assert "| KS | $85 | $90 | unknown |" in preview and "| BC | unknown | C$350 | C$43.39 |" in preview
    assert "KS annual_report" in str(metadata["unknown"].value)
    assert "CC BY 4.0" in str(metadata["credit"].value)
