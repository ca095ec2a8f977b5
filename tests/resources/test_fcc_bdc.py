"""The BDC public data API: vintages, and a vintage's provider list as one bundle."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from pw_pipelines.errors import SourceRefused, SourceUnavailable
from pw_pipelines.resources.bdc import Bdc, vintage_name
from pw_pipelines.sources.bundle import read_bundle
from tests.resources.answers import Source, live_like
from tests.sources.builders import BDC_NAME, bdc_csv, bdc_list, zipped
from tests.sources.reading import read

ROWS = [("0020000001", "130317", "Invented Holdings"), ("0020000002", "130318", "Other Holdings")]
ZIP = zipped(f"{BDC_NAME}.csv", bdc_csv(ROWS))


def _bdc(source: Source, home: Path) -> Bdc:
    return Bdc(live_like(home), transport=source.transport, sleep=source.waits.append)


def _list(*entries: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"data": list(entries), "status_code": 200, "status": "successful"})


def test_vintages_are_the_published_availability_dates(tmp_path: Path) -> None:
    source = Source(
        _list(
            {"data_type": "availability", "as_of_date": "2025-06-30T00:00:00.000Z"},
            {"data_type": "challenge", "as_of_date": "2026-01-31"},
            {"data_type": "availability", "as_of_date": "2024-12-31"},
        )
    )
    assert _bdc(source, tmp_path).vintages() == [date(2024, 12, 31), date(2025, 6, 30)]
    request = source.requests[0]
    assert str(request.url) == "https://bdc.example/api/public/map/listAsOfDates"
    assert (request.headers["username"], request.headers["hash_value"]) == ("user@bdc.example", "s3cr3t-hash")


@pytest.mark.parametrize(("day", "name"), [(date(2025, 6, 30), "J25"), (date(2025, 12, 31), "D25")])
def test_a_vintage_is_called_by_its_half_year(day: date, name: str) -> None:
    assert vintage_name(day) == name


def test_a_provider_list_comes_with_the_reply_that_states_its_total(tmp_path: Path) -> None:
    source = Source(httpx.Response(200, content=bdc_list(2)), httpx.Response(200, content=ZIP))
    fetched = _bdc(source, tmp_path).fetch(tmp_path, date(2025, 6, 30))
    assert [str(request.url.copy_with(query=None)) for request in source.requests] == [
        "https://bdc.example/api/public/map/downloads/listAvailabilityData/2025-06-30",
        "https://bdc.example/api/public/map/downloads/downloadFile/availability/1001",
    ]
    assert dict(source.requests[0].url.params) == {"category": "State", "subcategory": "Provider List"}
    assert (fetched.vintage, fetched.notes) == ("J25", ())
    rows, report = read("fcc_bdc", fetched.path.read_bytes())
    assert (len(rows), report.control_total, report.vintage) == (2, 2, "J25")
    assert [path.name for path in tmp_path.iterdir()] == ["bdc.zip"], "nothing else is left behind"


def test_no_credential_is_in_the_copy(tmp_path: Path) -> None:
    source = Source(httpx.Response(200, content=bdc_list(2)), httpx.Response(200, content=ZIP))
    path = _bdc(source, tmp_path).fetch(tmp_path, date(2025, 6, 30)).path
    kept = json.dumps([vars(member) for member, _ in read_bundle(path.open("rb"))])
    assert "s3cr3t-hash" not in kept
    assert "user@bdc.example" not in kept


def test_the_newest_of_several_revisions_is_taken_and_told(tmp_path: Path) -> None:
    entries = [
        {"file_id": number, "subcategory": "Provider List", "file_name": f"bdc_us_provider_list_D25_{day}"}
        for number, day in ((1, "04aug2026"), (2, "29sep2026"), (3, "15sep2026"))
    ]
    source = Source(_list(*entries), httpx.Response(200, content=ZIP))
    fetched = _bdc(source, tmp_path).fetch(tmp_path, date(2025, 12, 31))
    assert source.requests[1].url.path.endswith("/availability/2")
    assert fetched.notes == ("3 revisions are listed; the newest, bdc_us_provider_list_D25_29sep2026, was taken",)


def test_a_vintage_without_a_list_is_not_published_yet_and_not_an_empty_list(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"no provider list is published for 2026-06-30 \(J26\)"):
        _bdc(Source(_list()), tmp_path).fetch(tmp_path, date(2026, 6, 30))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401, json={"status": "fail", "status_code": 401, "message": "Unauthorized"}),
        httpx.Response(200, json={"status": "fail", "status_code": 401, "message": "Unauthorized"}),
    ],
    ids=["status 401", "status 200 that says 401"],
)
def test_bad_credentials_are_refused_with_the_settings_to_mend(tmp_path: Path, answer: httpx.Response) -> None:
    with pytest.raises(SourceRefused, match="Check PW_BDC_USERNAME and PW_BDC_HASH_VALUE") as refused:
        _bdc(Source(answer), tmp_path).vintages()
    assert "s3cr3t" not in str(refused.value)


def test_a_page_instead_of_json_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="instead of JSON"):
        _bdc(Source(httpx.Response(200, text="<html>busy</html>")), tmp_path).vintages()


def test_a_file_that_cannot_be_had_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="answered 503"):
        _bdc(Source(httpx.Response(200, content=bdc_list(2)), httpx.Response(503)), tmp_path).fetch(
            tmp_path, date(2025, 6, 30)
        )
    assert list(tmp_path.iterdir()) == []
