"""States and names: over the API, and as a page in a real browser."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from pw_pipelines.portal import names_page
from pw_pipelines.registry.model import Blocking, NameVerdict
from pw_pipelines.registry.portal_query import plan
from pw_pipelines.registry.portals import road
from pw_pipelines.settings import Settings
from tests.portal import given
from tests.portal.conftest import Web
from tests.portal.test_browser import held_up, page, shot
from tests.registry.florida import Company
from tests.registry.houses import House

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["page"]

STATES = "/api/v1/states"
CONTRACT = {"state", "name", "verdict", "rule", "statute", "keys", "blocking", "near", "restricted", "data"}


@pytest.fixture
def florida(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Web:
    """A web app over a whole, fresh register of Florida: 40 companies, one of them BLUE FOX RENTALS,LLC."""
    from pw_pipelines.registry import road
    from pw_pipelines.sources.contract import Change, contract

    monkeypatch.setattr(
        road,
        "contract",
        lambda source: contract(source).model_copy(update={"change": Change(shrink_pct=100, growth_pct=1e6)}),
    )
    house = House(web.db, tmp_path)
    house.now = given.NOW
    others = [Company(f"L2600000{number:04}", f"HARBOR POINT {number} LLC") for number in range(40)]
    today = given.NOW.date()
    house.whole(Company("L26000435750", "BLUE FOX RENTALS,LLC"), *others, as_of=date.fromordinal(today.toordinal() - 1))
    return web


def test_all_52_are_listed_with_fees_that_name_their_source(web: Web) -> None:
    states = web.get(STATES).json()["states"]
    assert len(states) == 52
    by_code = {one["code"]: one for one in states}
    assert by_code["FL"]["fees"]["llc_formation"]["amount"] == "125"
    assert (
        by_code["BC"]["fees"]["llc_formation"] | {"amount": None, "currency": "CAD"}
        == by_code["BC"]["fees"]["llc_formation"]
    )
    assert all(fee["source"] for one in states for fee in one["fees"].values())
    assert [
        one["code"] for one in states for fee in one["fees"].values() if fee["amount"] is None and not fee["words"]
    ] == []


def test_what_is_held_of_a_register_is_told_and_what_is_not_is_null(florida: Web) -> None:
    by_code = {one["code"]: one for one in florida.get(STATES).json()["states"]}
    assert by_code["FL"]["data"]["rows"] == 41
    assert by_code["FL"]["data"]["as_of"] is not None
    assert by_code["WY"]["data"] is None
    assert by_code["CO"]["data"]["is_usable"] is False


def test_a_name_that_differs_in_what_florida_ignores_is_taken_by_the_record_shown(florida: Web) -> None:
    reply = florida.get(f"{STATES}/fl/name-search?name=The+Blue+Foxes+Rental,+Inc.")
    body = reply.json()
    assert reply.status_code == 200
    assert body.keys() >= CONTRACT
    assert body["verdict"] == "taken"
    assert "605.0112" in body["statute"]
    assert [(one["id"], one["name"]) for one in body["blocking"]] == [("L26000435750", "BLUE FOX RENTALS,LLC")]
    assert body["blocking"][0]["key"] == body["keys"]["asked"]
    assert body["data"]["rows"] == 41


def test_a_state_without_a_register_here_is_never_clear(web: Web) -> None:
    for code in ("CO", "WY", "BC", "CA"):
        body = web.get(f"{STATES}/{code}/name-search?name=Blue+Fox+LLC").json()
        assert body["verdict"] == "a person must look", code
        assert body["look"].startswith("https://")
        assert body["reasons"]


def test_several_states_answer_in_one_call_each_once(florida: Web) -> None:
    body = florida.get("/api/v1/name-search?name=Blue+Fox+Rental&states=fl,CO,fl").json()
    assert [(one["state"], one["verdict"]) for one in body["answers"]] == [
        ("FL", "taken"),
        ("CO", "a person must look"),
    ]
    assert len(web_all(florida)) == 52


def web_all(web: Web) -> list[dict[str, object]]:
    return list(web.get("/api/v1/name-search?name=Blue+Fox+Rental&states=all").json()["answers"])


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"{STATES}/ZZ/name-search?name=x", "code"),
        (f"{STATES}/all/name-search?name=x", "code"),
        (f"{STATES}/FL/name-search", "name"),
        (f"{STATES}/FL/name-search?name=", "name"),
        (f"{STATES}/FL/name-search?name=LLC", "name"),
        (f"{STATES}/FL/name-search?name=%00", "name"),
        (f"{STATES}/FL/name-search?name=%E8%93%9D%E7%8B%90", "name"),
        (f"{STATES}/FL/name-search?name={'x' * 301}", "name"),
        (f"{STATES}/FL/name-search?name=x&form=club", "form"),
        ("/api/v1/name-search?name=x&states=", "states"),
        ("/api/v1/name-search?name=x&states=&states=,", "states"),
        ("/api/v1/name-search?name=x", "states"),
        ("/api/v1/name-search?name=x&states=FL,Utopia", "states"),
        ("/api/v1/name-search?name=x&states=Utopia&states=FL", "states"),
        (f"/api/v1/name-search?name=x&states={'FL,' * 200}", "states"),
        (f"/api/v1/name-search?name=x{'&states=FL' * 53}", "states"),
    ],
)
def test_what_cannot_be_asked_gets_a_problem_with_field_and_remedy(web: Web, path: str, field: str) -> None:
    reply = web.get(path)
    assert (reply.status_code, reply.headers["content-type"]) == (422, "application/problem+json")
    assert (reply.json()["field"], bool(reply.json()["remedy"])) == (field, True)


def test_states_may_be_given_with_commas_and_several_times_and_none_is_lost(florida: Web) -> None:
    for asked in (
        "states=FL&states=CO",
        "states=FL,CO",
        "states=fl,%20CO&states=CO&states=FL",
        "states=FL&states=,CO,",
    ):
        body = florida.get(f"/api/v1/name-search?name=Blue+Fox+Rental&{asked}").json()
        assert [one["state"] for one in body["answers"]] == ["FL", "CO"], asked


def test_a_customer_searches_a_name_in_three_states(page: Page, florida: Web, tmp_path: Path) -> None:
    page.goto(f"{florida.url}/tools/name-search")
    held_up(page)
    shot(page, tmp_path, "names-form")
    page.get_by_label("Name, as it would be filed").fill("Blue Fox Rental <b>LLC</b>")
    for state in ("Florida", "Colorado", "British Columbia"):
        page.get_by_label(state, exact=True).check()
    page.get_by_role("button", name="Search").click()
    headings = page.get_by_role("heading", level=2).all_inner_texts()
    assert [text.split(":")[0] for text in headings] == ["British Columbia", "Colorado", "Florida"]
    assert "<b>" in page.get_by_role("heading", level=1).inner_text()
    held_up(page)
    shot(page, tmp_path, "names")


def test_the_page_says_which_record_has_the_name(page: Page, florida: Web) -> None:
    page.goto(f"{florida.url}/tools/name-search?name=Blue+Fox+Rental+LLC&state=FL")
    assert page.get_by_role("heading", level=2).inner_text() == "Florida: taken"
    assert page.get_by_text("BLUE FOX RENTALS,LLC", exact=True).is_visible()
    held_up(page)


def test_all_states_can_be_ticked_at_once_and_are_told_in_a_table_first(
    page: Page, florida: Web, tmp_path: Path
) -> None:
    page.goto(f"{florida.url}/tools/name-search?name=Blue+Fox+Rental+LLC&state=all")
    rows = page.get_by_role("row").all_inner_texts()
    assert len(rows) == 53
    assert page.get_by_label("All 52").is_checked()
    shown = [row.split("\n")[0].split("\t")[0].strip() for row in rows[1:]]
    assert shown[:4] == ["Alabama", "Alaska", "Arizona", "Arkansas"]
    assert shown == sorted(shown)
    assert not page.get_by_text("605.0112").is_visible(), "folded until it is opened"
    page.get_by_text("The whole answer for Florida").click()
    assert page.locator("#in-FL").get_by_text("605.0112").is_visible()
    assert page.locator("#in-FL").get_by_text("BLUE FOX RENTALS,LLC", exact=True).is_visible()
    held_up(page)
    shot(page, tmp_path, "names-all")


LONG = "Southeastern Telecommunications Infrastructure Management Holdings Group LLC"


@pytest.mark.parametrize("width", [390, 768, 1280])
@pytest.mark.parametrize("query", ["state=FL&state=NY", "state=all"])
@pytest.mark.parametrize("name", [LONG, "W" * 295 + " LLC"])
def test_a_long_name_breaks_the_page_at_no_width(
    browser: Browser, florida: Web, name: str, query: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{florida.url}/tools/name-search?{urlencode({'name': name})}&{query}")
    for folded in page.locator("main .name details, main tr:nth-child(-n+12) td > details").all():
        folded.locator("summary").first.click()
    held_up(page)
    cut = "() => [...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth).length"
    assert page.evaluate(cut) == 0, "the table needs no scrolling to the side"
    context.close()


def test_an_answer_stands_on_one_line_of_the_table(page: Page, florida: Web) -> None:
    page.goto(f"{florida.url}/tools/name-search?name=Blue+Fox+LLC&state=all")
    for answer in page.get_by_text("a person must look", exact=True).all()[:5]:
        assert answer.evaluate("e => { const r = document.createRange(); r.selectNodeContents(e);"
                               " return r.getClientRects().length }") == 1  # fmt: skip


@pytest.mark.parametrize("asked", ["state=AK", "state=all"])
def test_the_official_search_is_one_link_and_its_address_no_words_of_the_text(web: Web, asked: str) -> None:
    text = web.get(f"/tools/name-search?name=Blue+Fox+LLC&{asked}").text
    assert "No register of Alaska was looked into." in text
    assert text.count("https://www.commerce.alaska.gov/cbp/main/search/entities") == 1
    assert not re.search(r">[^<]*https?://", text)


def test_names_that_are_near_are_shown_with_their_number(florida: Web) -> None:
    near = florida.get(f"{STATES}/FL/name-search?name=Harbour+Point+3+LLC").json()["near"]
    assert near
    text = florida.get("/tools/name-search?name=Harbour+Point+3+LLC&state=FL").text
    for one in near:
        assert f'{one["name"]} <span class="code">{one["id"]}</span>' in text


def test_a_registry_that_is_no_states_is_not_called_one(web: Web) -> None:
    text = web.get("/tools/name-search?name=Blue+Fox+Ltd&state=BC").text
    assert "We do not ask the registry’s own search from this page." in text
    assert "state’s own search" not in text


def told(web: Web, monkeypatch: pytest.MonkeyPatch, **changed: Any) -> str:
    """The page over a verdict made by hand."""
    given = NameVerdict(
        state="FL", name="Walkthree Cafe LLC", verdict="a person must look", rule="A rule.", statute="605.0112",
        keys={"asked": "walkthree cafe", "asked_loose": "walkthrecaf"}, blocking=(), near=(), restricted=(),
        data={"as_of": "2026-11-22", "rows": 41, "gaps": []},
    )  # fmt: skip
    monkeypatch.setattr(names_page, "answers", lambda *_a, **_k: [replace(given, **changed)])
    return web.get("/tools/name-search?name=Walkthree+Cafe+LLC&state=FL").text


def test_both_keys_of_both_names_are_side_by_side(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    why = "The same if accents make no difference."
    one = Blocking("L1", "WALKTHREE CAFÉ “LLC”", "A", "walkthree café", why, loose_key="walkthrecaf")
    text = told(web, monkeypatch, blocking=(one,))
    for strict in ("walkthree cafe", "walkthree café"):
        assert f'<span class="code">{strict}</span><br><span class="code">walkthrecaf</span>' in text


def test_a_key_that_is_both_keys_is_shown_once(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Blocking("L1", "FOX", "A", "fox", "It is a registered entity, active.")
    text = told(web, monkeypatch, verdict="taken", keys={"asked": "fox"}, blocking=(one,))
    assert text.count('<span class="code">fox</span>') == 2
    assert "if unconfirmed points are ignored too" not in text


def test_only_what_is_clear_leads_to_an_order(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Have it formed" in told(web, monkeypatch, verdict="clear")
    for verdict in ("taken", "a person must look"):
        assert "Have it formed" not in told(web, monkeypatch, verdict=verdict)


@pytest.mark.parametrize(
    ("form", "words"), [("llc", "in Florida as an LLC"), ("corporation", "in Florida as a corporation")]
)
def test_the_way_to_the_order_says_which_form_was_looked_up(
    web: Web, monkeypatch: pytest.MonkeyPatch, form: str, words: str
) -> None:
    told(web, monkeypatch, verdict="clear")
    assert words in web.get(f"/tools/name-search?name=Fox&state=FL&form={form}").text


def test_the_page_writes_days_and_statuses_in_words(florida: Web) -> None:
    text = florida.get("/tools/name-search?name=Blue+Fox+Rental+LLC&state=FL&state=NJ&form=corporation").text
    assert "it is a registered entity, active." in text
    assert "607.0401" in text
    assert "the test for corporations was not read" in text
    assert "What is not confirmed about the rule" in text
    assert "Ask us, and we look the name up there" in text
    assert re.search(r"whole up to [A-Z][a-z]{2} \d{1,2}, \d{4}", text)
    assert not re.search(r"\b2026-\d\d-\d\d\b", text)


def test_an_answer_of_a_portal_within_a_day_is_used_by_page_and_api(web: Web, web_settings: Settings) -> None:
    path = "name-search?name=Kumquat+Lantern+LLC&state"
    with web.db.connect() as connection:
        connection.execute("truncate registry.portal_searches")
    before = web.get(f"{STATES}/MO/name-search?name=Kumquat+Lantern+LLC").json()
    assert before["data"]["as_of"] is None
    way = road("MO", web_settings)
    assert way.adapter is not None
    asked = " | ".join(one[: way.adapter.longest] for one in plan("Kumquat Lantern LLC", way.adapter.match).questions)
    with web.db.connect() as connection:
        connection.execute(
            "insert into registry.portal_searches (state, query, asked_at, outcome, detail, records, evidence)"
            " values ('MO', %s, %s, 'nothing', 'The portal says that it has no such name.', '[]', '{}')",
            (asked, given.NOW - timedelta(hours=3)),
        )
    after = web.get(f"{STATES}/MO/name-search?name=Kumquat+Lantern+LLC").json()
    assert after["data"]["as_of"] == given.NOW.date().isoformat()
    assert "The portal says that it has no such name." in " ".join(after["reasons"])
    assert "seen at the registry on" in web.get(f"/tools/{path}=MO").text
    assert "Ask us" not in web.get(f"/tools/{path}=MO").text


def test_a_remedy_is_said_once(web: Web) -> None:
    body = web.get(f"{STATES}/FL/name-search?name=LLC").json()
    assert body["detail"] == "'LLC' only says a legal form."
    assert body["remedy"] == "Put a name before it."


@pytest.mark.parametrize(
    ("query", "says", "field"),
    [
        ("name=Blue+Fox", "No state is chosen", "state"),
        ("name=&state=FL", "Give a name.", "name"),
        ("name=++&state=FL", "Give a name.", "name"),
        ("name=.&state=FL", "no letter or digit", "name"),
        ("name=Blue+Fox&state=ZZ", "no jurisdiction", "state"),
        ("name=LLC&state=FL", "legal form", "name"),
        (f"name={'x' * 301}&state=FL", "301 characters", "name"),
        ("name=Blue+Fox&state=FL&form=club", "no form", "form"),
    ],
)
def test_the_page_marks_the_field_that_is_wrong_and_no_other(
    page: Page, web: Web, query: str, says: str, field: str
) -> None:
    reply = page.goto(f"{web.url}/tools/name-search?{query}")
    assert reply is not None
    assert reply.status == 400
    marked = page.locator("[aria-invalid]")
    assert [one.get_attribute("id") for one in marked.all()] == [field]
    described_by = str(marked.get_attribute("aria-describedby")).split()[-1]
    assert says in page.locator(f"#{described_by}").inner_text()
    page.get_by_role("alert").get_by_role("link").click()
    assert page.url.endswith(f"#{field}")
    held_up(page)


def test_a_search_that_was_refused_keeps_what_was_typed(page: Page, web: Web) -> None:
    page.goto(f"{web.url}/tools/name-search?name=LLC&form=corporation&state=FL")
    assert page.get_by_label("Name, as it would be filed").input_value() == "LLC"
    assert page.get_by_label("Corporation").is_checked()
    assert page.get_by_label("Florida").is_checked()


def test_a_name_that_is_clear_leads_to_having_the_company_formed(page: Page, florida: Web, tmp_path: Path) -> None:
    page.goto(f"{florida.url}/tools/name-search?name=Green+Heron+%26+Sons+LLC&state=FL")
    held_up(page)
    shot(page, tmp_path, "names-clear")
    page.get_by_role("link", name="Have it formed in Florida").click()
    assert page.get_by_role("checkbox", name="Formation of a company, basic").is_checked()
    assert "can’t be ordered by this form alone" in page.content() and "$179.00" in page.content()
    assert page.get_by_label("State", exact=True).input_value() == "FL"
    assert page.get_by_role("textbox", name="Company").input_value() == "Green Heron & Sons LLC"
    held_up(page)
    shot(page, tmp_path, "checkout-formation")
    page.get_by_label("Your name").fill("Ada Example")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_role("button", name="Ask for the quote").click()
    assert page.url.endswith("/checkout/received")
    with florida.db.connect() as connection:
        [flag] = connection.execute("select kind, text from pw.conversation_flags").fetchall()
    assert flag["kind"] == "quote"
    assert json.loads(str(flag["text"])) == {
        "services": ["formation_basic"], "states": {"formation_basic": "FL"}, "frn": "",
        "company": "Green Heron & Sons LLC", "form": "llc",
    }  # fmt: skip


def test_the_form_looked_up_is_the_form_ordered_and_the_way_back_leads_to_the_search(page: Page, web: Web) -> None:
    asked = {"services": "formation_basic", "state": "FL", "company": "Green Heron Inc", "form": "corporation"}
    page.goto(f"{web.url}/checkout?{urlencode(asked)}")
    assert "It is formed as a corporation." in page.content()
    page.get_by_role("button", name="Ask for the quote").click()
    assert "It is formed as a corporation." in page.content(), "kept where the form comes back with faults"
    page.get_by_role("link", name="Back to the name search").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Green Heron Inc"
    assert page.get_by_label("Corporation").is_checked()
    assert page.get_by_label("Florida", exact=True).is_checked()


def test_without_a_name_search_the_way_back_leads_to_the_check(web: Web) -> None:
    text = web.get("/checkout?services=formation_basic&form=club").text
    assert "Back to the check" in text
    assert "It is formed as" not in text


def test_a_name_that_is_taken_leads_to_no_order(florida: Web) -> None:
    assert "Have it formed" not in florida.get("/tools/name-search?name=Blue+Fox+Rentals+LLC&state=FL").text
