"""What the grader asks is what Dagster shows, question by question."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pw_pipelines.assets.questions import ALWAYS, FILL, questions
from pw_pipelines.assets.raw import GRADED, answers_asset_checks, check_results
from pw_pipelines.assets.subjects import SUBJECTS
from pw_pipelines.snapshots import grading, grading_dates
from pw_pipelines.sources.contract import contract
from tests.snapshots.conftest import way, whole  # noqa: F401  # fixtures of the road
from tests.snapshots.copies import Road


def names_in(module: object) -> set[str]:
    """First arguments of CheckResult(…) and of helpers that pass one on, as written in the grader's source."""
    tree = ast.parse(Path(str(module.__file__)).read_text())  # type: ignore[attr-defined]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            first = node.args[0]
            if node.func.id in {"CheckResult", "_no_step_back"} and isinstance(first, ast.Constant):
                found.add(str(first.value))
    return found


def test_every_question_of_the_grader_is_an_asset_check() -> None:
    assert names_in(grading) | names_in(grading_dates) == set(ALWAYS)


@pytest.mark.parametrize("source", sorted(SUBJECTS))
def test_every_question_of_a_source_is_a_check_of_its_own(source: str) -> None:
    specs = list(answers_asset_checks(SUBJECTS[source]).check_specs)
    assert {spec.name for spec in specs} == set(questions(contract(source)))
    assert all(spec.description for spec in specs)
    assert [spec.name for spec in specs if spec.name.startswith(FILL)], (
        "a column that must be filled is a check of its own"
    )


def test_a_good_copy_passes_every_check_it_was_asked(way: Road, whole: bytes) -> None:  # noqa: F811
    results = check_results(way.take(whole), contract("fcc_rmd"))
    assert results[0].check_name == GRADED
    assert {"rows_floor", "unique_keys", f"{FILL}frn"} <= {str(one.check_name) for one in results}
    assert all(one.passed for one in results)


def test_questions_that_were_never_reached_have_no_answer(way: Road) -> None:  # noqa: F811
    results = check_results(way.take(b"<html>Back soon.</html>"), contract("fcc_rmd"))
    failed = {one.check_name for one in results if not one.passed}
    assert failed == {GRADED, "readable", "bytes_floor"}
    assert "rows_floor" not in {one.check_name for one in results}
