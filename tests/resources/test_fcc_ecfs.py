"""ECFS: windows of days, pages, the key that is never written down, errors with status 200."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import httpx
import pytest

from pw_pipelines.errors import SourceRefused, SourceRejected, SourceUnavailable, UsageError
from pw_pipelines.resources.ecfs import PAGE, WINDOW, Ecfs
from pw_pipelines.sources.bundle import read_bundle
from tests.resources.answers import KEY, Source, live_like
from tests.sources.builders import MAINTENANCE, ecfs_filing
from tests.sources.reading import read

SINCE, UNTIL = date(2025, 1, 1), date(2026, 11, 22)


def docket(per_day: Callable[[date], int]) -> Callable[[httpx.Request], httpx.Response]:
    """A docket with so many filings a day, that refuses what the real one refuses."""

    def answer(request: httpx.Request) -> httpx.Response:
        params = request.url.params
        offset, limit = int(params["offset"]), int(params["limit"])
        if offset + limit > WINDOW or "T" in params["date_received"]:
            return httpx.Response(400, text="Parameters incorrectly formatted")
        first, last = params["date_received"].removeprefix("[gte]").split("[lte]")
        found: list[dict[str, object]] = []
        for ordinal in range(date.fromisoformat(first).toordinal(), date.fromisoformat(last).toordinal() + 1):
            day = date.fromordinal(ordinal)
            count = per_day(day)
            found += [
                {
                    "id_submission": f"{ordinal}{number:05d}",
                    "date_received": f"{day}T15:00:00Z",
                    "proceedings": [{"name": "06-36"}],
                }
                for number in range(max(0, offset), min(count, offset + limit - len(found)))
            ]
            offset = max(0, offset - count)
        return httpx.Response(200, json={"filing": found[:limit]})

    return answer


def _ecfs(source: Source, home: Path) -> Ecfs:
    return Ecfs(live_like(home), transport=source.transport, sleep=source.waits.append)


def test_a_docket_is_read_whole_page_by_page(tmp_path: Path) -> None:
    source = Source(docket(lambda day: 700 if day == date(2025, 2, 27) else 0))
    fetched = _ecfs(source, tmp_path).fetch(tmp_path, SINCE, UNTIL)
    rows, report = read("fcc_cpni", fetched.path.read_bytes())
    assert (len(rows), report.facts["pages"], report.reject_count) == (700, 5, 0), (
        "3 pages, and the empty end of 2 years"
    )
    assert fetched.notes == ()


def test_a_server_that_gives_shorter_pages_than_asked_is_read_to_its_end(tmp_path: Path) -> None:
    """A short page is not the end: taking it for one would lose filings, and make leads of those who filed."""
    answer = docket(lambda day: 700 if day == date(2025, 2, 27) else 0)

    def stingy(request: httpx.Request) -> httpx.Response:
        return answer(httpx.Request("GET", request.url.copy_merge_params({"limit": "100"})))

    fetched = _ecfs(Source(stingy), tmp_path).fetch(tmp_path, SINCE, UNTIL)
    assert len(read("fcc_cpni", fetched.path.read_bytes())[0]) == 700


def test_the_query_is_the_one_the_docket_understands(tmp_path: Path) -> None:
    source = Source(docket(lambda _: 0))
    _ecfs(source, tmp_path).fetch(tmp_path, SINCE, UNTIL)
    assert [dict(request.url.params) for request in source.requests] == [
        {
            "proceedings.name": "06-36",
            "date_received": window,
            "sort": "date_received,ASC",
            "limit": str(PAGE),
            "offset": "0",
            "api_key": KEY,
        }
        for window in ("[gte]2025-01-01[lte]2025-12-31", "[gte]2026-01-01[lte]2026-11-22")
    ]


def test_a_window_that_holds_too_much_is_halved_until_it_fits(tmp_path: Path) -> None:
    busy = {date(2025, 2, 27), date(2025, 2, 28), date(2025, 3, 3)}
    source = Source(docket(lambda day: 4_000 if day in busy else 0))
    fetched = _ecfs(source, tmp_path).fetch(tmp_path, date(2025, 1, 1), date(2025, 12, 31))
    rows, report = read("fcc_cpni", fetched.path.read_bytes())
    assert len(rows) == len({row["id_submission"] for row in rows}) == 12_000
    assert report.duplicate_keys == []
    assert fetched.notes[0] == "2025-01-01 to 2025-12-31 holds more than 10,000 filings; asked for in two halves"
    assert all(int(request.url.params["offset"]) + PAGE <= WINDOW for request in source.requests)


def test_a_single_day_that_holds_too_much_makes_no_copy(tmp_path: Path) -> None:
    source = Source(docket(lambda day: WINDOW if day == date(2025, 3, 3) else 0))
    with pytest.raises(SourceUnavailable, match=r"received on 2025-03-03.*a day cannot be split"):
        _ecfs(source, tmp_path).fetch(tmp_path, date(2025, 3, 1), date(2025, 3, 4))
    assert list(tmp_path.iterdir()) == [], "an incomplete copy would read as absence"


def test_the_key_is_written_nowhere(tmp_path: Path) -> None:
    source = Source(docket(lambda _: 1))
    fetched = _ecfs(source, tmp_path).fetch(tmp_path, date(2026, 1, 1), date(2026, 1, 9))
    members = [member for member, _ in read_bundle(fetched.path.open("rb"))]
    assert [member.name for member in members] == ["page-0001.json", "page-0002.json"]
    assert members[0].url == (
        "https://ecfs.example/ecfs/filings?proceedings.name=06-36&date_received=[gte]2026-01-01[lte]2026-01-09"
        "&sort=date_received,ASC&limit=250&offset=0"
    )
    assert KEY not in fetched.path.read_bytes().decode("latin-1")
    assert "api_key" not in json.dumps([member.url for member in members])


def test_the_same_replies_make_the_same_bytes(tmp_path: Path) -> None:
    digests = {
        _ecfs(Source(docket(lambda _: 3)), tmp_path).fetch(tmp_path / name, SINCE, UNTIL).path.read_bytes()
        for name in ("a.zip", "b.zip")
    }
    assert len(digests) == 1


@pytest.mark.parametrize("body", [b"Parameters incorrectly formatted", MAINTENANCE, b'{"filing": null}'])
def test_an_error_with_status_200_is_kept_raw_and_refused_by_the_reader(tmp_path: Path, body: bytes) -> None:
    good = docket(lambda _: 1)
    source = Source(good, httpx.Response(200, content=body))
    fetched = _ecfs(source, tmp_path).fetch(tmp_path, SINCE, UNTIL)
    with pytest.raises(SourceRejected, match=r"ECFS|HTML page"):
        read("fcc_cpni", fetched.path.read_bytes())
    assert fetched.notes == ("ECFS stopped answering as it should in 2025-01-01 to 2025-12-31, after 2 pages",)


def test_days_the_wrong_way_round_are_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="2026-11-22 is after 2025-01-01"):
        _ecfs(Source(httpx.Response(200)), tmp_path).fetch(tmp_path, UNTIL, SINCE)


def test_a_live_look_up_is_by_filer_name_in_the_docket(tmp_path: Path) -> None:
    source = Source(httpx.Response(200, json={"filing": [ecfs_filing(1)]}))
    found = _ecfs(source, tmp_path).by_name("Ñandú & Söhne", date(2026, 1, 1))
    assert [filing["id_submission"] for filing in found] == ["10000000000001"]
    params = source.requests[0].url.params
    assert (params["filers.name"], params["date_received"]) == ("Ñandú & Söhne", "[gte]2026-01-01")


def test_a_live_look_up_reads_on_while_pages_are_full(tmp_path: Path) -> None:
    pages = [[ecfs_filing(number) for number in range(PAGE)], [ecfs_filing(999)]]
    source = Source(*(httpx.Response(200, json={"filing": page}) for page in pages))
    assert len(_ecfs(source, tmp_path).by_name("Acme", date(2026, 1, 1))) == PAGE + 1


def test_a_live_look_up_that_fails_is_never_an_empty_answer(tmp_path: Path) -> None:
    refused = Source(httpx.Response(200, text="Parameters incorrectly formatted"))
    with pytest.raises(SourceRefused, match="Parameters incorrectly formatted") as said:
        _ecfs(refused, tmp_path).by_name("Acme", date(2026, 1, 1))
    assert KEY not in str(said.value)
    with pytest.raises(SourceUnavailable, match="Site Maintenance"):
        _ecfs(Source(httpx.Response(200, content=MAINTENANCE)), tmp_path).by_name("Acme", date(2026, 1, 1))
    with pytest.raises(SourceUnavailable, match="answered 429"):
        _ecfs(Source(httpx.Response(429)), tmp_path).by_name("Acme", date(2026, 1, 1))
