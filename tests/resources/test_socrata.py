"""Socrata through sodapy: whole datasets, counted before and after, or none; refusals told apart from silence."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from pydantic import SecretStr

from pw_pipelines.errors import SourceRefused, SourceUnavailable, UsageError
from pw_pipelines.resources.register_sites import RegisterSites
from pw_pipelines.resources.socrata import ROUNDS, SocrataSites, Wanted
from pw_pipelines.settings import Settings
from pw_pipelines.sources.bundle import read_bundle
from pw_pipelines.sources.socrata_datasets import columns
from tests.fixtures_registers import Registers

CO = Wanted("socrata_co", "data.colorado.gov", "4ykn-tg5h", ("entityid", "entityname", "entitystatus"))
NoSleep = tuple[list[float], Callable[[float], None]]
Query = Mapping[str, str]


@pytest.fixture
def sites(registers: Registers, no_sleep: NoSleep) -> Iterator[SocrataSites]:
    settings = registers.settings.model_copy(update={"socrata_page_rows": 400, "http_attempts": 3})
    with SocrataSites(settings, sleep=no_sleep[1]) as sites:
        yield sites


def replies(path: Path) -> dict[str, Any]:
    with path.open("rb") as raw:
        return {member.name: json.loads(body) for member, body in read_bundle(raw)}


def test_a_dataset_comes_whole_in_pages_with_its_count_before_and_after(sites: SocrataSites, tmp_path: Path) -> None:
    fetched = sites.fetch(CO, tmp_path)
    found = replies(fetched.path)
    pages = [rows for name, rows in found.items() if name.startswith("page-")]
    assert [len(rows) for rows in pages] == [400, 400, 262]
    assert found["count-before.json"] == found["count-after.json"] == [{"count": "1062"}]
    assert len({row["entityid"] for rows in pages for row in rows}) == 1062
    assert fetched.as_of is not None and fetched.as_of.isoformat() == "2026-11-22"
    assert "1,062 rows" in fetched.notes[-1]


def test_the_same_rows_make_the_same_bytes(sites: SocrataSites, tmp_path: Path) -> None:
    first, again = (sites.fetch(CO, tmp_path / name).path.read_bytes() for name in ("a.zip", "b.zip"))
    assert first == again


def test_only_wanted_columns_are_asked_for_and_no_persons_name(sites: SocrataSites, tmp_path: Path) -> None:
    wanted = Wanted("socrata_co", CO.domain, CO.dataset, (*CO.columns, "not_there_any_more"))
    rows = replies(sites.fetch(wanted, tmp_path).path)["page-00001.json"]
    assert {name for row in rows for name in row} == set(CO.columns)


@pytest.mark.parametrize("source", ["socrata_co", "socrata_ny", "socrata_or", "socrata_pa", "socrata_ct"])
def test_no_register_asks_for_what_names_a_person(source: str) -> None:
    personal = ("agent", "first", "last_name", "middle", "chairman", "process_name", "party")
    assert [name for name in columns(source).asked if any(word in name for word in personal)] == []


def test_every_register_is_fetched_by_the_datasets_book(registers: Registers, tmp_path: Path) -> None:
    with RegisterSites(registers.settings) as sites:
        for source in ("socrata_ny", "socrata_or", "socrata_pa", "socrata_ct"):
            with zipfile.ZipFile(sites.fetch_whole(source, tmp_path).path) as archive:
                assert "page-00001.json" in archive.namelist()
        with pytest.raises(UsageError, match="iowa_hub"):
            sites.fetch_whole("socrata_wa", tmp_path)


def test_a_dataset_that_is_gone_is_a_refusal_never_an_empty_register(sites: SocrataSites, tmp_path: Path) -> None:
    gone = Wanted("socrata_ia", "data.iowa.gov", "ez5t-3qay")
    with pytest.raises(SourceRefused, match=r"answered 404.*successor"):
        sites.fetch(gone, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("fault", "more"), [("status", {"status": 503}), ("html", {}), ("cut", {}), ("truncated", {})])
def test_a_page_that_fails_once_is_asked_for_again(
    sites: SocrataSites, registers: Registers, tmp_path: Path, no_sleep: NoSleep, fault: str, more: dict[str, Any]
) -> None:
    registers.misbehave("socrata", fault, match="offset=400", **more)
    assert "1,062 rows" in sites.fetch(CO, tmp_path).notes[-1]
    assert no_sleep[0] == [1.0]


def test_a_page_that_never_comes_leaves_no_copy(sites: SocrataSites, registers: Registers, tmp_path: Path) -> None:
    registers.misbehave("socrata", "status", status=500, times=None, match="offset=400")
    with pytest.raises(SourceUnavailable, match="answered 500"):
        sites.fetch(CO, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_throttled_request_waits_as_long_as_it_is_told(
    sites: SocrataSites, registers: Registers, no_sleep: NoSleep
) -> None:
    registers.misbehave("socrata", "status", status=429, retry_after=17)
    assert sites.count(CO) == 1062
    assert no_sleep[0] == [17.0]


def test_a_wait_longer_than_two_minutes_is_left_for_later(
    sites: SocrataSites, registers: Registers, no_sleep: NoSleep
) -> None:
    registers.misbehave("socrata", "status", status=429, retry_after=900, times=None)
    with pytest.raises(SourceUnavailable, match="answered 429"):
        sites.count(CO)
    assert no_sleep[0] == []


# -- a site made up per test --------------------------------------------------------------------------------------


class Site(requests.adapters.BaseAdapter):
    """Answers as `answer` says; remembers what it was asked."""

    def __init__(self, answer: Callable[[str, Query], object]) -> None:
        super().__init__()
        self._answer = answer
        self.asked: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *_args: object, **_more: object) -> requests.Response:
        self.asked.append(request)
        parts = urlsplit(str(request.url))
        content = self._answer(parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()})
        reply = requests.Response()
        reply.status_code, reply.url, reply.request = 200, str(request.url), request
        if isinstance(content, int):
            reply.status_code, content = content, {"error": True, "code": "x", "message": "No such thing: ''"}
        reply._content = json.dumps(content).encode()
        reply.headers["Content-Type"] = "application/json;charset=utf-8"
        return reply

    def close(self) -> None:
        pass


def dataset(counts: list[int], rows: list[dict[str, str]]) -> Callable[[str, Query], object]:
    """A dataset whose count changes from one asking to the next, the last one staying."""

    def answer(path: str, query: Query) -> object:
        if "/views/" in path:
            return {"id": "4ykn-tg5h", "columns": [{"fieldName": "entityid"}]}
        if "count" in query.get("$select", ""):
            return [{"count": str(counts.pop(0) if len(counts) > 1 else counts[0])}]
        return rows[int(query["$offset"]) :][: int(query["$limit"])]

    return answer


def asking(site: Site, tmp_path: Path, **settings: Any) -> SocrataSites:
    return SocrataSites(Settings(home=tmp_path, socrata_requests_per_second=1_000.0, **settings), adapter=site,
                        sleep=lambda _seconds: None)  # fmt: skip


ROWS = [{"entityid": str(number)} for number in range(7)]


def test_a_dataset_that_changes_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    site = Site(dataset([6, 7, 7, 7], ROWS))
    fetched = asking(site, tmp_path).fetch(CO, tmp_path)
    assert len(fetched.notes) == 2
    assert replies(fetched.path)["count-before.json"] == [{"count": "7"}]


def test_a_dataset_that_keeps_changing_is_left_for_later(tmp_path: Path) -> None:
    site = Site(dataset(list(range(1, 20)), ROWS))
    with pytest.raises(SourceUnavailable, match=f"changed during each of {ROUNDS} readings"):
        asking(site, tmp_path).fetch(CO, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_rows_that_disagree_with_a_steady_count_are_left_to_the_grader(tmp_path: Path) -> None:
    fetched = asking(Site(dataset([9], ROWS)), tmp_path).fetch(CO, tmp_path)
    assert "7 rows" in fetched.notes[-1] and "9 before" in fetched.notes[-1]


def test_short_pages_are_not_the_end(tmp_path: Path) -> None:
    whole = dataset([7], ROWS)

    def stingy(path: str, query: Query) -> object:
        found = whole(path, query)
        return found[:3] if isinstance(found, list) and "$offset" in query else found

    fetched = asking(Site(stingy), tmp_path).fetch(CO, tmp_path)
    assert sum(len(rows) for name, rows in replies(fetched.path).items() if name.startswith("page")) == 7


def test_who_we_are_is_said_and_a_token_sent_where_there_is_one(tmp_path: Path) -> None:
    site = Site(dataset([7], ROWS))
    asking(site, tmp_path, socrata_app_token=SecretStr("t0ken"), user_agent="us (+https://us.example)").count(CO)
    (request,) = site.asked
    assert request.headers["User-Agent"] == "us (+https://us.example)"
    assert request.headers["X-App-Token"] == "t0ken"
    assert str(request.url).startswith("https://data.colorado.gov/resource/4ykn-tg5h.json?")
    assert "t0ken" not in str(request.url)


def test_a_query_the_site_cannot_read_is_refused_with_its_own_words(tmp_path: Path) -> None:
    site = Site(lambda _path, _query: 400)
    with pytest.raises(SourceRefused, match="answered 400: No such thing"):
        asking(site, tmp_path).count(CO)
    assert len(site.asked) == 1


def test_an_object_where_rows_belong_is_no_empty_page(tmp_path: Path) -> None:
    whole = dataset([7], ROWS)

    def answer(path: str, query: Query) -> object:
        return {"error": True} if "$offset" in query else whole(path, query)

    with pytest.raises(SourceUnavailable, match="instead of rows"):
        asking(Site(answer), tmp_path).fetch(CO, tmp_path)
