"""The ledger: what is done to the outside world is done once."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from pw_pipelines import faults
from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.fulfillment import effects
from pw_pipelines.fulfillment.effects import Effect
from pw_pipelines.fulfillment.model import Done, FulfillmentError, Gate, LeaseLost, NotDone, Seen
from pw_pipelines.fulfillment.work import Work
from tests.commerce.making import NOW
from tests.fulfillment.conftest import House

KEY = "filing:cpni:0012345678:2025"
CONTENT, OTHER_CONTENT = "a" * 64, "b" * 64


@dataclass
class Portal:
    """An outside world that counts. `folder`: filings survive the process that made them, as real ones do."""

    folder: Path
    after: Callable[[], None] = lambda: None
    before: Callable[[], None] = lambda: None
    can_be_asked: bool = True
    asked: list[int] = field(default_factory=list)

    @property
    def filings(self) -> int:
        return len(list(self.folder.glob("*")))

    def perform(self, effect: Effect) -> Done:
        self.before()
        (self.folder / os.urandom(8).hex()).touch()
        self.after()
        return Done("CONF-1", {"seen": "page"})

    def probe(self, effect: Effect) -> Seen:
        self.asked.append(effect.effect_id)
        if not self.can_be_asked:
            return Seen(None, "The portal has no search.")
        return Seen(self.filings > 0, f"{self.filings} found.", reference="CONF-1" if self.filings else None)

    def once(self, work: Work, *, content: str = CONTENT, key: str = KEY) -> Effect:
        return effects.once(
            work, kind="filing", key=key, payload_digest=content, perform=self.perform, probe=self.probe
        )


@pytest.fixture
def portal(tmp_path: Path) -> Portal:
    folder = tmp_path / "portal"
    folder.mkdir()
    return Portal(folder)


def fails(error: BaseException) -> Callable[[], None]:
    def strike() -> None:
        raise error

    return strike


def test_what_is_wanted_twice_is_done_once(house: House, portal: Portal) -> None:
    item = house.paid_item()
    for _ in range(3):
        with house.working(item) as work:
            effect = portal.once(work)
    assert (effect.state, effect.reference, portal.filings, portal.asked) == ("done", "CONF-1", 1, [])


def test_what_certainly_did_not_happen_may_be_done_again(house: House, portal: Portal) -> None:
    item = house.paid_item()
    portal.before = fails(NotDone("The form could not be filled."))
    with house.working(item) as work, pytest.raises(NotDone):
        portal.once(work)
    assert house.effect(KEY)["state"] == "not_done"

    portal.before = lambda: None
    with house.working(item) as work:
        assert portal.once(work).attempts == 2
    assert portal.filings == 1


@pytest.mark.parametrize("error", [TimeoutError("no answer"), OutsideUnavailable("gone"), RuntimeError("bug")])
def test_an_answer_that_was_lost_is_looked_up_and_not_repeated(house: House, portal: Portal, error: Exception) -> None:
    item = house.paid_item()
    portal.after = fails(error)
    with house.working(item) as work:
        effect = portal.once(work)
    assert (effect.state, effect.detail["settled_by"], portal.filings) == ("done", "probe", 1)


def test_what_was_interrupted_before_it_was_sent_is_seen_not_to_have_happened(house: House, portal: Portal) -> None:
    item = house.paid_item()
    portal.before = fails(TimeoutError())
    with house.working(item) as work, pytest.raises(NotDone, match="did not happen"):
        portal.once(work)
    portal.before = lambda: None
    with house.working(item) as work:
        portal.once(work)
    assert portal.filings == 1


def test_not_seen_yet_is_not_believed_before_its_time(house: House, portal: Portal) -> None:
    """What was sent may still be on its way when it is asked about at once."""
    item = house.paid_item()
    house.ground.settings = house.ground.settings.model_copy(update={"settle_seconds": 120.0})
    portal.before = fails(TimeoutError())
    with house.working(item) as work, pytest.raises(Gate) as gate:
        portal.once(work)
    assert (gate.value.kind, gate.value.not_before is not None) == ("settling", True)
    assert house.effect(KEY)["state"] == "unknown"


def test_what_nobody_can_tell_waits_for_a_person(house: House, portal: Portal) -> None:
    item = house.paid_item()
    portal.after, portal.can_be_asked = fails(TimeoutError()), False
    for _ in range(2):  # and again for the next run
        with house.working(item) as work, pytest.raises(Gate) as gate:
            portal.once(work)
        assert gate.value.kind == "unknown_effect"
    assert portal.filings == 1

    effect_id = house.effect(KEY)["effect_id"]
    with house.connect() as connection:
        effects.settle_by_person(
            connection, effect_id, happened=True, by="ada", note="Seen in the portal.", reference="C-9", now=NOW
        )
    with house.working(item) as work:
        assert portal.once(work).reference == "C-9"
    assert portal.filings == 1


def test_a_person_may_say_that_it_did_not_happen(house: House, portal: Portal) -> None:
    item = house.paid_item()
    portal.before, portal.can_be_asked = fails(TimeoutError()), False
    with house.working(item) as work, pytest.raises(Gate):
        portal.once(work)
    with house.connect() as connection:
        effect_id = house.effect(KEY)["effect_id"]
        effects.settle_by_person(
            connection, effect_id, happened=False, by="ada", note="Called.", reference=None, now=NOW
        )
    portal.before = lambda: None
    with house.working(item) as work:
        portal.once(work)
    assert portal.filings == 1


def test_only_what_is_unknown_is_settled_by_a_person(house: House, portal: Portal) -> None:
    item = house.paid_item()
    with house.working(item) as work:
        effect = portal.once(work)
    with house.connect() as connection, pytest.raises(FulfillmentError, match="is done"):
        effects.settle_by_person(
            connection, effect.effect_id, happened=False, by="ada", note="", reference=None, now=NOW
        )


def test_the_same_filing_is_not_made_for_two_items(house: House, portal: Portal) -> None:
    """A customer who orders twice is not filed for twice."""
    first, second = house.paid_item(), house.paid_item()
    with house.working(first) as work:
        portal.once(work)
    with house.working(second) as work, pytest.raises(Gate) as gate:
        portal.once(work)
    assert (gate.value.kind, portal.filings) == ("duplicate", 1)


def test_what_was_done_is_not_done_again_with_another_content(house: House, portal: Portal) -> None:
    item = house.paid_item()
    with house.working(item) as work:
        portal.once(work)
    with house.working(item) as work, pytest.raises(Gate) as gate:
        portal.once(work, content=OTHER_CONTENT)
    assert (gate.value.kind, portal.filings) == ("duplicate", 1)


@pytest.mark.parametrize("point", ["effects.filing.intended", "effects.filing.performed", "effects.filing.done"])
def test_killed_at_any_moment_it_is_done_once(
    house: House, portal: Portal, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = house.paid_item()
    monkeypatch.setenv(faults.VARIABLE, f"{point}:kill")
    died = multiprocessing.get_context("fork").Process(target=_attempt, args=(house, portal, item))
    died.start()
    died.join(30)
    assert died.exitcode == -9
    monkeypatch.delenv(faults.VARIABLE)
    for _ in range(2):
        try:
            with house.working(item) as work:
                portal.once(work)
        except NotDone:
            continue
    assert (portal.filings, house.effect(KEY)["state"]) == (1, "done")


def test_of_many_runs_at_once_one_does_it(house: House, portal: Portal) -> None:
    item = house.paid_item()
    context = multiprocessing.get_context("fork")
    runs = [context.Process(target=_attempt, args=(house, portal, item)) for _ in range(6)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(30)
    assert portal.filings == 1


def _attempt(house: House, portal: Portal, item: int) -> None:
    try:
        with house.working(item) as work:
            portal.once(work)
    except (AssertionError, Gate):
        os._exit(0)


def test_who_lost_the_lease_begins_nothing(house: House, portal: Portal) -> None:
    item = house.paid_item()
    with house.working(item) as work:
        with house.connect() as connection:  # as another run does, once this one counts as gone
            connection.execute("update pw.item_work set lease_token = gen_random_uuid() where item_id = %s", (item,))
        with pytest.raises(LeaseLost):
            portal.once(work)
    assert portal.filings == 0


@pytest.mark.parametrize(
    "deed",
    [
        "update pw.effects set state = 'not_done', done_at = null",
        "update pw.effects set reference = 'other'",
        "update pw.effects set key = 'other'",
        "delete from pw.effects",
        "delete from pw.effect_events",
        "update pw.item_events set text = 'other'",
    ],
)
def test_the_database_keeps_what_was_done(house: House, portal: Portal, deed: str) -> None:
    item = house.paid_item()
    with house.working(item) as work:
        portal.once(work)
    with house.connect() as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(deed)
