"""`pw names`: load a state's register of companies from files, and ask whether a name may be had."""

from __future__ import annotations

import getpass
import mimetypes
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer
from rich.markup import escape

from pw_pipelines.commands.names_files import Load, loadable_state, parcels_of, shown
from pw_pipelines.commands.output import EXIT_FAILED, emit_json, in_words, refusals_as_json, stdout
from pw_pipelines.errors import PwError, SnapshotError, SourceError, UsageError
from pw_pipelines.registry import coverage
from pw_pipelines.registry.model import EntityForm, NameVerdict
from pw_pipelines.registry.road import take_in_all
from pw_pipelines.registry.wording import how_alike, status_in_words
from pw_pipelines.resources.fetched import Fetched
from pw_pipelines.runtime.stack import Stack, open_stack
from pw_pipelines.settings import load_settings

if TYPE_CHECKING:
    from pw_pipelines.registry.portal_road import PortalOutcome

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]
BRIEFLY_FROM = 5  # states asked at once, from which on each is told in one line


@app.callback()
def names() -> None:
    """Registers of companies: loaded from files, searched for a name."""


@app.command("load")
def load_command(
    state: Annotated[str, typer.Argument(help="FL, CO, NY, OR, PA, CT, IA or IL.")],
    files: Annotated[list[Path], typer.Argument(help="As they came.")],
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
    load = Load(shown(state).strip().upper(), files)
    with refusals_as_json(as_json, load.answer), open_stack(load_settings()) as stack:
        clock = stack.settings.clock
        load.entities = coverage.names(stack.db, load.state)
        code, stated = loadable_state(state), _day(as_of, clock.today())
        parcels, load.refused = parcels_of(code, files, is_whole=whole, stated=stated, today=clock.today())
        for parcel in parcels:
            try:
                taken = take_in_all(
                    stack.db,
                    stack.objects,
                    parcel.reader.source,
                    [
                        Fetched(one, mimetypes.guess_type(one.name)[0] or "application/octet-stream")
                        for one in parcel.files
                    ],
                    as_of=parcel.day,
                    now=clock.now(),
                    origin="ingested",
                    stated_by=stated_by or getpass.getuser(),
                    share="whole" if whole else None,
                    expect_rows=expect_rows,
                    floor_share=stack.settings.register_floor_share,
                )
            except (SnapshotError, SourceError) as error:  # the other parcels are none of its business
                load.refused |= dict.fromkeys(parcel.files, error)
            else:
                load.keep(parcel, taken)
        load.entities = coverage.names(stack.db, load.state)
        if not load.taken:
            raise load.refusal()
        _tell(load.answer(), as_json=as_json)
    if not load.is_all_loaded:
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

    def refused(error: PwError) -> dict[str, Any]:
        return {"name": shown(name), "states": [shown(one) for one in state], "error": in_words(error)}

    with refusals_as_json(as_json, refused):
        if form not in get_args(EntityForm):
            raise UsageError(f"--form {form!r} is not one of: {', '.join(get_args(EntityForm))}.")
        codes = states_of(code for one in state for code in one.split(","))
        if not codes:
            raise UsageError(
                f"--state {','.join(state)!r} names no state. Give two letters, several with commas, or all."
            )
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
        _say(f"in the way  {each.id}  {each.name}  ({status_in_words(each.status)})  compared as "
             + " or ".join(filter(None, (each.key, each.loose_key))))  # fmt: skip
    for near in one.near:
        _say(f"near        {near.id}  {near.name}  ({how_alike(near.how)})")
    for word in one.restricted:
        _say("word        " + ", ".join(f"{value}" for value in word.values() if value))
    for point in one.unconfirmed:
        _say(f"unconfirmed {point}")
    _say(f"data        {one.data['rows']:,} names, as of {one.data['as_of'] or 'no day: nothing whole is held'}")
    gaps = one.data["gaps"]
    for gap in gaps if isinstance(gaps, list) else []:
        if not any(str(gap) in reason for reason in one.reasons):
            _say(f"gap         {gap}")
    if one.look:
        _say(f"look        {one.look}")


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


def _tell(answer: Mapping[str, Any], *, as_json: bool) -> None:
    """What came of a load: each file in a line, its reasons below."""
    if as_json:
        emit_json(answer)
        return
    for one in answer["files"]:
        if "source" in one:
            done = "loaded" if one["loaded"] else "NOT loaded"
            _say(f"{one['file']}  {one['source']} {one['as_of']}: {one['grade']}, {done}; {one['read']:,} records, "
                 f"{one['rejected']:,} could not be read")  # fmt: skip
        else:
            _say(f"{one['file']}  NOT loaded")
        for reason in one["reasons"]:
            _say(f"  {reason}")
    _say(f"{answer['state']}: {answer['entities']:,} names can be searched; {answer['seconds']:.1f} s")


def _say(line: str) -> None:
    stdout.print(escape(line), soft_wrap=True, highlight=False)
