"""What the grader asks is what Dagster shows, question by question."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pw_pipelines.assets.questions import ALWAYS, FILL, questions
from pw_pipelines.assets.raw import GRADED, check_results, check_specs
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
def test_every_source_has_blocking_checks(source: str) -> None:
    specs = check_specs(SUBJECTS[source], contract(source))
    assert {spec.name for spec in specs} == {GRADED, *questions(contract(source))}
    assert all(spec.blocking and spec.description for spec in specs)
    assert [spec.name for spec in specs if spec.name.startswith(FILL)], (
        "a column that must be filled is a check of its own"
    )


def test_a_good_copy_passes_every_promised_check(way: Road, whole: bytes) -> None:  # noqa: F811
    promise = contract("fcc_rmd")
    results = check_results(way.take(whole), promise)
    assert [one.check_name for one in results] == [GRADED, *questions(promise)]
    assert all(one.passed for one in results)


def test_questions_that_were_never_reached_are_not_said_to_have_passed(way: Road) -> None:  # noqa: F811
    results = check_results(way.take(b"<html>Back soon.</html>"), contract("fcc_rmd"))
    by_name = {one.check_name: one for one in results}
    assert not by_name[GRADED].passed
    assert not by_name["readable"].passed
    assert not by_name["rows_floor"].passed
    assert "Not reached" in str(by_name["rows_floor"].description)
