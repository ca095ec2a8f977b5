"""The portals' stand-ins at the wire: what keeps a program from taking a short cut, and how they misbehave."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from pw_pipelines.sandbox.portals.companies import SIZES, find, register
from pw_pipelines.settings import Settings
from tests.fixtures_sandbox import SEED, serving

WY = "/portals/wy/Business/FilingSearch.aspx"
BC = "/portals/bc/registry-search/api/v2/search/businesses"
MO = "/portals/mo/BusinessEntity/BESearch.aspx"


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The stand-ins, without those that need a database."""
    with serving(Settings(home=tmp_path_factory.mktemp("home"), sandbox_seed=SEED)) as url:
        yield url


@pytest.fixture
def visitor(stand_ins: str) -> Iterator[httpx.Client]:
    """A visitor with cookies, to portals in a good mood."""
    with httpx.Client(base_url=stand_ins, follow_redirects=True, timeout=30) as client:
        client.delete("/portals/_control/")
        yield client


def hidden(html: str) -> dict[str, str]:
    """The hidden fields of the post-back form."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" id="\w+" value="([^"]*)">', html))


def searched(visitor: httpx.Client, name: str) -> str:
    form = hidden(visitor.get(WY).text)
    form |= {"ctl00$MainContent$txtFilingName": name, "ctl00$MainContent$SearchType": "chkSearchIncludes",
             "ctl00$MainContent$cmdSearch": "Search"}  # fmt: skip
    return visitor.post(WY, data=form).text


@pytest.mark.parametrize("state", sorted(SIZES))
def test_a_register_is_the_same_for_the_same_seed(state: str) -> None:
    again = register.__wrapped__(SEED, state)

    assert again == register(SEED, state)
    assert len(again) == SIZES[state]
    assert len({one.name for one in again}) > SIZES[state] * 0.9


def test_a_search_compares_letters_and_nothing_else() -> None:
    assert [one.name for one in find(SEED, "WY", "blue fox")] == ["The Blue Fox LLC"]
    assert find(SEED, "WY", "blue fox", begins=True) == []
    assert find(SEED, "WY", "blue  fox") == []
    assert find(SEED, "WY", " ") == []


def test_a_post_back_without_the_view_state_it_was_given_is_refused(visitor: httpx.Client) -> None:
    form = hidden(visitor.get(WY).text)
    wrong = [{}, {**form, "__VIEWSTATE": form["__VIEWSTATE"][:-8] + "AAAAAAA="}, {**form, "__EVENTVALIDATION": "x"}]

    assert [visitor.post(WY, data=one).status_code for one in wrong] == [500, 500, 500]


def test_a_pager_is_a_post_back_that_carries_the_question(visitor: httpx.Client) -> None:
    first = searched(visitor, "grill")
    form = hidden(first) | {"__EVENTTARGET": "ctl00$MainContent$lbtnNextHeader"}
    second = visitor.post(WY, data=form).text

    assert 'id="MainContent_lblCurrentPage">1<' in first
    assert 'id="MainContent_lblCurrentPage">2<' in second
    assert 'id="MainContent_lblSearched">grill<' in second
    assert set(re.findall(r"\((\d{4}-\d{9})\)", first)).isdisjoint(re.findall(r"\((\d{4}-\d{9})\)", second))


def test_a_name_is_shown_as_text_whatever_is_in_it(visitor: httpx.Client) -> None:
    assert "<script>alert" not in searched(visitor, "<script>alert(1)</script>")


def test_a_list_too_long_is_cut_and_says_so(visitor: httpx.Client) -> None:
    html = searched(visitor, "an")

    assert "Only the first 400 are" in html
    assert 'id="MainContent_lblCount">400<' in html


@pytest.mark.parametrize("asked", [{}, {"query": {}}, {"query": {"value": "a"}, "start": "x", "rows": 1}, []])
def test_the_service_refuses_what_is_no_question(visitor: httpx.Client, asked: object) -> None:
    assert visitor.post(BC, json=asked).status_code == 400


def test_the_service_gives_parts_of_the_list_and_the_whole_number(visitor: httpx.Client) -> None:
    found = visitor.post(BC, json={"query": {"value": "grill"}, "start": 10, "rows": 10}).json()["searchResults"]

    assert len(found["results"]) == 10
    assert found["totalResults"] == len(find(SEED, "BC", "grill")) > 20
    assert found["results"][0]["name"] == find(SEED, "BC", "grill")[10].name.upper()


def test_who_comes_in_at_the_wizards_back_begins_anew(visitor: httpx.Client) -> None:
    page = visitor.get("/portals/mo/BusinessEntity/BESearchResults.aspx?page=1")

    assert "Your session has ended" in page.text
    assert 'id="step-number">1<' in page.text


def test_the_wizard_lets_no_step_be_left_out(visitor: httpx.Client) -> None:
    visitor.get(MO)

    assert "Your session has ended" in visitor.post(MO, data={"step": "3", "name": "grill"}).text


def test_the_wizard_remembers_what_was_chosen(visitor: httpx.Client) -> None:
    visitor.get(MO)
    visitor.post(MO, data={"step": "1", "by": "name"})
    visitor.post(MO, data={"step": "2", "match": "begins"})
    page = visitor.post(MO, data={"step": "3", "name": "the blue"})

    assert page.url.path.endswith("BESearchResults.aspx")
    assert re.findall(r'class="name">([^<]+)<', page.text) == [
        one.name.upper() for one in find(SEED, "MO", "the blue", begins=True)
    ]


@pytest.mark.parametrize(
    ("mood", "status", "words"),
    [("maintenance", 503, "scheduled maintenance"), ("blocked", 403, "Forbidden"), ("error", 500, "went wrong")],
)
def test_a_mood_lasts_until_it_is_taken_back(visitor: httpx.Client, mood: str, status: int, words: str) -> None:
    visitor.post("/portals/_control/", json={"portal": "mo", "mood": mood})
    moody = visitor.get(MO)
    visitor.post("/portals/_control/", json={"portal": "mo", "mood": "well"})

    assert (moody.status_code, words in moody.text) == (status, True)
    assert visitor.get(MO).status_code == 200


def test_calls_are_counted_and_can_be_forgotten(visitor: httpx.Client) -> None:
    visitor.get(WY)
    visitor.get(WY)

    assert visitor.get("/portals/_control/").json()["calls"] == {"wy": 2}
    assert visitor.delete("/portals/_control/").json() == {"moods": {}, "calls": {}, "agents": {}}


@pytest.mark.parametrize("order", [{"portal": "tx", "mood": "well"}, {"portal": "wy", "mood": "glad"}, {}])
def test_a_mood_nobody_knows_is_refused(visitor: httpx.Client, order: dict[str, str]) -> None:
    assert visitor.post("/portals/_control/", json=order).status_code == 422
