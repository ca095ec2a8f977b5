"""What a failed build says: never nothing, whatever dbt gives back."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.cli.main import dbtRunner

from pw_pipelines.compliance import dbt_run
from pw_pipelines.compliance.dbt_run import NodeResult, run_phase, why_not_built
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import PwError

AS_OF = date(2026, 11, 23)


class _Interrupted(BaseException):
    """As Dagster interrupts a run: no Exception, and without words."""


def _node(name: str, status: str, message: str = "") -> NodeResult:
    return NodeResult(name, "model", status, None, 0.1, message)


def _build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **came: Any) -> list[NodeResult]:
    given = SimpleNamespace(**{"success": False, "exception": None, "result": None} | came)
    monkeypatch.setattr(dbtRunner, "invoke", lambda *_: given)
    monkeypatch.setattr(dbt_run, "_manifest", lambda _: SimpleNamespace(nodes={}, sources={}))
    return run_phase(Database("postgresql://nobody@127.0.0.1:1/nothing"), tmp_path, "phase_commerce", AS_OF, None)


def test_what_failed_is_said_in_dbt_s_words_and_what_hangs_on_it_is_not() -> None:
    nodes = [_node("orders", "error", "relation is missing"), _node("money", "skipped")]
    assert why_not_built(nodes, None, ["relation is missing"]) == "model orders: relation is missing"


def test_an_exception_without_words_is_said_by_its_kind() -> None:
    assert why_not_built([], TimeoutError(), []) == "TimeoutError"
    assert why_not_built([], TimeoutError("no answer"), []) == "TimeoutError: no answer"


def test_what_was_left_out_and_what_dbt_complained_of_is_said_where_nothing_failed() -> None:
    said = why_not_built([_node("orders", "success"), _node("money", "skipped")], None, ["cannot connect\n"])
    assert said == "not built: model money (skipped); cannot connect"


def test_a_failure_without_a_word_says_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(PwError, match=r"not built \(phase_commerce\): dbt called it failed without a word"):
        _build(monkeypatch, tmp_path)


def test_an_interrupted_build_is_interrupted_and_not_called_a_fault_of_the_models(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(_Interrupted):
        _build(monkeypatch, tmp_path, exception=_Interrupted())
