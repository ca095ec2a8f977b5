"""A company ordered whole, worked by the real stages on the stand-ins: formed, with a number and an agent, each once.
And the IRS's lost answer, which nobody but a person may settle."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from pw_pipelines.commerce.orders import FormationDetails, NewCustomer, NewOrder, place
from pw_pipelines.commerce.quote import Basket, BasketItem
from pw_pipelines.db.connection import Database
from pw_pipelines.filings.browsers import Browsers
from pw_pipelines.filings.engine import FilingEngine
from pw_pipelines.filings.portal import portal_of
from pw_pipelines.fulfillment import effects, items
from pw_pipelines.fulfillment.ground import Ground
from pw_pipelines.fulfillment.model import FulfillmentError
from pw_pipelines.fulfillment.playbook import playbook_of
from pw_pipelines.resources.objects import Objects
from pw_pipelines.runtime.browser import BY_HAND, chromium_path
from pw_pipelines.settings import Settings, with_sandbox_addresses
from tests.commerce.making import pay, price
from tests.filings.house import House
from tests.fixtures_sandbox import SEED, serving
from tests.sandbox.filing_portals.state_facts import FACTS
from tests.sandbox.filing_portals.state_visitor import PORTALS, Visitor

COMPANY = "Larkmoor Quill LLC"
SERVICES = {"formation_basic": "wy_registry", "ein": "irs_ein", "registered_agent": "agent_wholesale"}


class Office(House):
    """The house of the filing tests, for orders of companies."""

    visitor: Visitor

    def company(self, name: str = COMPANY, ssn: str = "900-12-3456") -> dict[str, int]:
        """The items of one paid order, each with its facts told and its documents signed, at the review."""
        now = self.ground.clock.now()
        wanted = (
            BasketItem("formation_basic", for_state="WY"), BasketItem("ein"),
            BasketItem("registered_agent", for_state="WY"),
        )  # fmt: skip
        with self.connect() as connection:
            new = NewOrder(NewCustomer("ada@example.com", "Ada"), FormationDetails("WY", "llc", name))
            placed = place(connection, new, price(Basket("formation", wanted)), now=now)
            pay(connection, placed.order_id, now=now)
            items.open_items(connection, now=now, order_id=placed.order_id)
            made = {one.service: one.item_id for one in items.items_of(connection, placed.order_id)}
            for service, item in made.items():
                needed = playbook_of(service).facts
                facts = FACTS | {"company_name": name, "form": "llc", "responsible_ssn": ssn}
                self.tell(connection, item, {fact: facts[fact] for fact in (*needed, "firm_name", "firm_address")})
                connection.execute("update pw.item_work set stage = 'review' where item_id = %s", (item,))
        for service, item in made.items():
            for document in playbook_of(service).documents:
                self.sign(item, document.template)
        return made

    def approved(self, item: int) -> int:
        assert self.go(item, "review") == ["review"]
        self.approve(item)
        assert self.go(item, "review") == ["done"]
        return item

    def ledger(self, item: int) -> dict[str, object]:
        [row] = self.rows("select * from pw.effects where item_id = %s and kind = 'filing'", item)
        return row


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Browsers]]:
    if chromium_path() is None:
        pytest.skip(f"no working Chromium on this machine; {BY_HAND}")
    settings, browsers = Settings(home=tmp_path_factory.mktemp("home"), sandbox_seed=SEED), Browsers(rest_seconds=120)
    with serving(settings) as url:
        yield with_sandbox_addresses(settings.model_copy(update={"sandbox_url": url})), browsers
        browsers.close()


@pytest.fixture
def office(db: Database, running: tuple[Settings, Browsers]) -> Iterator[Office]:
    settings, browsers = running
    with tempfile.TemporaryDirectory() as folder:
        objects = Path(folder).as_uri()
        seen = settings.model_copy(
            update={"database_url": SecretStr(db.url), "objects_url": objects, "settle_seconds": 0.0}
        )
        made = Office(db, Ground(seen, db, Objects(objects)), Path(folder) / "clock.json")
        made.ground.__dict__["filing"] = FilingEngine(seen, portals=portal_of, browsers=browsers)
        made.visitor = Visitor(settings)
        made.visitor.quiet()
        made.visitor.client.delete("/_control/faults")
        with made.connect() as connection:
            for portal in PORTALS:
                connection.execute(
                    "insert into pw.filing_portals (portal, probed_at, probe_ok) values (%s, %s, true)",
                    (portal, made.ground.clock.now()),
                )
        yield made
        made.visitor.client.close()


def test_a_company_is_formed_numbered_and_given_an_agent_each_once(office: Office) -> None:
    ordered = office.company()
    assert set(ordered) == set(SERVICES)
    for service, item in ordered.items():
        office.approved(item)
        assert office.go(item, "file", "confirm") == ["done", "done"], service
    assert {portal: office.visitor.filed(portal) for portal in SERVICES.values()} == dict.fromkeys(SERVICES.values(), 1)
    told = "\n".join(str(row) for row in office.rows("select text from pw.item_events"))
    assert "900-12-3456" not in told
    kept = [office.ground.objects.open(row["digest"]).read() for row in office.rows("select digest from pw.evidence")]
    assert not any(ssn in content for content in kept for ssn in (b"900-12-3456", b"900123456"))


def test_the_irss_lost_answer_is_settled_by_a_person_and_never_sent_again(office: Office) -> None:
    item = office.approved(office.company()["ein"])
    body = {"system": "filing", "fault": "done_but_timeout", "match": "irs_ein/applyein/submit", "seconds": 0.2}
    office.visitor.client.post("/_control/faults", json=body).raise_for_status()
    assert office.go(item, "file") == ["unknown_effect"]

    office.visitor.later(days=1)  # on which the IRS would give the same party a second number
    for _ in range(3):
        office.again(item)
        assert office.go(item, "file") == ["unknown_effect"]
    assert office.visitor.filed("irs_ein") == 1

    with office.connect() as connection:
        now, effect = office.ground.clock.now(), int(str(office.ledger(item)["effect_id"]))
        effects.settle_by_person(
            connection, effect, happened=True, by="rae", note="Told on the telephone.", reference="00-1000001", now=now
        )
        with pytest.raises(FulfillmentError):
            effects.settle_by_person(connection, effect, happened=False, by="rae", note="", reference=None, now=now)
    office.again(item)
    assert office.go(item, "file")[0] == "done"
    assert (office.visitor.filed("irs_ein"), office.ledger(item)["reference"]) == (1, "00-1000001")


def test_the_irs_is_waited_for_until_it_opens(office: Office) -> None:
    item = office.approved(office.company()["ein"])
    office.visitor.at(datetime(2026, 11, 28, 6, 30, tzinfo=UTC))  # Saturday 01:30 in New York
    office.set(probe_days=90)
    assert office.go(item, "file") == ["hours"]
    row = office.row(item)
    assert row["not_before"] == datetime(2026, 11, 28, 11, 0, tzinfo=UTC)
    assert office.visitor.filed("irs_ein") == 0

    office.visitor.at(datetime(2026, 11, 28, 11, 0, tzinfo=UTC))
    with office.connect() as connection:
        assert items.open_clocks(connection, now=office.ground.clock.now()) == [item]
    assert office.go(item, "file") == ["done"]


def test_one_party_gets_its_second_number_on_another_day(office: Office) -> None:
    first = office.approved(office.company()["ein"])
    second = office.approved(office.company("Second Larkmoor LLC", ssn="900123456")["ein"])
    assert office.go(first, "file") == ["done"]
    assert office.go(second, "file") == ["hours"]
    assert office.row(second)["not_before"] == datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
    assert office.visitor.filed("irs_ein") == 1
