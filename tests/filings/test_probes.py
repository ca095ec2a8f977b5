"""Portals looked at day by day: every selector remembered, every change found, named, and told once."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pw_pipelines.filings.engine import FilingEngine
from pw_pipelines.filings.hours import opens_at
from pw_pipelines.filings.probing import ProbeReport
from pw_pipelines.filings.sights import Sight, Traits, Use
from pw_pipelines.fulfillment import deeds
from pw_pipelines.fulfillment.items import open_clocks
from pw_pipelines.fulfillment.model import FulfillmentError
from pw_pipelines.probes import reading
from pw_pipelines.probes.books import Kept, Result
from pw_pipelines.probes.rounds import NotLooked, Prober
from pw_pipelines.probes.targets import Target, targets
from pw_pipelines.settings import Mode
from tests.filings.conftest import patient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pw_pipelines.filings.browsers import Browsers
    from tests.filings.conftest import Portals
    from tests.filings.house import House

SHOP = "agent_wholesale"
ENTITY = "[name=f_entity]"


@dataclass
class Look:
    """Looks at portals in a house of the test's own, and rebuilds their pages."""

    house: House
    prober: Prober
    control: str

    def at(self, portal: str) -> Kept:
        self.tomorrow()
        seen = self.prober.look(self.prober.targets()[portal], by="test")
        assert isinstance(seen, Kept), seen
        return seen

    def saw(self, label: str = "Entity name", **more: Any) -> Kept:
        """As if a visit of the shop had seen its field under this label."""
        self.tomorrow()
        use = Use("order", "Order", "fill", ENTITY)
        sight = Sight(use, 1, Traits("input", "text", "f_entity", label=label))
        report = ProbeReport(SHOP, sights=[sight], **more)
        return self.prober.keep(self.prober.targets()[SHOP], report, by="test", seconds=1.0)

    def tomorrow(self) -> None:
        self.house.later(days=1)
        self.prober.clock = self.house.ground.clock

    def rebuild(self, portal: str, do: str, at: str, to: str = "") -> None:
        body = {"portal": portal, "edits": [{"do": do, "at": at, "to": to}]}
        httpx.post(f"{self.control}/redesign", json=body).raise_for_status()

    def mend(self) -> None:
        httpx.delete(f"{self.control}/redesign").raise_for_status()

    def told(self, portal: str) -> list[str]:
        rows = self.house.rows("select text from pw.alerts where kind = 'probe' and key like %s", f"probe:{portal}:%")
        return [row["text"] for row in rows]


@pytest.fixture
def look(house: House, portals: Portals, browsers: Browsers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Look]:
    monkeypatch.setattr("pw_pipelines.filings.looking.STILL_SECONDS", 0.6)
    settings = house.ground.settings
    engine = FilingEngine(settings, portals=patient, browsers=browsers)
    prober = Prober(settings, house.db, house.ground.objects, portals=patient, browsers=browsers, engine=engine)
    made = Look(house, prober, f"{settings.sandbox_url}/_control")
    made.mend()
    yield made
    made.mend()


def broken(seen: Kept) -> list[Result]:
    return [one for one in seen.results if not one.ok]


def test_every_selector_of_every_sandbox_portal_stands_or_says_why_it_can_not_be_seen(look: Look) -> None:
    for target in look.prober.targets().values():
        if target.never or target.resting(look.prober.settings.clock.now()):
            continue
        seen = look.prober.look(target, by="test")
        assert isinstance(seen, Kept)
        assert (seen.outcome, seen.changes) == ("stands", ()), target.code
        assert len(seen.results) >= 8, target.code
        assert all(why for _, why in seen.unseen)
        names = [one.name for one in seen.results] + [name for name, _ in seen.unseen]
        assert len(names) == len(set(names)), "each selector is counted once"


@pytest.mark.parametrize(
    ("do", "to", "state", "says"),
    [
        ("label", "Name of the company", "other", "its label changed: “Entity name” → “Name of the company”."),
        ("type", "email", "other", "its type changed: “text” → “email”."),
        ("drop", "", "missing", "fits nothing any more. It stood on a field of type text labelled “Entity name”."),
        ("double", "", "many", "fits 2 elements, where it fitted one."),
    ],
)
def test_what_became_of_a_selector_is_said_with_before_and_after(
    look: Look, do: str, to: str, state: str, says: str
) -> None:
    assert look.at(SHOP).ok
    look.rebuild(SHOP, do, ENTITY, to)
    seen = look.at(SHOP)
    [one] = [one for one in broken(seen) if one.expression == ENTITY]
    assert (one.state, one.changed, seen.outcome) == (state, True, "changed")
    assert says in " ".join(one.changes)


def test_a_button_that_moved_within_its_page_still_stands(look: Look) -> None:
    assert look.at(SHOP).ok
    look.rebuild(SHOP, "move", "[name=b_review]", "form[name=order]")
    assert look.at(SHOP).ok


def test_a_renamed_field_has_a_candidate_that_nothing_uses(look: Look) -> None:
    assert look.at(SHOP).ok
    look.rebuild(SHOP, "name", ENTITY, "company_title")
    [one] = [one for one in broken(look.at(SHOP)) if one.expression == ENTITY]
    assert one.candidate is not None
    assert one.candidate["selector"] == '[name="company_title"]'
    assert "the same label" in one.candidate["why"]


def test_a_change_closes_the_portal_is_told_once_and_waits_for_a_person(look: Look) -> None:
    house = look.house
    item = house.approved_item()
    assert look.at("fcc_ecfs").ok
    look.rebuild("fcc_ecfs", "label", "#ecfs-filing [name=filer_name]", "Name of counsel")
    seen = look.at("fcc_ecfs")
    assert (seen.is_closed, seen.has_closed) == (True, True)
    [alert] = look.told("fcc_ecfs")
    assert "closed for filing until a person opens it" in alert
    assert "Name of counsel" in alert
    assert house.go(item, "file") == ["portal_closed"]
    assert not look.at("fcc_ecfs").has_closed
    assert look.told("fcc_ecfs") == [alert], "the second look tells nothing new"

    look.mend()
    assert look.at("fcc_ecfs").ok
    assert len(look.told("fcc_ecfs")) == 2, "that it stands again is told, too"
    assert house.go(item, "file") == ["portal_closed"], "and it stays closed"
    with house.connect() as connection:
        [row] = reading.overviews(connection, {"fcc_ecfs": look.prober.targets()["fcc_ecfs"]})
        assert row.stands_again
        with pytest.raises(FulfillmentError, match="Say why"):
            deeds.open_portal(connection, "fcc_ecfs", by="olga", why=" ", now=house.ground.clock.now())
        opened = deeds.open_portal(connection, "fcc_ecfs", by="olga", why="Looked.", now=house.ground.clock.now())
    assert (opened, house.row(item)["state"]) == (1, "ready")
    assert house.go(item, "file") == ["done"]
    [log] = house.rows("select * from pw.staff_actions where what = 'portal_opened'")
    assert (log["by"], log["detail"]["why"]) == ("olga", "Looked.")


def test_a_person_who_opens_a_portal_accepts_what_stands_there_now(look: Look) -> None:
    assert look.saw().ok
    assert not look.saw("Legal name of the entity").ok
    with look.house.connect() as connection:
        deeds.open_portal(connection, SHOP, by="olga", why="Only the words.", now=look.house.ground.clock.now())
    assert look.saw("Legal name of the entity").ok
    assert not look.saw().ok, "from then on that is what it is held against"


def test_a_page_put_back_before_a_person_opened_it_stands(look: Look) -> None:
    assert look.saw().ok
    assert not look.saw("Another name").ok
    with look.house.connect() as connection:
        deeds.open_portal(connection, SHOP, by="olga", why="They put it back.", now=look.house.ground.clock.now())
    assert look.saw().ok


def test_the_same_change_is_told_anew_when_it_was_mended_between(look: Look) -> None:
    assert look.saw().ok
    for times in (1, 2):
        assert not look.saw("Another name").ok
        assert not look.saw("Another name").ok
        assert sum("Another name" in text for text in look.told(SHOP)) == times
        assert look.saw().ok


def test_a_portal_that_is_away_is_noted_and_told_when_it_lasts(look: Look, portals: Portals) -> None:
    portals.page("fcc_rmd", "maintenance")
    seen = look.at("fcc_rmd")
    portals.page("fcc_rmd", "none")
    assert (seen.outcome, seen.is_closed, look.told("fcc_rmd")) == ("away", False, [])
    look.saw(away="Closed for maintenance.")
    assert look.told(SHOP) == []
    look.saw(away="Closed for maintenance.")
    look.saw(away="Closed for maintenance.")
    [alert] = look.told(SHOP)
    assert "has been away since" in alert


def test_a_challenge_is_a_persons_and_closes_nothing(look: Look, portals: Portals) -> None:
    portals.page("fcc_rmd", "captcha")
    seen = look.at("fcc_rmd")
    portals.page("fcc_rmd", "none")
    assert (seen.outcome, seen.is_closed, len(look.told("fcc_rmd"))) == ("person", False, 1)
    for _ in range(2):
        look.saw(person="Are you a human?")
    assert len(look.told(SHOP)) == 1


def test_a_search_portal_that_changed_is_named_with_what_may_be_meant(look: Look) -> None:
    assert look.at("search_wy").ok
    look.rebuild("wy", "id", "#MainContent_txtFilingName", "MainContent_txtName")
    seen = look.at("search_wy")
    [one] = broken(seen)
    assert one.candidate is not None
    assert one.candidate["selector"] == "#MainContent_txtName"
    assert not seen.is_closed, "nothing is filed there"


def test_the_history_of_a_selector_shows_when_it_first_stood_last_stood_and_changed(look: Look) -> None:
    for label in ("Entity name", "Entity name", "Company", "Company", "Entity name"):
        look.saw(label)
    with look.house.connect() as connection:
        page = reading.page_of(connection, look.prober.targets()[SHOP])
    [one] = [one for one in page.standing if one.expression == ENTITY]
    assert [(span.state, span.looks) for span in one.spans] == [("stands", 1), ("other", 2), ("stands", 2)]
    assert one.first_stood_at == one.spans[-1].began_at
    assert one.last_changed_at == one.spans[0].began_at


def test_nothing_secret_and_no_word_of_data_is_kept(look: Look) -> None:
    look.at(SHOP)
    kept = look.house.rows("select shots from pw.portal_probes")[0]["shots"]
    contents = [look.prober.objects.open(shot[name]).read() for shot in kept for name in ("html", "excerpt", "picture")]
    words = str(look.house.rows("select * from pw.portal_selectors")) + str(
        look.house.rows("select * from pw.selector_spans")
    )
    assert contents
    assert all(b"sandbox-password" not in content for content in contents)
    assert "sandbox-password" not in words


def test_terms_that_forbid_programs_keep_a_probe_away(look: Look) -> None:
    portal = patient(SHOP)
    forbidden = portal.model_copy(
        update={"terms": portal.terms.model_copy(update={"automation": "forbidden", "source": "Their terms, 4.2"})}
    )
    prober = replace(look.prober, portals=lambda code: forbidden if code == SHOP else patient(code))
    seen = prober.look(prober.targets()[SHOP], by="test")
    assert isinstance(seen, NotLooked)
    assert seen.why == "Its terms forbid programs (Their terms, 4.2)."
    assert look.house.rows("select * from pw.portal_probes") == []


def test_no_real_portal_is_visited_before_somebody_read_its_terms(look: Look) -> None:
    live = look.prober.settings.model_copy(update={"mode": Mode.LIVE, "portal_urls": {}})
    visited = [one.code for one in targets(live).values() if one.never is None]
    assert visited == []


def test_a_portal_is_not_looked_at_outside_its_hours(look: Look) -> None:
    target: Target = look.prober.targets()["irs_ein"]
    assert target.portal is not None
    assert target.portal.hours is not None
    closed = next(
        moment
        for hours in itertools.count()
        if target.resting(moment := look.prober.settings.clock.now() + timedelta(hours=hours))
    )
    assert target.resting(opens_at(target.portal.hours, closed)) is None


def test_no_probe_runs_beside_a_filing(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    from pw_pipelines.filings.pacing import alone_at

    monkeypatch.setattr("pw_pipelines.probes.rounds.TURN_SECONDS", 0.1)
    with alone_at(look.house.db.url, SHOP) as alone:
        assert alone
        seen: Any = look.prober.look(look.prober.targets()[SHOP], by="test")
    assert isinstance(seen, NotLooked)
    with look.house.connect() as connection:
        assert open_clocks(connection, now=look.house.ground.clock.now()) == []
