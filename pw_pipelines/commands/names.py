"""`pw names`: load a state's register of companies from files, and ask whether a name may be had."""

from __future__ import annotations

import getpass
import mimetypes
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer
from rich.markup import escape

from pw_pipelines.commands.output import EXIT_FAILED, emit_json, stdout
from pw_pipelines.errors import SourceRejected, UsageError
from pw_pipelines.registry import coverage
from pw_pipelines.registry.model import EntityForm, NameVerdict
from pw_pipelines.registry.road import Taken, take_in_all
from pw_pipelines.registry.wording import how_alike, status_in_words
from pw_pipelines.resources.fetched import Fetched
from pw_pipelines.runtime.stack import Stack, open_stack
from pw_pipelines.settings import load_settings
from pw_pipelines.sources.register import RegisterFacts, RegisterReader
from pw_pipelines.sources.registers import recognise

if TYPE_CHECKING:
    from pw_pipelines.registry.portal_road import PortalOutcome

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]
HEAD_BYTES = 1 << 16
BRIEFLY_FROM = 5  # states asked at once, from which on each is told in one line


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
        today = stack.settings.clock.today()
        try:
            groups = _by_reader(state, files)
        except SourceRejected as error:  # before anything was kept
            if as_json:
                emit_json(_nothing_taken(stack, state.upper(), files, str(error), time.perf_counter() - begun))
            raise
        stated = _day(as_of, today)
        parcels = [
            (reader, together, _day_of(reader, together, stated, today))
            for reader, group in groups
            for together in ([group] if whole else [[one] for one in group])
        ]
        taken: list[Taken] = []
        for reader, together, day in parcels:
            taken += take_in_all(
                stack.db,
                stack.objects,
                reader.source,
                [Fetched(file, mimetypes.guess_type(file.name)[0] or "application/octet-stream") for file in together],
                as_of=day,
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


@app.command("search")
def search_command(
    name: Annotated[str, typer.Argument(help="The name as it would be filed.")],
    *,
    state: Annotated[
        list[str], typer.Option("--state", help="Two letters; several times, with commas between, or `all`.")
    ],
    form: Annotated[str, typer.Option(help="What is to be formed: llc or corporation.")] = "llc",
    portal: Annotated[
        bool, typer.Option("--portal/--no-portal", help="Ask the portals of states whose register is not held here.")
    ] = True,
    details: Annotated[
        bool, typer.Option("--details", help=f"All of each answer, for {BRIEFLY_FROM} states and more too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Whether a name can be had in a state, by the state's own test: taken, clear, or a person must look."""
    from pw_pipelines.jurisdictions.book import book
    from pw_pipelines.registry.answer import answers, states_of
    from pw_pipelines.registry.portal_road import search_portal

    if form not in get_args(EntityForm):
        raise UsageError(f"--form {form!r} is not one of: {', '.join(get_args(EntityForm))}.")
    codes = states_of(code for one in state for code in one.split(","))
    asks = portal and any(not book()[code].data_source.sources for code in codes)
    with open_stack(load_settings(), sandbox=asks) as stack:
        found = answers(
            stack.db,
            codes,
            name,
            today=stack.settings.clock.today(),
            form=cast("EntityForm", form),
            ask_portal=partial(_ask, stack, search_portal) if asks else None,
        )
    if as_json:
        emit_json(found[0] if len(found) == 1 else {"name": name, "answers": found})
        return
    is_brief = len(found) >= BRIEFLY_FROM
    if is_brief:
        for one in found:
            _show_briefly(one)
        if not details:
            _say("All of each answer: --details, or fewer states.")
            return
    for number, one in enumerate(found):
        if number or is_brief:
            stdout.print()
        _show(one)


def _ask(stack: Stack, search_portal: Callable[..., PortalOutcome], code: str, name: str) -> PortalOutcome:
    return search_portal(stack.db, stack.objects, stack.settings, code, name, now=stack.settings.clock.now())


_COLOURS = {"taken": "red", "clear": "green", "a person must look": "yellow"}


def _show_briefly(one: NameVerdict) -> None:
    reason = escape(one.reasons[0]) if one.reasons else ""
    stdout.print(
        f"{one.state}  [{_COLOURS[one.verdict]}]{one.verdict:<18}[/]  {reason}", soft_wrap=True, highlight=False
    )


def _show(one: NameVerdict) -> None:
    stdout.print(
        f"[bold]{escape(one.name)}[/] in {one.state}: [bold {_COLOURS[one.verdict]}]{one.verdict}[/]", highlight=False
    )
    for reason in one.reasons:
        _say(f"  {reason}")
    _say(f"rule        {one.rule} {one.statute}")
    _say(f"compared as {one.keys['asked']}")
    if "asked_loose" in one.keys:
        _say(f"            or, if unconfirmed points are ignored too: {one.keys['asked_loose']}")
    for each in one.blocking:
        _say(f"in the way  {each.id}  {each.name}  ({status_in_words(each.status)})  compared as {each.key}")
    for near in one.near:
        _say(f"near        {near.id}  {near.name}  ({how_alike(near.how)})")
    for word in one.restricted:
        _say("word        " + ", ".join(f"{value}" for value in word.values() if value))
    for point in one.unconfirmed:
        _say(f"unconfirmed {point}")
    _say(f"data        {one.data['rows']:,} names, as of {one.data['as_of'] or 'no day: nothing whole is held'}")
    gaps = one.data["gaps"]
    for gap in gaps if isinstance(gaps, list) else []:
        _say(f"gap         {gap}")
    if one.look:
        _say(f"look        {one.look}")


def _by_reader(state: str, files: list[Path]) -> list[tuple[RegisterReader, list[Path]]]:
    """Every file with the reader it is for, files of one register together; nothing is read further than its head."""
    found: dict[str, tuple[RegisterReader, list[Path]]] = {}
    for file in files:
        if not _is_text(file.name):
            raise UsageError(f"The name of {file.name!a} is no text (not UTF-8), so it cannot be kept. Rename it.")
        with file.open("rb") as raw:
            reader = recognise(state, raw.read(HEAD_BYTES), file.name)
        found.setdefault(reader.source, (reader, []))[1].append(file)
    return list(found.values())


def _day_of(reader: RegisterReader, files: list[Path], stated: date | None, today: date) -> date:
    """The day files of one register show: the one stated, else the one the first of them tells, else today.

    Raises UsageError for a daily file under another day than its name's: its own day would stay missing.
    """
    if stated is None:
        return _stated_day(reader, files[0], today) or today
    if reader.share == "increment":
        for file in files:
            named = _stated_day(reader, file, today)
            if named is not None and named != stated:
                raise UsageError(
                    f"{file.name} is the file of {named} by its name, and --as-of says {stated}. Nothing was loaded. "
                    "Leave --as-of away, or put the file's name right."
                )
    return stated


def _stated_day(reader: RegisterReader, file: Path, today: date) -> date | None:
    """The day a file itself says it is of: told by the time its first block is cut.

    Raises UsageError for a day that has not come: taken as today's it would hide that today's file is missing.
    """
    facts = RegisterFacts()
    try:
        with file.open("rb") as raw:
            next(iter(reader.blocks(raw, facts, file_name=file.name)), None)
    except SourceRejected:
        return None  # grading will say why
    if facts.day is not None and facts.day > today + timedelta(days=1):
        raise UsageError(
            f"{file.name} says it is of {facts.day}, which has not come; today is {today} (America/New_York). Nothing "
            "was loaded. Put its name right, or say its day with --as-of."
        )
    return min(facts.day, today) if facts.day else None


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
    snapshots = list(
        {one.snapshot.snapshot_id: one.snapshot for one in taken}.values()
    )  # a file given twice counts once
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


def _nothing_taken(stack: Stack, state: str, files: list[Path], why: str, seconds: float) -> dict[str, Any]:
    """The answer when a file was refused by its first bytes: the same keys, nothing read and nothing loaded."""
    return {
        "state": state,
        "read": 0,
        "loaded": 0,
        "rejected": 0,
        "control_total": None,
        "seconds": round(seconds, 3),
        "entities": coverage.names(stack.db, state),
        "files": [{"file": file.name, "grade": "rejected", "loaded": False, "reasons": [why]} for file in files],
    }


def _is_text(argument: str) -> bool:
    """Whether words from the command line are text: bytes that are not UTF-8 arrive as halves of characters."""
    return not any("\ud800" <= letter <= "\udfff" for letter in argument)


def _say(line: str) -> None:
    stdout.print(escape(line), soft_wrap=True, highlight=False)
