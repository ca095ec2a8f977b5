"""A name asked of a state's portal with a real browser: what is found, what is not concluded, and good manners."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.jurisdictions.book import book
from pw_pipelines.registry import portal_road
from pw_pipelines.registry.model import Coverage
from pw_pipelines.registry.portal_road import LEFT_ALONE, PortalOutcome, search_portal, told_lately
from pw_pipelines.registry.portals import Road, road
from pw_pipelines.registry.verdict import judge
from pw_pipelines.resources.browser_search import a_browser
from pw_pipelines.resources.objects import Objects
from pw_pipelines.runtime.browser import BY_HAND, chromium_path
from pw_pipelines.sandbox.portals.companies import find
from pw_pipelines.settings import Settings
from tests.conftest import TEMPLATE
from tests.fixtures_sandbox import SEED, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NOW = datetime(2026, 11, 22, 17, tzinfo=UTC)
STATES = ("WY", "BC", "MO")
NOBODY = "90417253 LLC"  # a number is one question
NOBODY_ELSE = "90417254 LLC"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if chromium_path() is None:
        pytest.skip(f"no working Chromium on this machine; {BY_HAND}")
    with a_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), sandbox_seed=SEED)
    with serving(settings) as url:
        yield settings.model_copy(update={"sandbox_url": url})


@dataclass
class Desk:
    """Someone who asks portals, and sees how often they were called."""

    db: Database
    objects: Objects
    settings: Settings
    browser: Callable[[], AbstractContextManager[Browser]]
    slept: list[float] = field(default_factory=list)

    def road(self, state: str, *, seconds: float = 10.0, pacing: float = 0.0) -> Road:
        """The stand-in's road, with less patience where nothing will come."""
        way = road(state, self.settings)
        assert way.adapter is not None
        assert way.adapter.script is not None
        script = way.adapter.script.model_copy(update={"timeout_seconds": seconds})
        return replace(way, adapter=way.adapter.model_copy(update={"script": script}), pacing_seconds=pacing)

    def ask(self, state: str, name: str, *, at: timedelta = timedelta(), **changed: Any) -> PortalOutcome:
        changed.setdefault("browser", self.browser)
        return search_portal(
            self.db, self.objects, self.settings, state, name, now=NOW + at, sleep=self.slept.append, **changed
        )

    def mood(self, state: str, mood: str) -> None:
        order = {"portal": state.lower(), "mood": mood}
        httpx.post(f"{self.settings.sandbox_url}/portals/_control/", json=order).raise_for_status()

    def noted(self) -> dict[str, dict[str, Any]]:
        """What the stand-ins noted of their callers."""
        noted: dict[str, dict[str, Any]] = httpx.get(f"{self.settings.sandbox_url}/portals/_control/").json()
        return noted

    def calls(self, state: str) -> int:
        return int(self.noted()["calls"].get(state.lower(), 0))

    def rows(self) -> list[dict[str, Any]]:
        with self.db.connect() as connection:
            return list(connection.execute("select * from registry.portal_searches order by id"))


@pytest.fixture(scope="module")
def books(clone_database: Callable[[str], str]) -> Database:
    return Database(clone_database(TEMPLATE))


@pytest.fixture
def desk(books: Database, stand_ins: Settings, chromium: Browser, tmp_path: Path) -> Desk:
    """The stand-ins in a good mood, the books empty."""
    httpx.delete(f"{stand_ins.sandbox_url}/portals/_control/").raise_for_status()
    with books.connect() as connection:
        connection.execute("truncate registry.portal_searches")
    return Desk(books, Objects(f"file://{tmp_path}/objects"), stand_ins, lambda: nullcontext(chromium))


def no_browser() -> AbstractContextManager[Browser]:
    raise AssertionError("a browser was opened")


@pytest.mark.parametrize("state", STATES)
def test_a_name_is_found_on_all_pages_with_what_the_portal_says_of_it(desk: Desk, state: str) -> None:
    blue, fox = find(SEED, state, "blue"), find(SEED, state, "fox")
    told = desk.ask(state, "Blue Foxes, Inc.")

    assert told.outcome == "found", told.detail
    assert {one.name.casefold() for one in told.records} == {one.name.casefold() for one in (*blue, *fox)}
    assert len(told.evidence["pages"]) >= 3  # two of them for blue
    assert desk.noted()["agents"] == {state.lower(): desk.settings.user_agent}  # says who it is
    held = next(one for one in told.records if one.name.casefold() == "the blue fox llc")
    assert (held.state, held.name_kind, held.standing) == (state, "legal", "live")
    assert (held.form, held.type_code, held.status) == {
        "WY": ("llc", "Limited Liability Company - Domestic", "Active"),
        "BC": ("corporation", "BC", "ACTIVE"),
        "MO": ("llc", "Limited Liability Company", "Good Standing"),
    }[state]
    formed = find(SEED, state, "the blue fox llc")[0].formed
    assert held.formed_on == (None if state == "BC" else formed)
    assert held.entity_id == {"WY": f"{formed.year}-000000101", "BC": "BC0100101", "MO": "LC1000101"}[state]


@pytest.mark.parametrize("state", STATES)
def test_nothing_is_what_the_portal_itself_says(desk: Desk, state: str) -> None:
    told = desk.ask(state, NOBODY)
    coverage = told.coverage()

    assert (told.outcome, told.records) == ("nothing", ())
    assert (coverage.is_usable, coverage.as_of, coverage.rows) == (True, date(2026, 11, 22), 0)
    assert coverage.gaps == told.gaps
    assert "sound or look alike" in coverage.gaps[-1]
    verdict = judge(book()[state], NOBODY, (), (), coverage)
    if state == "BC":  # a judgement by its registrar, never ours
        assert verdict.verdict == "a person must look"
    else:
        assert verdict.verdict == "clear"
        assert verdict.reasons[0].startswith("The portal says that it has no name with “90417253”.")


@pytest.mark.parametrize("state", ["NE", "HI", "TX"])
def test_no_portal_clears_a_name_where_names_merely_alike_are_refused(state: str) -> None:
    asked = Coverage(
        state, 0, date(2026, 11, 22), (), is_usable=True, asked="The portal says that it has no such name."
    )

    verdict = judge(book()[state], "Heron Ferry LLC", (), (), asked)

    assert verdict.verdict == "a person must look"
    assert any("merely alike" in reason for reason in verdict.reasons)


MOODS = {
    "captcha": ("person", "asks whether a human is there", STATES),
    "maintenance": ("failed", "closed for now", STATES),
    "changed": ("failed", "nothing there to be seen|neither results nor", STATES),
    "truncated": ("person", "cuts the list short|and shows 1 of them", STATES),
    "silent": ("failed", "neither results nor the words for no result", ("WY",)),
    "error": ("failed", "own request failed", ("BC",)),
    "blocked": ("person", "status 403", ("MO",)),
}


@pytest.mark.parametrize(
    ("state", "mood", "outcome", "why"),
    [(state, mood, outcome, why) for mood, (outcome, why, states) in MOODS.items() for state in states],
)
def test_what_is_no_answer_is_never_read_as_nothing(desk: Desk, state: str, mood: str, outcome: str, why: str) -> None:
    desk.mood(state, mood)
    waits = mood in ("changed", "silent")

    told = desk.ask(state, "Blackbird LLC", by=desk.road(state, seconds=1.0 if waits else 10.0))

    assert told.outcome == outcome
    assert any(words in told.detail for words in why.split("|")), told.detail
    assert told.detail.endswith("A person must look.")
    assert (told.coverage().is_usable, told.coverage().why_not) == (
        False,
        told.detail.removesuffix(" A person must look."),
    )
    assert told.look_url.startswith("https://")
    assert [row["outcome"] for row in desk.rows()] == [outcome]


def test_a_slow_portal_is_waited_for(desk: Desk) -> None:
    desk.mood("BC", "slow")

    assert desk.ask("BC", NOBODY).outcome == "nothing"


def test_evidence_is_the_page_itself_kept_under_its_digest(desk: Desk) -> None:
    told = desk.ask("WY", NOBODY)
    page = told.evidence["pages"][0]

    with desk.objects.open(page["html"]) as html:
        assert b'id="MainContent_lblSearched">90417253<' in html.read()
    with desk.objects.open(page["picture"]) as picture:
        assert picture.read(8) == b"\x89PNG\r\n\x1a\n"
    assert told.evidence["questions"] == ["90417253"]
    (row,) = desk.rows()
    assert (row["evidence"], row["asked_at"]) == (told.evidence, NOW)


def test_a_name_written_apart_is_found_by_the_further_questions(desk: Desk) -> None:
    told = desk.ask("WY", "Blackbird LLC")

    assert {"Blackbird Logistics, Inc.", "Black-Bird Logistic L.L.C."} <= {one.name for one in told.records}
    assert {one.standing for one in told.records if one.name.startswith("Black-Bird")} == {"not_live"}


def test_what_was_seen_before_the_list_was_cut_short_is_kept(desk: Desk) -> None:
    """The second question, ING, has too many answers: what the first brought is true all the same."""
    way = desk.road("WY")
    told = desk.ask("WY", "Larches Ing LLC", by=way)

    assert told.outcome == "person"
    assert "cuts the list short" in told.detail
    larches = [one for one in told.records if one.name == "Wolf Creek Larches LLC"]
    assert judge(book()["WY"], "Wolf Creek Larches, Inc.", larches, (), told.coverage()).verdict == "taken"
    assert judge(book()["WY"], "Larches Ing LLC", (), (), told.coverage()).verdict == "a person must look"


def test_results_that_speak_of_something_else_are_no_answer(desk: Desk) -> None:
    way = desk.road("MO")
    assert way.adapter is not None
    assert way.adapter.script is not None
    results = way.adapter.script.results
    other = results.model_copy(update={"fields": {**results.fields, "name": results.fields["status"]}})
    script = way.adapter.script.model_copy(update={"results": other})

    told = desk.ask("MO", "Blue Fox", by=replace(way, adapter=way.adapter.model_copy(update={"script": script})))

    assert told.outcome == "failed"
    assert "None of the" in told.detail


@pytest.mark.parametrize("state", ["DE", "MI", "VT", "WA", "NJ", "OK"])
def test_a_portal_a_program_may_not_ask_is_never_visited(desk: Desk, state: str) -> None:
    told = desk.ask(state, "Blue Fox LLC", browser=no_browser)

    assert (told.outcome, told.searched_at) == ("person", None)
    assert told.look_url.startswith("https://")
    assert desk.rows() == []


@pytest.mark.parametrize("why", ["The portal forbids automatic searches.", "The portal asks whether a human is there."])
def test_no_request_arrives_at_a_portal_closed_to_programs(desk: Desk, why: str) -> None:
    told = desk.ask("WY", "Blue Fox LLC", by=replace(desk.road("WY"), stance="forbidden", why_not=why))

    assert told.detail == f"{why} A person must look."
    assert desk.calls("WY") == 0


def test_a_fresh_answer_is_used_again(desk: Desk) -> None:
    first = desk.ask("WY", "Blue Heron Inn LLC")
    calls = desk.calls("WY")

    again = desk.ask("WY", "THE BLUE HERONS' INN, INC.", at=timedelta(hours=23), browser=no_browser)

    assert (again.is_reused, again.searched_at, again.records) == (True, NOW, first.records)
    assert {one.snapshot_id for one in again.records} == {f"portal_search:{desk.rows()[0]['id']}"}
    assert desk.calls("WY") == calls
    assert len(desk.rows()) == 1


def test_an_old_answer_is_not(desk: Desk) -> None:
    desk.ask("WY", NOBODY)

    again = desk.ask("WY", NOBODY, at=timedelta(hours=25))

    assert (again.is_reused, again.searched_at) == (False, NOW + timedelta(hours=25))
    assert len(desk.rows()) == 2


def test_what_turned_a_program_away_is_left_alone_for_a_day(desk: Desk) -> None:
    desk.mood("WY", "captcha")
    desk.ask("WY", "Blue Fox LLC")
    calls = desk.calls("WY")
    desk.mood("WY", "well")

    second = desk.ask("WY", "Heron Ferry LLC", at=timedelta(hours=2), browser=no_browser)

    assert (second.outcome, second.retry_at) == ("person", NOW + LEFT_ALONE)
    assert "turned a program away" in second.detail
    assert desk.calls("WY") == calls
    assert desk.ask("WY", NOBODY, at=timedelta(hours=25)).outcome == "nothing"


def test_a_failed_search_is_not_used_as_an_answer(desk: Desk) -> None:
    desk.mood("MO", "error")
    desk.ask("MO", NOBODY)
    desk.mood("MO", "well")

    assert desk.ask("MO", NOBODY, at=timedelta(minutes=1)).outcome == "nothing"


def test_a_portal_is_not_asked_faster_than_its_pace(desk: Desk) -> None:
    way = desk.road("WY", pacing=60.0)
    desk.ask("WY", NOBODY, by=way)
    calls = desk.calls("WY")

    pressed = desk.ask("WY", "Heron LLC", at=timedelta(seconds=20), by=way, browser=no_browser)

    assert (pressed.outcome, pressed.retry_at) == ("person", NOW + timedelta(seconds=60))
    assert "2026-11-22 17:01:00 UTC" in pressed.detail
    assert desk.calls("WY") == calls
    assert len(desk.rows()) == 1


def test_the_rest_of_a_short_pace_is_waited_out(desk: Desk) -> None:
    way = desk.road("BC", pacing=60.0)
    desk.ask("BC", NOBODY, by=way)
    desk.slept.clear()

    told = desk.ask("BC", NOBODY_ELSE, at=timedelta(seconds=55), by=way)

    assert desk.slept[0] == pytest.approx(5.0)
    assert (told.outcome, told.searched_at) == ("nothing", NOW + timedelta(seconds=60))


def test_a_search_cut_short_is_in_the_books_and_counts_for_the_pace(desk: Desk) -> None:
    def killed() -> AbstractContextManager[Browser]:
        raise KeyboardInterrupt

    way = desk.road("WY", pacing=60.0)
    with pytest.raises(KeyboardInterrupt):
        desk.ask("WY", "Heron LLC", by=way, browser=killed)

    (row,) = desk.rows()
    assert (row["outcome"], row["detail"]) == ("failed", "The search did not come to its end.")
    assert desk.ask("WY", "Heron LLC", at=timedelta(seconds=5), by=way, browser=no_browser).retry_at is not None


def test_a_machine_without_a_browser_has_asked_nothing(desk: Desk) -> None:
    def none() -> AbstractContextManager[Browser]:
        raise ConfigError("No working Chromium; install it.")

    told = desk.ask("WY", "Heron LLC", browser=none)

    assert told.outcome == "failed"
    assert told.detail == ("There was no browser to ask with: No working Chromium; install it. A person must look.")
    assert desk.calls("WY") == 0


def test_one_portal_is_asked_by_one_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal_road, "TURN_SECONDS", 0.05)
    with desk.db.connect() as other:
        other.execute("select pg_advisory_xact_lock(hashtextextended('portal search WY', 0))")

        told = desk.ask("WY", "Heron LLC", browser=no_browser)

    assert told.outcome == "person"
    assert "still under way" in told.detail


def test_two_who_ask_the_same_at_once_are_served_by_one_visit(desk: Desk) -> None:
    """Each with a browser of its own; the second finds the first one's answer when its turn comes."""
    with ThreadPoolExecutor(2) as both:
        told = [both.submit(desk.ask, "MO", NOBODY, browser=a_browser) for _ in range(2)]
        outcomes = [one.result() for one in told]

    assert {one.outcome for one in outcomes} == {"nothing"}
    assert sorted(one.is_reused for one in outcomes) == [False, True]
    assert len(desk.rows()) == 1


def test_a_portal_that_cannot_be_reached_has_told_nothing(desk: Desk) -> None:
    told = desk.ask("WY", "Heron LLC", by=replace(desk.road("WY"), url="http://127.0.0.1:9/portals/wy"))

    assert told.outcome == "failed"
    assert "did not open" in told.detail


def test_a_name_that_is_none_is_a_wrong_question(desk: Desk) -> None:
    with pytest.raises(UsageError):
        desk.ask("WY", "…", browser=no_browser)


def test_what_a_portal_told_within_a_day_is_known_without_asking_it_again(desk: Desk) -> None:
    def lately(name: str, hours: float) -> PortalOutcome | None:
        return told_lately(desk.db, desk.settings, "WY", name, NOW + timedelta(hours=hours))

    assert lately("Blue Foxes, Inc.", 0) is None
    asked = desk.ask("WY", "Blue Foxes, Inc.")
    calls = desk.calls("WY")

    told = lately("The Blue Fox LLC", 23)
    assert told is not None
    assert (told.outcome, told.is_reused, told.records) == ("found", True, asked.records)
    assert lately("Kumquat Lantern LLC", 1) is None
    assert lately("Blue Foxes, Inc.", 25) is None
    assert told_lately(desk.db, desk.settings, "CA", "Blue Fox LLC", NOW) is None
    assert desk.calls("WY") == calls


def test_what_the_portal_could_not_tell_is_no_reason_said_twice() -> None:
    told = PortalOutcome(
        "WY", "Blue Fox LLC", "person", "A captcha stood there. A person must look.", "https://x.example"
    )
    assert told.coverage().why_not == "A captcha stood there."
