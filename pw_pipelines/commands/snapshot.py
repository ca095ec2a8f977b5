"""`pw snapshot`: a copy saved by hand goes the same road as a fetched one; list, show and recall snapshots."""

from __future__ import annotations

import getpass
import mimetypes
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from pw_pipelines.commands import snapshot_marts
from pw_pipelines.commands.output import EXIT_FAILED, emit_json, fail, stdout
from pw_pipelines.errors import UsageError
from pw_pipelines.resources.fetched import Fetched
from pw_pipelines.runtime.stack import Stack, open_stack
from pw_pipelines.settings import load_settings
from pw_pipelines.snapshots import books, recall, road
from pw_pipelines.snapshots.model import Snapshot

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]


@app.command("ingest")
def ingest_command(
    source: Annotated[str, typer.Argument(help="fcc_rmd, fcc_form499, fcc_cpni, fcc_bdc or fcc_cores.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The copy as it was sent.")],
    *,
    as_of: Annotated[
        str | None,
        typer.Option(help="Day the copy was made, YYYY-MM-DD. Unset: the day the copy itself states, else today."),
    ] = None,
    expect_rows: Annotated[
        int | None,
        typer.Option(min=1, help="Rows the copy must hold: stands in for the least size of a whole list."),
    ] = None,
    stated_by: Annotated[str | None, typer.Option(help="Who states that total. Unset: the system user.")] = None,
    no_marts: Annotated[bool, typer.Option("--no-marts", help="Load only; do not rebuild findings and leads.")] = False,
    as_json: AsJson = False,
) -> None:
    """Keep, grade and load one copy of a public record, then rebuild findings and leads."""
    with open_stack(load_settings()) as stack:
        today = stack.settings.clock.today()
        day = _day(as_of) or min(road.stated_day(stack.objects, source, file) or today, today)
        if day > today:
            raise UsageError(f"--as-of {day} is in the future; today is {today} (America/New_York).")
        snapshot = road.take(
            stack.db,
            stack.objects,
            source,
            Fetched(file, mimetypes.guess_type(file.name)[0] or "application/octet-stream"),
            as_of=day,
            now=stack.settings.clock.now(),
            origin="ingested",
            stated_by=stated_by or getpass.getuser(),
            expect_rows=expect_rows,
        )
        rebuilt = _put_in_force(stack, [snapshot], marts=not no_marts)
        _answer({**told(books.get(stack.db, snapshot.snapshot_id)), "marts": rebuilt}, as_json)
    _end([snapshot], rebuilt)


@app.command("reparse")
def reparse_command(
    snapshot_id: Annotated[str | None, typer.Argument(help="Unset: whatever a hard stop left ungraded.")] = None,
    no_marts: Annotated[bool, typer.Option("--no-marts", help="Do not rebuild findings and leads.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read raw bytes again with today's reader and rules of grading."""
    with open_stack(load_settings()) as stack:
        now = stack.settings.clock.now()
        if snapshot_id is None:
            read = road.finish_pending(stack.db, stack.objects, now=now)
        else:
            read = [road.reparse(stack.db, stack.objects, snapshot_id, now=now)]
        rebuilt = _put_in_force(stack, read, marts=not no_marts)
        known = [told(books.get(stack.db, snapshot.snapshot_id)) for snapshot in read]
    _answer({"snapshots": known, "marts": rebuilt} if snapshot_id is None else {**known[0], "marts": rebuilt}, as_json)
    _end(read, rebuilt)


@app.command("list")
def list_command(
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, newest first.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every snapshot in the books, newest first, rejected and recalled ones too."""
    with open_stack(load_settings()) as stack:
        found = books.list_snapshots(stack.db, source, limit=limit)
    if as_json:
        emit_json({"snapshots": [told(snapshot) for snapshot in found]})
        return
    # No table of a terminal's width: an id that is cut cannot be given to `show` or `recall`.
    table = [("snapshot", "grade", "rows", "rejected", "in force from")] + [
        (one.snapshot_id, one.grade, f"{one.rows:,}", f"{one.rejected_rows:,}",
         str(one.as_of) if _is_loaded(one) else "")
        for one in found
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        _say("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
    for one in found:
        if not one.is_good:
            _say(f"{one.snapshot_id} is {one.grade}: {'; '.join(_why(one)) or 'not graded yet'}")


@app.command("show")
def show_command(snapshot_id: str, as_json: AsJson = False) -> None:
    """One snapshot: its checks with both numbers, its reasons, the first records that could not be read."""
    with open_stack(load_settings()) as stack:
        snapshot = books.get(stack.db, snapshot_id)
        rejects = books.rejects(stack.db, snapshot_id)
    answer = told(snapshot)
    if as_json:
        emit_json({**answer, "checks": snapshot.checks, "facts": snapshot.facts, "rejects": rejects})
        return
    _answer({**answer, **snapshot.facts}, as_json=False)
    for check in snapshot.checks:
        mark = "ok  " if check.passed else check.severity
        _say(f"  {mark:<5} {check.name:<22} {check.reason}")
    for reject in rejects:
        _say(f"  line {reject['line']}: {reject['reason']} {reject['excerpt']}")


@app.command("recall")
def recall_command(
    snapshot_id: str,
    *,
    reason: Annotated[str, typer.Option(help="Why; people read it afterwards.")],
    by: Annotated[str | None, typer.Option(help="Who takes it back. Unset: the system user.")] = None,
    no_marts: Annotated[bool, typer.Option("--no-marts", help="Do not rebuild findings and leads.")] = False,
    sync: Annotated[bool, typer.Option("--sync", help="Also withdraw from Listmonk now, not at the next run.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a snapshot back with everything that was concluded from it, and say what had already gone out."""
    if sync and no_marts:
        raise UsageError("--sync withdraws by the rebuilt leads; it cannot go with --no-marts.")
    with open_stack(load_settings(), sandbox=sync) as stack:
        report = recall.recall(
            stack.db, snapshot_id, by=by or getpass.getuser(), reason=reason, now=stack.settings.clock.now()
        )
        rebuilt = None
        if not no_marts:
            rebuilt = snapshot_marts.rebuild(stack.db, stack.settings, at_least=report.snapshot.as_of)
        is_built = rebuilt is not None and rebuilt.error is None
        synced = _sync(stack) if sync and is_built else None
        answer = {
            **told(report.snapshot),
            "again": report.again,
            "findings": len(report.findings),
            "findings_by_code": report.findings_by_code,
            "recipients": dict(Counter(one.state for one in report.recipients)),
            "gone_out": report.gone_out,
            "marts": rebuilt,
            "synced": synced,
        }
        if synced is None and report.recipients:
            answer["next"] = "Listmonk is told at the next reconciliation: `pw leads sync`, or the daily run."
    _answer(answer, as_json)
    _end([], rebuilt)


def told(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as the commands tell it; the first seven keys are a contract."""
    return {
        "source": snapshot.source,
        "snapshot_id": snapshot.snapshot_id,
        "as_of": snapshot.as_of,
        "grade": snapshot.grade,
        "rows": snapshot.rows,
        "rejected": snapshot.rejected_rows,
        "reasons": _why(snapshot),
        "layout": snapshot.layout,
        "vintage": snapshot.vintage,
        "proves_absence": snapshot.proves_absence,
        "control_total": snapshot.control_total,
        "stated_total": snapshot.stated_total,
        "stated_by": snapshot.stated_by,
        "origin": snapshot.origin,
        "file_name": snapshot.file_name,
        "digest": snapshot.raw_digest,
        "size_bytes": snapshot.size_bytes,
        "fetched_at": snapshot.fetched_at,
        "loaded": _is_loaded(snapshot),
    }


def _is_loaded(snapshot: Snapshot) -> bool:
    return snapshot.loaded_at is not None and snapshot.recalled_at is None


def _why(snapshot: Snapshot) -> list[str]:
    if snapshot.grade == "recalled":
        taken_back = f"{snapshot.recalled_by} took it back on {snapshot.recalled_at:%Y-%m-%d}: {snapshot.recall_reason}"
        return [taken_back, *snapshot.reasons]
    return list(snapshot.reasons)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--as-of {text!r} is not a day; write it as 2026-11-22.") from None


def _put_in_force(stack: Stack, snapshots: list[Snapshot], *, marts: bool) -> snapshot_marts.Rebuilt | None:
    """Loads the good ones, tells Dagster, rebuilds the marts once. Rejected ones change nothing at all."""
    good = [snapshot for snapshot in snapshots if snapshot.is_good]
    for snapshot in good:
        road.load(stack.db, stack.objects, snapshot.snapshot_id, now=stack.settings.clock.now())
        if (stack.settings.dagster_home / "dagster.yaml").exists():
            from pw_pipelines.assets.runless import report_snapshot

            report_snapshot(books.get(stack.db, snapshot.snapshot_id), db=stack.db)
    if not marts or not good:
        return None
    return snapshot_marts.rebuild(stack.db, stack.settings, at_least=max(snapshot.as_of for snapshot in good))


def _end(snapshots: list[Snapshot], rebuilt: snapshot_marts.Rebuilt | None) -> None:
    """Ends with 1 when a copy was not accepted, or when the marts do not follow what is in the books."""
    if rebuilt is not None and rebuilt.error is not None:
        fail(escape(f"What is said of the snapshot is done; the marts stand as before. {rebuilt.error}"))
    if not all(snapshot.is_good for snapshot in snapshots):
        raise typer.Exit(EXIT_FAILED)


def _sync(stack: Stack) -> object:
    from pw_pipelines.leads.reconcile import sync
    from pw_pipelines.resources.listmonk import Listmonk

    clock = stack.settings.clock
    return sync(stack.db, Listmonk(stack.settings), settings=stack.settings, now=clock.now(), today=clock.today())


def _answer(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit_json(answer)
        return
    width = max(map(len, answer))
    for key, value in answer.items():
        if value in (None, "", [], (), {}):
            continue
        lines = value if isinstance(value, (list, tuple)) else [value]
        for number, line in enumerate(lines):
            _say(f"{key if number == 0 else '':<{width}}  {_in_words(line)}")


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, snapshot_marts.Rebuilt):
        before, after = value.before, value.after
        return (
            f"as of {value.as_of}: findings {before.findings:,} → {after.findings:,}, leads {before.leads:,} → "
            f"{after.leads:,}"
        )
    if isinstance(value, recall.Recipient):
        return f"{value.email} ({value.frn}: {', '.join(value.codes)}), handed to Listmonk {value.synced_at}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {count}" for key, count in value.items())
    return str(value)


def _say(line: str) -> None:
    stdout.print(escape(line), soft_wrap=True, highlight=False)
