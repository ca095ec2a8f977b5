"""One name asked of a state's own portal, by the rules: courteous, once, with evidence, and never more than was seen.

What comes is `found` (every name that fits the questions, read whole), `nothing` (the portal says so itself),
`person` (a program may not, or need not, go on: the link is handed over) or `failed` (the portal could not be read).
Records are true whatever the outcome; that a name is absent may be concluded from `found` and `nothing` alone.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from psycopg.types.json import Jsonb

from pw_pipelines.clock import eastern_day
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError
from pw_pipelines.registry import keys
from pw_pipelines.registry.model import Coverage, Record
from pw_pipelines.registry.portal_query import Plan, plan
from pw_pipelines.registry.portals import Adapter, Road, road
from pw_pipelines.resources.browser_search import Answer, Seen, a_browser, a_visit, ask
from pw_pipelines.resources.objects import Objects
from pw_pipelines.resources.page_script import PageScript
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from psycopg import Connection

Outcome = Literal["found", "nothing", "person", "failed"]
FRESH = timedelta(hours=24)  # an answer this young is used again
LEFT_ALONE = timedelta(hours=24)  # after it asked whether a human is there, or refused
TURN_SECONDS = 90.0  # waited for another search of the same portal to end
PATIENCE_SECONDS = 10.0  # waited for the portal's pace; longer and a later time is named instead

_OUTCOMES: dict[Seen, Outcome] = {
    "rows": "found", "nothing": "nothing", "challenge": "person", "refused": "person", "too_many": "person",
    "maintenance": "failed", "error": "failed", "changed": "failed", "unreachable": "failed",
}  # fmt: skip
_A_PERSON = "A person must look."
_ALIKE = "The portal was asked for the same letters only: names that merely sound or look alike are not in its answer."


@dataclass(frozen=True)
class PortalOutcome:
    """What one search told.

    detail       why, in sentences
    records      every name seen
    look_url     the official search page, for a person
    searched_at  when the portal was asked (UTC); None: it was not
    evidence     {questions, pages: [{url, html, picture}]}; html and picture are digests in the object store
    retry_at     when it may be asked again, where that is why it was not
    """

    state: str
    name: str
    outcome: Outcome
    detail: str
    look_url: str
    records: tuple[Record, ...] = ()
    searched_at: datetime | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()
    retry_at: datetime | None = None
    is_reused: bool = False

    def coverage(self) -> Coverage:
        """What this search is worth to a verdict, as a copy of the register of its day."""
        usable = self.outcome in ("found", "nothing")
        return Coverage(
            state=self.state,
            rows=len(self.records),
            as_of=eastern_day(self.searched_at) if self.searched_at and usable else None,
            gaps=self.gaps,
            is_usable=usable,
            why_not=None if usable else self.detail.removesuffix(_A_PERSON).rstrip(),  # the verdict says it
            asked=self.detail if usable else None,
        )


def search_portal(
    db: Database,
    objects: Objects,
    settings: Settings,
    code: str,
    name: str,
    *,
    now: datetime,
    browser: Callable[[], AbstractContextManager[Browser]] = a_browser,
    sleep: Callable[[float], None] = time.sleep,
    by: Road | None = None,
) -> PortalOutcome:
    """Asks the portal of state `code` for `name`, or says why not. An answer younger than a day is used again.

    browser and sleep are seams for tests; `by` takes another road than the state's own.
    Raises UsageError for an unknown state or a name without a letter. Without a browser the search has failed.
    """
    way = by or road(code, settings)
    asked = plan(name, way.adapter.match if way.adapter else "contains")
    if way.why_not or way.adapter is None or way.adapter.script is None or way.url is None:
        why = way.why_not or "There is no search adapter for this portal yet."
        return PortalOutcome(way.state, name, "person", f"{why} {_A_PERSON}", way.look_url)
    search = _Search(db, objects, settings, way, way.adapter, way.adapter.script, way.url, name, asked)
    with search.turn() as has_turn:
        if not has_turn:
            return search.not_now("Another search of this portal is still under way.", None)
        if told := search.told_before(now):
            return told
        wait = (search.allowed_from(now) - now).total_seconds()
        if wait > PATIENCE_SECONDS:
            return search.not_now(
                "This portal was asked a moment ago and is not pressed.", now + timedelta(seconds=wait)
            )
        if wait > 0:
            sleep(wait)
            now += timedelta(seconds=wait)
        return search.make(now, browser, sleep)


def told_lately(db: Database, settings: Settings, code: str, name: str, now: datetime) -> PortalOutcome | None:
    """What the portal of state `code` told of the same questions within the last day; the portal is not asked.

    For whoever must not wait for a portal, or make it work: the web app. None: nothing is known of it.
    Raises UsageError for an unknown state or a name without a letter.
    """
    way = road(code, settings)
    asked = plan(name, way.adapter.match if way.adapter else "contains")
    if way.why_not or way.adapter is None or way.adapter.script is None or way.url is None:
        return None
    objects = Objects(settings.objects_url or (settings.home / "objects").resolve().as_uri())
    return _Search(db, objects, settings, way, way.adapter, way.adapter.script, way.url, name, asked).told_before(now)


@dataclass(frozen=True)
class _Search:
    db: Database
    objects: Objects
    settings: Settings
    way: Road
    adapter: Adapter
    script: PageScript
    url: str
    name: str
    plan: Plan

    @property
    def query(self) -> str:
        """What is asked: searches with the same questions have the same answer."""
        return " | ".join(self.questions)

    @property
    def questions(self) -> tuple[str, ...]:
        return tuple(question[: self.adapter.longest] for question in self.plan.questions)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """One search of a portal at a time, whoever asks; False when the turn does not come."""
        from psycopg.errors import LockNotAvailable

        key = f"portal search {self.way.state}"
        with self.db.connect(application="pw portal search") as connection:
            try:
                connection.execute(f"set local lock_timeout = '{TURN_SECONDS * 1000:.0f}ms'")
                connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
            except LockNotAvailable:
                connection.rollback()
                yield False
                return
            yield True

    def told_before(self, now: datetime) -> PortalOutcome | None:
        """A fresh answer to the same questions; or, where the portal turned us away lately, that it did."""
        with self.db.connect() as connection:
            found = connection.execute(
                "select * from registry.portal_searches where state = %s and query = %s and asked_at > %s"
                " and asked_at <= %s and outcome in ('found', 'nothing') order by asked_at desc, id desc limit 1",
                [self.way.state, self.query, now - FRESH, now],
            ).fetchone()
            turned = connection.execute(
                "select asked_at, detail from registry.portal_searches where state = %s and asked_at > %s"
                " and asked_at <= %s and evidence ->> 'seen' in ('challenge', 'refused')"
                " order by asked_at desc, id desc limit 1",
                [self.way.state, now - LEFT_ALONE, now],
            ).fetchone()
        if found:
            return self._outcome(found, is_reused=True)
        if turned:
            until = _moment(turned["asked_at"]) + LEFT_ALONE
            return self.not_now(f"It turned a program away within the last day: {turned['detail']}", until)
        return None

    def allowed_from(self, now: datetime) -> datetime:
        """When the portal's pace allows the next search."""
        with self.db.connect() as connection:
            row = connection.execute(
                "select max(asked_at) as last from registry.portal_searches where state = %s and asked_at <= %s",
                [self.way.state, now],
            ).fetchone()
        last = row["last"] if row else None
        return _moment(last) + timedelta(seconds=self.way.pacing_seconds) if last else now

    def make(
        self, now: datetime, browser: Callable[[], AbstractContextManager[Browser]], sleep: Callable[[float], None]
    ) -> PortalOutcome:
        """The visit. It is in the books before it begins, so that one cut short counts for the portal's pace too."""
        from playwright.sync_api import Error

        with self.db.connect() as connection:
            row = _row(
                connection,
                "insert into registry.portal_searches (state, query, asked_at, outcome, detail)"
                " values (%s, %s, %s, 'failed', 'The search did not come to its end.') returning *",
                [self.way.state, self.query, now],
            )
        rows: list[dict[str, str | None]] = []
        try:
            with tempfile.TemporaryDirectory(prefix="pw-portal-") as folder, browser() as running:
                answers = list(self._answers(running, Path(folder), sleep))
                outcome, detail = self._judged(answers)
                rows = _without_repeats(row for answer in answers for row in answer.rows)
                evidence = {
                    "seen": answers[-1].seen,
                    "questions": list(self.questions),
                    "pages": [page for answer in answers for page in self._kept(answer)],
                }
        except (ConfigError, Error) as error:  # no browser, or it broke: one state's answer, not everybody's
            outcome, detail, evidence = self._no_visit(
                f"There was no browser to ask with: {str(error).splitlines()[0]}"
            )
        with self.db.connect() as connection:
            row = _row(
                connection,
                "update registry.portal_searches set outcome = %s, detail = %s, records = %s, evidence = %s"
                " where id = %s returning *",
                [outcome, detail, Jsonb(rows), Jsonb(evidence), row["id"]],
            )
        return self._outcome(row)

    def _no_visit(self, why: str) -> tuple[Outcome, str, dict[str, Any]]:
        return "failed", f"{why} {_A_PERSON}", {"seen": "unreachable", "questions": list(self.questions), "pages": []}

    def _answers(self, browser: Browser, folder: Path, sleep: Callable[[float], None]) -> Iterator[Answer]:
        """An answer per question, up to the first that is none."""
        with a_visit(browser, user_agent=self.settings.user_agent) as page:
            for number, question in enumerate(self.questions):
                if number:
                    sleep(min(self.way.pacing_seconds, 3.0))
                into = folder / str(number)
                into.mkdir()
                answer = ask(page, self.script, self.url, question, into=into)
                if answer.seen == "rows" and not _speaks_of(question, answer.rows):
                    answer.seen = "changed"
                    answer.detail = f"None of the {len(answer.rows):,} results has {question!r} in it."
                yield answer
                if not answer.is_answer:
                    return

    def _judged(self, answers: Sequence[Answer]) -> tuple[Outcome, str]:
        last = answers[-1]
        if not last.is_answer:
            return _OUTCOMES[last.seen], f"{last.detail} {_A_PERSON}"
        if self.plan.unseen:
            return "person", f"{self.plan.unseen} {_A_PERSON}"
        rows = sum(len(answer.rows) for answer in answers)
        asked = " and ".join(f"“{question}”" for question in self.questions)
        if not rows:
            return "nothing", f"The portal says that it has no name with {asked}."
        return "found", f"The portal was asked for {asked}; it gave {rows:,} results, all of them read."

    def _kept(self, answer: Answer) -> Iterator[dict[str, str | None]]:
        for page in answer.kept:
            picture = self.objects.put(page.picture) if page.picture else None
            yield {"url": page.url, "html": self.objects.put(page.html), "picture": picture}

    def _outcome(self, row: dict[str, Any], *, is_reused: bool = False) -> PortalOutcome:
        return PortalOutcome(
            state=self.way.state,
            name=self.name,
            outcome=row["outcome"],
            detail=row["detail"],
            look_url=self.way.look_url,
            records=tuple(self._records(row["records"], f"portal_search:{row['id']}")),
            searched_at=_moment(row["asked_at"]),
            evidence=row["evidence"],
            gaps=(*self.adapter.gaps, _ALIKE),
            is_reused=is_reused,
        )

    def _records(self, rows: list[dict[str, str | None]], snapshot_id: str) -> Iterator[Record]:
        adapter = self.adapter
        for row in rows:
            entity_id, name = str(row["id"]), str(row["name"])
            kind = adapter.kinds.get(row.get("kind") or "", "legal")
            yield Record(
                state=self.way.state,
                record_id=entity_id if kind == "legal" else f"{entity_id} {kind} {name}",
                entity_id=entity_id,
                name=name,
                name_kind=kind,
                form=adapter.forms.get(row.get("type") or ""),
                type_code=row.get("type"),
                status=row.get("status"),
                standing=adapter.standing(row.get("status")),
                formed_on=adapter.day(row.get("formed")),
                changed_on=None,
                home=row.get("home"),
                place=row.get("place"),
                name_key=keys.name_keys(name)[0],
                snapshot_id=snapshot_id,
            )

    def not_now(self, why: str, retry_at: datetime | None) -> PortalOutcome:
        """It is not asked; nothing is written, because nothing was done."""
        when = f" It may be asked again from {retry_at:%Y-%m-%d %H:%M:%S} UTC." if retry_at else ""
        detail = f"{why}{when} {_A_PERSON}"
        return PortalOutcome(self.way.state, self.name, "person", detail, self.way.look_url, retry_at=retry_at)


def _speaks_of(question: str, rows: Sequence[dict[str, str | None]]) -> bool:
    """Whether any name holds the letters asked for; a portal that answers with other names answers another question."""
    wanted = "".join(keys.plain_words(question))
    return any(wanted in "".join(keys.plain_words(row["name"] or "")) for row in rows)


def _without_repeats(rows: Iterator[dict[str, str | None]]) -> list[dict[str, str | None]]:
    """Two questions may bring the same record."""
    return list({tuple(sorted(row.items(), key=lambda item: item[0])): row for row in rows}.values())


def _row(connection: Connection[dict[str, object]], statement: str, values: list[object]) -> dict[str, Any]:
    row = connection.execute(statement, values).fetchone()
    if row is None:
        raise RuntimeError("The books gave no row back for a portal search just written.")
    return dict(row)


def _moment(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} is no moment")
    return value.astimezone(UTC)
