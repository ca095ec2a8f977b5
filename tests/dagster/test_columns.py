"""columns.yaml says of every core column what the models say, and previews show nobody's contact data."""

from __future__ import annotations

import pytest
from sqlalchemy.dialects import postgresql

from pw_pipelines.assets.subjects import SUBJECTS
from pw_pipelines.assets.tables import core_preview, core_tables, is_personal, markdown_table
from pw_pipelines.db.tables import Base

SAME = {"timestamp with time zone": "timestamptz", "float": "double precision"}


@pytest.mark.parametrize("table", sorted({subject.table for subject in SUBJECTS.values()} | {"name_matches"}))
def test_every_column_is_described_with_its_real_type(table: str) -> None:
    described = core_tables()[table].columns
    real = {
        column.name: column.type.compile(dialect=postgresql.dialect()).lower()  # type: ignore[no-untyped-call]
        for column in Base.metadata.tables[f"core.{table}"].columns
    }
    assert {name: kind for name, (kind, _) in described.items()} == {
        name: SAME.get(kind, kind) for name, kind in real.items()
    }
    assert [name for name, (_, text) in described.items() if len(text) < 8] == []


@pytest.mark.parametrize("table", sorted(core_tables()))
def test_a_preview_shows_no_column_that_reaches_a_person(table: str) -> None:
    shown = core_preview(table).columns
    assert shown
    assert not set(shown) & set(core_tables()[table].personal)
    assert not [name for name in shown if is_personal(name)]


@pytest.mark.parametrize(
    "column", ["email", "contact_name", "dc_agent_email", "contact_phone", "evidence", "hq_address"]
)
def test_columns_of_marts_that_reach_a_person_are_known_by_name(column: str) -> None:
    assert is_personal(column)


def test_a_cell_cannot_break_the_preview() -> None:
    table = markdown_table(("name", "states"), [("A|B\nC <script>", ["NY", "NJ"]), (None, "x" * 200)])
    first, second = table.splitlines()[2:]
    assert first == "| A¦B C ‹script> | NY, NJ |"
    assert second.startswith("|  | xxx")
    assert len(second) < 80
