"""Segments are data: checked when read, loaded row for row."""

from __future__ import annotations

from pathlib import Path

import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.leads.segments import load_segments, read_segments, segment_named


def _file(folder: Path, text: str) -> Path:
    path = folder / "segments.yaml"
    path.write_text(text)
    return path


def test_the_segments_of_the_house_are_valid_and_each_says_what_it_is() -> None:
    specs = read_segments()
    assert len(specs) >= 8
    assert {"rmd_not_recertified", "cpni_missing", "bdc_dropped", "critical", "multi_deficiency"} <= {
        spec.name for spec in specs
    }
    assert all(spec.description.endswith(".") for spec in specs)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- {name: a_b, title: Tit, description: says nothing at all}", "without a criterion"),
        ("- {name: a_b, title: Tit, description: a word too many, codes: [X]}", "codes"),
        ("- {name: A B, title: Tit, description: a bad name here, codes_any: [RMD_MISSING]}", "name"),
        ("- {name: a_b, title: Tit, description: a bad severity, severities: [awful]}", "severities"),
        ("[]", "list of segments"),
        ("{a: [", "not YAML"),
    ],
)
def test_a_segment_that_says_too_little_or_too_much_is_refused_with_its_fault(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        read_segments(_file(tmp_path, text))


def test_two_segments_of_one_name_are_refused(tmp_path: Path) -> None:
    one = "- {name: twin, title: Tit, description: one of two twins, codes_any: [RMD_MISSING]}\n"
    with pytest.raises(ConfigError, match="twice"):
        read_segments(_file(tmp_path, one + one))


def test_loading_makes_the_table_say_what_the_file_says_and_no_more(db: Database, tmp_path: Path) -> None:
    old = "- {name: gone_soon, title: Old, description: will be dropped, codes_any: [RMD_MISSING]}\n"
    new = "- {name: kept, title: New, description: takes over, min_severity: high, certainty: sure, min_codes: 2}\n"
    load_segments(db, _file(tmp_path, old))
    assert load_segments(db, _file(tmp_path, new)) == 1
    assert load_segments(db, _file(tmp_path, new)) == 1
    with db.connect() as connection:
        rows = connection.execute("select * from pw.segments").fetchall()
    assert [(row["segment"], row["min_severity_rank"], row["sure_only"], row["min_codes"]) for row in rows] == [
        ("kept", 2, True, 2)
    ]
    assert rows[0]["codes_any"] == []


def test_an_unknown_segment_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(UsageError, match="rmd_not_recertified"):
        segment_named("nonsense")
