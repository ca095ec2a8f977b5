"""`pw names`: load a state's register of companies from files, and ask whether a name may be had."""

from __future__ import annotations

import getpass
import mimetypes
import time
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from pw_pipelines.commands.output import EXIT_FAILED, emit_json, stdout
from pw_pipelines.errors import SourceRejected, UsageError
from pw_pipelines.registry import coverage
from pw_pipelines.registry.road import Taken, take_in_all
from pw_pipelines.resources.fetched import Fetched
from pw_pipelines.runtime.stack import Stack, open_stack
from pw_pipelines.settings import load_settings
from pw_pipelines.sources.register import RegisterFacts, RegisterReader
from pw_pipelines.sources.registers import recognise

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]
HEAD_BYTES = 1 << 16


@app.callback()
def names() -> None:
    """Registers of companies: loaded from files, searched for a name."""


@app.command("load")
def load_command(
    state: Annotated[str, typer.Argument(help="FL, CO, NY, OR, PA, CT, IA or IL.")],
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="As they came.")],
    *,
    as_of: Annotated[
        str | None, typer.Option(help="Day the files show, YYYY-MM-DD. Unset: the day they state, else today.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Together these files are a register whole: they replace what stands here.")
    ] = False,
    expect_rows: Annotated[
        int | None, typer.Option(min=1, help="Records each file must hold: stands in for the least size of a register.")
    ] = None,
    stated_by: Annotated[str | None, typer.Option(help="Who states it. Unset: the system user.")] = None,
    as_json: AsJson = False,
) -> None:
    """Keep, grade and load files of a state's register: each whole, or not at all."""
    begun = time.perf_counter()
    with open_stack(load_settings()) as stack:
        groups = _by_reader(state, files)
        today = stack.settings.clock.today()
        stated = _day(as_of, today)
        taken: list[Taken] = []
        for reader, group in groups:
            for together in [group] if whole else [[one] for one in group]:
                taken += take_in_all(
                    stack.db,
                    stack.objects,
                    reader.source,
                    [
                        Fetched(file, mimetypes.guess_type(file.name)[0] or "application/octet-stream")
                        for file in together
                    ],
                    as_of=stated or min(_stated_day(reader, together[0]) or today, today),
                    now=stack.settings.clock.now(),
                    origin="ingested",
                    stated_by=stated_by or getpass.getuser(),
                    share="whole" if whole else None,
                    expect_rows=expect_rows,
                    floor_share=stack.settings.register_floor_share,
                )
        _answer(stack, state.upper(), taken, time.perf_counter() - begun, as_json)
    if not all(one.snapshot.is_good and one.snapshot.loaded_at for one in taken):
        raise typer.Exit(EXIT_FAILED)


def _by_reader(state: str, files: list[Path]) -> list[tuple[RegisterReader, list[Path]]]:
    """Every file with the reader it is for, files of one register together; nothing is read further than its head."""
    found: dict[str, tuple[RegisterReader, list[Path]]] = {}
    for file in files:
        with file.open("rb") as raw:
            reader = recognise(state, raw.read(HEAD_BYTES), file.name)
        found.setdefault(reader.source, (reader, []))[1].append(file)
    return list(found.values())


def _stated_day(reader: RegisterReader, file: Path) -> date | None:
    """The day a file itself says it is of: told by the time its first block is cut."""
    facts = RegisterFacts()
    try:
        with file.open("rb") as raw:
            next(iter(reader.blocks(raw, facts, file_name=file.name)), None)
    except SourceRejected:
        return None  # grading will say why
    return facts.day


def _day(text: str | None, today: date) -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--as-of {text!r} is not a day; write it as 2026-11-22.") from None
    if day > today:
        raise UsageError(f"--as-of {day} is in the future; today is {today} (America/New_York).")
    return day


def _answer(stack: Stack, state: str, taken: list[Taken], seconds: float, as_json: bool) -> None:
    snapshots = [one.snapshot for one in taken]
    totals = [one.control_total for one in snapshots]
    answer: dict[str, Any] = {
        "state": state,
        "read": sum(one.rows + one.rejected_rows for one in snapshots),
        "loaded": sum(one.rows for one in snapshots if one.is_good and one.loaded_at),
        "rejected": sum(one.rejected_rows + (0 if one.is_good and one.loaded_at else one.rows) for one in snapshots),
        "control_total": sum(one for one in totals if one is not None) if None not in totals else None,
        "seconds": round(seconds, 3),
        "entities": coverage.names(stack.db, state),
        "files": [
            {
                "file": one.snapshot.file_name,
                "source": one.snapshot.source,
                "snapshot_id": one.snapshot.snapshot_id,
                "as_of": one.snapshot.as_of,
                "grade": one.snapshot.grade,
                "share": one.share,
                "read": one.snapshot.rows + one.snapshot.rejected_rows,
                "rejected": one.snapshot.rejected_rows,
                "control_total": one.snapshot.control_total,
                "loaded": one.snapshot.loaded_at is not None,
                "reasons": one.snapshot.reasons,
            }
            for one in taken
        ],
    }
    if as_json:
        emit_json(answer)
        return
    for one in answer["files"]:
        done = "loaded" if one["loaded"] else "NOT loaded"
        _say(f"{one['file']}  {one['source']} {one['as_of']}: {one['grade']}, {done}; {one['read']:,} records, "
             f"{one['rejected']:,} could not be read")  # fmt: skip
        for reason in one["reasons"]:
            _say(f"  {reason}")
    _say(f"{state}: {answer['entities']:,} names can be searched; {answer['seconds']:.1f} s")


def _say(line: str) -> None:
    stdout.print(escape(line), soft_wrap=True, highlight=False)
