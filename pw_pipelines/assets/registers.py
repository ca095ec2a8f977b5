"""The states' registers of companies: every copy, graded by blocking checks, and what stands in each register.

A copy is read once and put in force in one transaction, while the register before it serves. A rejected copy is kept
and shown; the register stays as it was, with its age on display.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import dagster as dg
import yaml

from pw_pipelines.assets.raw import (
    TEAM,
    answer_checks,
    answers_asset_checks,
    check_results,
    evaluation,
    freshness,
    graded_spec,
    nothing_asked,
    scratch,
    snapshot_metadata,
)
from pw_pipelines.assets.subjects import Subject
from pw_pipelines.assets.tables import APPLICATION, TableColumns, markdown_table
from pw_pipelines.assets.verdicts import retry_policy, verdicts
from pw_pipelines.settings import Settings
from pw_pipelines.sources.contract import SourceContract, contract

if TYPE_CHECKING:
    from pw_pipelines.db.connection import Database
    from pw_pipelines.resources.fetched import Fetched
    from pw_pipelines.resources.florida_sftp import FloridaSftp
    from pw_pipelines.snapshots.model import Snapshot
    from pw_pipelines.sources.register import Share

GROUP = "registry"
ALL_COUNTED = "all_rows_counted"
RESOURCES = {"settings", "db", "objects", "registers"}
PREVIEW = ("entity_id", "name", "name_kind", "form", "status", "standing", "formed_on", "place")
REJECTED_IS_TRIED_AGAIN = timedelta(days=7)
EMPTY_IS_BELIEVED = timedelta(days=2)  # an upload that failed is put right by then
CHANGES_SHOWN = timedelta(days=30)


@dataclass(frozen=True)
class Register:
    """One state's register: its whole sources, those that bring each day's news, and what it is fetched by."""

    state: str
    whole: tuple[str, ...]
    daily: tuple[str, ...] = ()
    kind: str = "http"

    @property
    def key(self) -> str:
        return f"register_{self.state.lower()}"

    @property
    def raw_keys(self) -> list[str]:
        return [_subject(source).raw_key for source in (*self.whole, *self.daily)]


FLORIDA = Register(
    "FL",
    ("sunbiz_cor", "sunbiz_events", "sunbiz_fic"),
    ("sunbiz_cor_daily", "sunbiz_events_daily", "sunbiz_fic_daily"),
    kind="sftp",
)
REGISTERS: dict[str, Register] = {
    register.state: register
    for register in (
        FLORIDA,
        *(Register(code, (f"socrata_{code.lower()}",)) for code in ("CO", "NY", "OR", "PA", "CT")),
        Register("IA", ("iowa_hub",)),
    )
}

# One step's work: the copies it took in, oldest first; none when nothing new lay there
Take = Callable[[dg.AssetExecutionContext], "list[Snapshot]"]


def _subject(source: str) -> Subject:
    return Subject(source, "entities", "entities")


def assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Copies of every register that may be fetched, and each state's register."""
    found = []
    for register in REGISTERS.values():
        found += [_raw_asset(source, _whole(source), register, settings) for source in register.whole]
        found += [_raw_asset(source, _days(source), register, settings) for source in register.daily]
        found.append(_register_asset(register))
    return found


def checks() -> list[dg.AssetChecksDefinition]:
    """What every copy is asked, as checks."""
    return [answers_asset_checks(_subject(source)) for source in _sources()]


def checks_outside_jobs() -> list[dg.AssetCheckKey]:
    """Checks that a job leaves out of its plan: the copy's own step tells their answers."""
    return [key for source in _sources() for key in answer_checks(_subject(source))]


def _sources() -> list[str]:
    return [source for register in REGISTERS.values() for source in (*register.whole, *register.daily)]


@lru_cache(maxsize=1)
def columns() -> TableColumns:
    """register_columns.yaml."""
    text = (resources.files("pw_pipelines.assets") / "register_columns.yaml").read_text(encoding="utf-8")
    return TableColumns.model_validate(yaml.safe_load(text))


# -- copies -------------------------------------------------------------------------------------------------------


def _raw_asset(source: str, take: Take, register: Register, settings: Settings) -> dg.AssetsDefinition:
    promise, subject = contract(source), _subject(source)

    @dg.asset(
        name=subject.raw_key,
        description=f"{promise.title}, as published by {promise.publisher}. {promise.cadence} One row is "
        f"{promise.one_row} Every copy's exact bytes are kept for ever; a good one goes into `registry.entities` "
        f"({register.state}) in one transaction. A copy that fails a check is kept and shown, never loaded.",
        group_name=GROUP,
        owners=[TEAM],
        kinds={register.kind, "postgres"},
        tags={"pw/source": source, "pw/layer": "raw", "pw/state": register.state.lower()},
        freshness_policy=freshness(promise),
        check_specs=[graded_spec(subject)],
        retry_policy=retry_policy(settings),
        required_resource_keys=RESOURCES,
        metadata={"source": dg.MetadataValue.url(promise.landing_page), "licence": promise.licence},
    )
    def _raw(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
        with verdicts():
            taken = take(context)
        if not taken:
            return _nothing_new(context.resources.db, promise)
        verdict, *answers = _together(taken, promise)
        for answer in answers:
            context.log_event(evaluation(subject.raw_key, answer))
        return dg.MaterializeResult(
            metadata={**snapshot_metadata(taken[-1], promise), "copies": _copies_table(taken)},
            check_results=[verdict],
        )

    return _raw


def _nothing_new(db: "Database", promise: SourceContract) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
    """The result of a step that had nothing to fetch: it goes on telling of the copy that is in force."""
    from pw_pipelines.snapshots import books

    result = nothing_asked(promise, "Nothing newer than what is in force lay there.")
    standing = books.current(db, promise.source)
    if standing is None:
        return result
    told = {**(result.metadata or {}), **snapshot_metadata(standing, promise)}
    return dg.MaterializeResult(metadata=told, check_results=result.check_results)


def _whole(source: str) -> Take:
    """The whole register, unless the site tells beforehand that it has none newer than ours."""

    def take(context: dg.AssetExecutionContext) -> "list[Snapshot]":
        from pw_pipelines.resources.florida_sftp import QUARTERLY

        sites, settings = context.resources.registers, context.resources.settings
        if source in QUARTERLY:
            lies_there, have = sites.florida.quarterly(source), newest_whole(context.resources.db, source)
            if have is not None and lies_there.as_of is not None and have >= lies_there.as_of:
                context.log.info("%s: the file there is of %s, ours of %s.", source, lies_there.as_of, have)
                return []
        with scratch(settings) as folder:
            return [_take_in(context, source, sites.fetch_whole(source, folder))]

    return take


def _days(source: str) -> Take:
    """Every daily file that lies there and that we lack, oldest first."""

    def take(context: dg.AssetExecutionContext) -> "list[Snapshot]":
        settings: Settings = context.resources.settings
        florida: FloridaSftp = context.resources.registers.florida
        today = settings.clock.today()
        taken = []
        for day in days_wanted(context.resources.db, florida, source, today):
            with scratch(settings) as folder:
                fetched = florida.fetch_day(source, folder, day)
                # The reader believes no empty file; its size was told by the server and agreed with what came.
                is_empty = not fetched.path.stat().st_size
                if is_empty and day > today - EMPTY_IS_BELIEVED:
                    continue
                taken.append(_take_in(context, source, fetched, share="increment" if is_empty else None))
        return taken

    return take


def days_wanted(db: "Database", florida: "FloridaSftp", source: str, today: date) -> list[date]:
    """Days of a daily set to fetch: those that lie there, from the last whole copy on, and are not held whole.

    Without a whole copy of ours the day of the one that lies there counts. Nothing that a person loaded stands in the
    way of the server's file. One that we had from the server and that is no whole day is not fetched again while it
    lies there in the same size; a rejected one is, for a week. A file of a day to come waits for its day, an empty one
    for two days more; one that was believed to be empty is fetched when records came after all.
    """
    from pw_pipelines.registry import coverage
    from pw_pipelines.resources.florida_sftp import days_to_fetch
    from pw_pipelines.snapshots import books

    whole_source = source.removesuffix("_daily")
    since = newest_whole(db, whole_source) or florida.quarterly(whole_source).as_of
    lies_there = {
        day: file
        for day, file in florida.days(source).items()
        if day <= (today if file.size else today - EMPTY_IS_BELIEVED)
    }
    with db.connect(application=APPLICATION) as connection:
        sizes = coverage.days_held(connection, source)
    held = {day for day, size in sizes.items() if size or day not in lies_there or not lies_there[day].size}
    given_up = {
        one.as_of
        for one in books.list_snapshots(db, source)
        if one.origin == "fetched"
        and one.as_of in lies_there
        and lies_there[one.as_of].size == one.size_bytes  # else what lies there now is another file
        and (
            one.loaded_at is not None
            or one.grade == "recalled"
            or (one.grade == "rejected" and one.as_of < today - REJECTED_IS_TRIED_AGAIN)
        )
    }
    return days_to_fetch(held | given_up, lies_there, since)


def newest_whole(db: "Database", source: str) -> date | None:
    """The day of the newest whole copy of a source that was put in force."""
    from pw_pipelines.registry import coverage

    with db.connect(application=APPLICATION) as connection:
        return coverage.newest_whole(connection, source)


def _take_in(
    context: dg.AssetExecutionContext, source: str, fetched: "Fetched", *, share: "Share | None" = None
) -> "Snapshot":
    """A copy by a later day than ours (a site's clock) counts as today's. `share`: where we know better than it."""
    from pw_pipelines.registry import road

    house: Settings = context.resources.settings
    today = house.clock.today()
    snapshot = road.take_in(
        context.resources.db,
        context.resources.objects,
        source,
        fetched,
        as_of=min(fetched.as_of or today, today),
        now=house.clock.now(),
        share=share,
        floor_share=house.register_floor_share,
    )
    context.log.info("%s is %s: %s rows, %s rejected. %s", snapshot.snapshot_id, snapshot.grade, snapshot.rows,
                     snapshot.rejected_rows, " ".join(fetched.notes))  # fmt: skip
    return snapshot


def _together(taken: "Sequence[Snapshot]", promise: SourceContract) -> list[dg.AssetCheckResult]:
    """One result per check over all copies of a step: that of the first copy that failed it, else the last one's."""
    found: dict[str, dg.AssetCheckResult] = {}
    for result in (result for one in taken for result in check_results(one, promise)):
        name = str(result.check_name)
        if name not in found or found[name].passed:
            found[name] = result
    return list(found.values())


def _copies_table(taken: "Sequence[Snapshot]") -> dg.MarkdownMetadataValue:
    rows = [(one.as_of, one.grade, f"{one.rows:,}", one.rejected_rows, one.snapshot_id) for one in taken]
    return dg.MetadataValue.md(markdown_table(("as of", "grade", "rows", "rejected", "snapshot"), rows))


# -- registers ----------------------------------------------------------------------------------------------------


def _register_asset(register: Register) -> dg.AssetsDefinition:
    promise = contract(register.whole[0])
    schema = columns().schema_metadata()

    @dg.asset(
        name=register.key,
        description=f"{register.state}'s companies in `registry.entities`: one row is one name on the register, live "
        "or not. Names are searched here; how old the data is, and what is missing of it, stands beside every answer.",
        deps=register.raw_keys,
        group_name=GROUP,
        owners=[TEAM],
        kinds={"postgres"},
        tags={"pw/layer": "register", "pw/state": register.state.lower()},
        freshness_policy=freshness(contract(register.daily[0]) if register.daily else promise),
        check_specs=[
            dg.AssetCheckSpec(
                ALL_COUNTED, asset=register.key, blocking=True,
                description="As many names stand in the register as its last load counted.",
            )
        ],
        required_resource_keys={"settings", "db"},
        metadata={"dagster/column_schema": schema, "dagster/table_name": "registry.entities"},
    )  # fmt: skip
    def _register(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
        house: Settings = context.resources.settings
        with verdicts():
            metadata, result = described(context.resources.db, register.state, house.clock.today())
        return dg.MaterializeResult(metadata={"dagster/column_schema": schema, **metadata}, check_results=[result])

    return _register


def described(db: "Database", state: str, today: date) -> tuple[dict[str, Any], dg.AssetCheckResult]:
    """What stands in a state's register, and whether it is as much as was counted when it was loaded.

    Raises Failure when nothing was ever loaded.
    """
    from pw_pipelines.registry.search import coverage

    with db.connect(application=APPLICATION) as connection:
        known = coverage(connection, state, today)
        counted = connection.execute("select count(*) as n from registry.entities where state = %s", (state,))
        stored = int(str((counted.fetchone() or {"n": 0})["n"]))
        shown = connection.execute(
            f"select {', '.join(PREVIEW)} from registry.entities where state = %s limit 10", (state,)
        ).fetchall()
        changed = connection.execute(
            """select kind, count(*) as n from registry.changes where state = %s and as_of >= %s
               group by kind order by kind""",
            (state, today - CHANGES_SHOWN),
        ).fetchall()
    if known.as_of is None and not known.rows:
        raise dg.Failure(
            description=f"There is no register of {state} yet: no copy was good enough. The checks of its copies say "
            f"why; a file saved by hand goes in with `pw names load {state} FILE`.",
            allow_retries=False,
        )
    gaps = "\n".join(f"- {gap}" for gap in known.gaps) or "none known"
    metadata = {
        "dagster/row_count": known.rows,
        "dagster/table_name": "registry.entities",
        "as_of": known.as_of.isoformat() if known.as_of else "",
        "may_say_clear": known.is_usable,
        "why_not": known.why_not or "",
        "gaps": dg.MetadataValue.md(gaps),
        "changes_30_days": ", ".join(f"{row['kind']} {row['n']}" for row in changed) or "none",
        "preview": dg.MetadataValue.md(markdown_table(PREVIEW, [[row[name] for name in PREVIEW] for row in shown])),
    }
    result = dg.AssetCheckResult(
        check_name=ALL_COUNTED,
        passed=stored == known.rows,
        description=f"{stored:,} names stand in the register, {known.rows:,} were counted at its last load.",
        metadata={"stored": stored, "counted": known.rows},
    )
    return metadata, result
