"""`pw backup drill` and `pw backup ship`: restore for practice; let the journal leave now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pw_pipelines.commands.output import EXIT_FAILED, emit_json, stderr, stdout
from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.runtime.stack import open_stack
from pw_pipelines.settings import load_settings

app = typer.Typer()


@app.command("drill")
def drill_command(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")] = False,
    keep: Annotated[
        Path | None,
        typer.Option(help="Restore into this new folder and leave it there. It holds personal data in the clear."),
    ] = None,
) -> None:
    """Restore everything from the off-site copy alone into scratch servers, prove it, say what would be lost."""
    from pw_pipelines.backups.drill_book import drill_and_keep
    from pw_pipelines.backups.report import duration

    if keep is not None and keep.exists():
        raise ConfigError(f"{keep} exists; name a new folder.")
    with open_stack(load_settings(), sandbox=True) as stack:
        kept = drill_and_keep(
            stack.settings, stack.db, stack.objects, keep=keep and keep.absolute(),
            say=lambda text: stderr.print(text, highlight=False, markup=False),
        )  # fmt: skip
    drill = kept.drill
    if as_json:
        emit_json({**drill.as_json(), "drill_id": kept.drill_id, "report": kept.report_digest})
    else:
        for one in drill.checks:
            mark = "ok    " if one.ok else "FAILED"
            stdout.print(f"{mark} {one.name}: {one.detail}", highlight=False, markup=False, soft_wrap=True)
        rpo = "not measured" if drill.rpo_seconds is None else duration(drill.rpo_seconds)
        where = f"{stack.settings.public_url}/desk/backups/drills/{kept.drill_id}"
        stdout.print(
            f"RPO {rpo}, RTO {duration(drill.rto_seconds)}; report: {where}",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
    if kept.report_trouble:
        stderr.print(f"The report is not off-site: {kept.report_trouble}", highlight=False, markup=False)
    if not drill.ok:
        raise typer.Exit(EXIT_FAILED)


@app.command("ship")
def ship_command(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")] = False,
    new_line: Annotated[
        bool,
        typer.Option(
            "--new-line",
            help="The database was put back to an older state on purpose: its journal goes on as a line of its own. "
            "What only the old line has stays in the store and comes back by no restore of this database.",
        ),
    ] = False,
    by: Annotated[str, typer.Option(help="Who decides on a new line.")] = "",
    reason: Annotated[str, typer.Option(help="Why the older state is the house's.")] = "",
) -> None:
    """Let every change of money and effects that is still here leave now, and the documents; say what would be lost.

    Exit code 1 when something could not leave.
    """
    from pw_pipelines.backups import journal
    from pw_pipelines.backups.shipping import begin_line, documents_leave, ship_journal

    if new_line and not (by.strip() and reason.strip()):
        raise UsageError("A new line is somebody's decision: --new-line --by WHO --reason WHY.")
    with open_stack(load_settings(), sandbox=True) as stack:
        begun = begin_line(stack.settings, stack.db, by=by.strip(), reason=reason.strip()) if new_line else None
        with stack.db.connect(application="pw-journal") as connection:
            before = journal.lag(connection)
        done = ship_journal(stack.settings, stack.db)
        documents = documents_leave(stack.settings, stack.db, stack.objects)
    ok = done.error is None and (documents is None or documents.error is None)
    if as_json:
        emit_json(
            {"ok": ok, "shipments": done.shipments, "rows": done.rows, "waiting": done.waiting,
             "rpo_seconds": round(before.seconds, 3), "error": done.error, "documents": documents,
             "new_line": begun and begun.line}
        )  # fmt: skip
    else:
        if begun is not None:
            stdout.print(
                f"The journal goes on as line {begun.line}. Only a dump of it can be restored with it: `pw backup run "
                "postgres`, now.",
                highlight=False, markup=False, soft_wrap=True,
            )  # fmt: skip
        stdout.print(
            f"{done.rows} changes left in {done.shipments} shipments; the oldest had waited {before.seconds:.1f} s."
            + (f" {done.waiting} wait: {done.error}" if done.error else ""),
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
        said = "PW_OFFSITE_HOST is not set: documents do not leave." if documents is None else documents.sentence
        stdout.print(said, highlight=False, markup=False, soft_wrap=True)
    if not ok:
        raise typer.Exit(EXIT_FAILED)
