"""Dated copies of public records: fetched on their day, kept for ever, graded by blocking checks.

A copy that fails a check is kept and shown but stops everything after it; what was in force before stays so.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from pw_pipelines.assets.questions import questions
from pw_pipelines.assets.subjects import Subject
from pw_pipelines.assets.tables import markdown_table
from pw_pipelines.assets.verdicts import retry_policy, verdicts
from pw_pipelines.settings import Settings
from pw_pipelines.sources.contract import SourceContract, contract

if TYPE_CHECKING:
    from pw_pipelines.resources.fcc_sites import FccSites
    from pw_pipelines.resources.fetched import Fetched
    from pw_pipelines.snapshots.model import CheckResult, Snapshot

RESOURCES = {"settings", "db", "objects", "fcc"}
GROUP = "fcc"
TEAM = "team:data"
GRADED = "graded"

# (clients, folder to write into, partition key) -> the copy
Fetch = Callable[["FccSites", Path, str], "Fetched"]
# One step's work: the partition's snapshot, or None when nothing had to be asked
Take = Callable[[dg.AssetExecutionContext], "Snapshot | None"]


def raw_asset(
    subject: Subject,
    take: Take,
    settings: Settings,
    *,
    partitions_def: dg.PartitionsDefinition[Any],
    deps: Iterable[str] = (),
) -> dg.AssetsDefinition:
    """The asset of a source's copies; `take` makes one partition's snapshot."""
    promise = contract(subject.source)

    @dg.asset(
        name=subject.raw_key,
        description=_description(promise),
        partitions_def=partitions_def,
        deps=list(deps),
        group_name=GROUP,
        owners=[TEAM],
        kinds={"http"},
        tags={"pw/source": subject.source, "pw/layer": "raw"},
        freshness_policy=freshness(promise),
        check_specs=[graded_spec(subject)],
        retry_policy=retry_policy(settings),
        required_resource_keys=RESOURCES,
        metadata={"source": dg.MetadataValue.url(promise.landing_page), "licence": promise.licence},
    )
    def _raw(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
        with verdicts():
            snapshot = take(context)
        if snapshot is None:
            return nothing_asked(promise, "Nothing had to be asked today.")
        context.log.info("%s is %s: %s rows, %s rejected", snapshot.snapshot_id, snapshot.grade, snapshot.rows,
                         snapshot.rejected_rows)  # fmt: skip
        verdict, *answers = check_results(snapshot, promise)
        for answer in answers:
            context.log_event(evaluation(subject.raw_key, answer))
        return dg.MaterializeResult(metadata=snapshot_metadata(snapshot, promise), check_results=[verdict])

    return _raw


def answers_asset_checks(subject: Subject) -> dg.AssetChecksDefinition:
    """The grader's questions as checks of a source's copies.

    The copy's own step tells the answers as it grades. A step of their own, in no job, is for a person who asks again:
    Dagster shows a check that a failed run had planned and never reached as failed, and a rejected copy fails its run.
    """
    promise = contract(subject.source)

    @dg.multi_asset_check(
        name=f"{subject.raw_key}_answers",
        specs=[
            dg.AssetCheckSpec(name, asset=subject.raw_key, description=text)
            for name, text in questions(promise).items()
        ],
        can_subset=True,
        required_resource_keys={"db"},
    )
    def _answers(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        from pw_pipelines.snapshots import books

        wanted = {key.name for key in context.selected_asset_check_keys}
        newest = books.list_snapshots(context.resources.db, subject.source, limit=1)
        for answer in [each for one in newest for each in check_results(one, promise)]:
            if answer.check_name in wanted:
                yield answer

    return _answers


def answer_checks(subject: Subject) -> list[dg.AssetCheckKey]:
    """The questions' checks: what a job leaves out of its plan."""
    return [dg.AssetCheckKey(dg.AssetKey(subject.raw_key), name) for name in questions(contract(subject.source))]


def evaluation(key: str, result: dg.AssetCheckResult) -> dg.AssetCheckEvaluation:
    """A result as an event that no plan has announced."""
    assert result.check_name is not None  # ours always are named
    return dg.AssetCheckEvaluation(
        check_name=result.check_name,
        asset_key=dg.AssetKey(key),
        passed=result.passed,
        severity=result.severity,
        description=result.description,
        metadata=result.metadata,
        blocking=True,
    )


def of_the_day(subject: Subject, fetch: Fetch) -> Take:
    """Fetches today's copy; an earlier day is read again from what was stored on it.

    A vintage can be fetched on any day: its as-of day is the day it was fetched.
    """

    def take(context: dg.AssetExecutionContext) -> "Snapshot":
        settings: Settings = context.resources.settings
        today = settings.clock.today()
        day = today if subject.is_vintage else date.fromisoformat(context.partition_key)
        if day != today:
            return read_again(context, subject, day)
        with scratch(settings) as folder:
            return keep(context, subject, fetch(context.resources.fcc, folder, context.partition_key), day)

    return take


def keep(context: dg.AssetExecutionContext, subject: Subject, fetched: "Fetched", day: date) -> "Snapshot":
    """Raw bytes into the store, then graded."""
    from pw_pipelines.snapshots import road

    resources = context.resources
    for note in fetched.notes:
        context.log.info(note)
    return road.take(
        resources.db, resources.objects, subject.source, fetched, as_of=day, now=resources.settings.clock.now()
    )


def read_again(context: dg.AssetExecutionContext, subject: Subject, day: date) -> "Snapshot":
    """Reads and grades the newest copy stored for `day` again from raw: yesterday's cannot be fetched today.

    Raises Failure when nothing was stored on that day.
    """
    from pw_pipelines.snapshots import books, road

    resources = context.resources
    stored = next((one for one in books.list_snapshots(resources.db, subject.source) if one.as_of == day), None)
    if stored is None:
        today = resources.settings.clock.today()
        when = "has not come yet" if day > today else "is over, and no copy was stored on it"
        raise dg.Failure(
            description=f"{subject.raw_key}: {day} {when} (today is {today}, America/New_York). A public record can "
            f"only be fetched on its day. A copy saved by hand goes in with "
            f"`pw snapshot ingest {subject.source} FILE --as-of {day}`.",
            allow_retries=False,
        )
    context.log.info("%s is over: reading %s again from the object store.", day, stored.snapshot_id)
    return road.reparse(resources.db, resources.objects, stored.snapshot_id, now=resources.settings.clock.now())


@contextmanager
def scratch(settings: Settings) -> Iterator[Path]:
    """A folder under PW_HOME for one step's downloads, gone when the step ends."""
    parent = settings.home / "tmp"
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=parent) as folder:
        yield Path(folder)


def _description(promise: SourceContract) -> str:
    return (
        f"{promise.title}, as published by {promise.publisher} ({promise.cadence}). One partition is one dated "
        f"copy: the exact bytes, kept for ever. One row of it is {promise.one_row}\n\nA copy that fails a check is "
        "kept and shown, but never loaded; the one in force before stays in force."
    )


def freshness(promise: SourceContract) -> dg.FreshnessPolicy:
    """From the contract's hours."""
    return dg.FreshnessPolicy.time_window(
        warn_window=timedelta(hours=promise.freshness.warn_hours),
        fail_window=timedelta(hours=promise.freshness.fail_hours),
    )


def graded_spec(subject: Subject) -> dg.AssetCheckSpec:
    """The check that stops everything after a copy that may not be used."""
    return dg.AssetCheckSpec(
        GRADED,
        asset=subject.raw_key,
        description="The copy may be used: graded complete or partial.",
        blocking=True,
    )


def check_results(snapshot: "Snapshot", promise: SourceContract) -> list[dg.AssetCheckResult]:
    """The verdict, and the answer to each question that was asked. One that was not has no answer and is left out."""
    promised = questions(promise)
    return [_verdict(snapshot), *(_result(check) for check in snapshot.checks if check.name in promised)]


def _verdict(snapshot: "Snapshot") -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=GRADED,
        passed=snapshot.is_good,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(snapshot.reasons) or f"Graded {snapshot.grade}.",
        metadata={"grade": snapshot.grade, "snapshot": snapshot.snapshot_id},
    )


def _result(check: "CheckResult") -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=check.name,
        passed=check.passed,
        severity=dg.AssetCheckSeverity.ERROR if check.severity == "error" else dg.AssetCheckSeverity.WARN,
        description=check.reason,
        metadata={"observed": check.observed, "expected": check.expected},
    )


def nothing_asked(promise: SourceContract, text: str) -> dg.MaterializeResult[Any]:
    """The result of a step that needed no copy; `text` says why."""
    return dg.MaterializeResult(
        metadata={"dagster/row_count": 0, "source": dg.MetadataValue.url(promise.landing_page), "note": text},
        check_results=[dg.AssetCheckResult(check_name=GRADED, passed=True, description=text)],
    )


def snapshot_metadata(snapshot: "Snapshot", promise: SourceContract) -> Mapping[str, Any]:
    """What a person wants to know of a copy, without opening it."""
    checks = markdown_table(
        ("check", "passed", "observed", "expected"),
        [(check.name, "yes" if check.passed else check.severity.upper(), check.observed, check.expected)
         for check in snapshot.checks],
    )  # fmt: skip
    reasons = "\n".join(f"- {reason}" for reason in snapshot.reasons) or "none"
    return {
        "dagster/row_count": snapshot.rows,
        "snapshot": snapshot.snapshot_id,
        "grade": snapshot.grade,
        "as_of": snapshot.as_of.isoformat(),
        "vintage": snapshot.vintage or "",
        "rejected_rows": snapshot.rejected_rows,
        "size_bytes": snapshot.size_bytes,
        "digest_sha256": snapshot.raw_digest,
        "layout": snapshot.layout or "",
        "newest_row_on": snapshot.newest_on.isoformat() if snapshot.newest_on else "",
        "origin": snapshot.origin,
        "source": dg.MetadataValue.url(promise.landing_page),
        "reasons": dg.MetadataValue.md(reasons),
        "checks": dg.MetadataValue.md(checks),
    }
