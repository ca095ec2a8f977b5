"""The stand-ins over HTTP: real paths, real rules, the clock of the sandbox."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime

import httpx
import pytest

from pw_pipelines.sandbox.carriers import Cohort
from pw_pipelines.sandbox.fcc_cores import is_unknown
from pw_pipelines.sandbox.world import World
from pw_pipelines.settings import Settings
from tests.fixtures_sandbox import SANDBOX_DAY, serving, set_sandbox_day

ECFS = {"api_key": "SANDBOX_KEY", "proceedings.name": "06-36"}
BDC_HEADERS = {"username": "sandbox", "hash_value": "sandbox-hash"}


@pytest.fixture
def client(sandbox_url: str) -> httpx.Client:
    with httpx.Client(base_url=sandbox_url, timeout=60) as client:
        yield client


def test_the_export_is_the_worlds(client: httpx.Client, world: World) -> None:
    reply = client.get("/rmd/api/x_g_fmc_rmd/rmd/csv_download")
    assert reply.headers["content-type"].startswith("text/csv")
    assert reply.content == world.rmd_csv(SANDBOX_DAY)


def test_one_frns_filings_and_their_plan(client: httpx.Client, world: World) -> None:
    filing = next(f for f in world.rmd.listed(SANDBOX_DAY.toordinal()) if not f.is_untouched)
    frn = world.carriers[filing.carrier].frn
    rows = client.get("/rmd/api/x_g_fmc_rmd/rmd/public", params={"sysparm_query": f"frn_str={frn}"}).json()["result"]
    assert filing.number in {row["number"] for row in rows}
    plan = client.get("/rmd/api/x_g_fmc_rmd/rmd/attachment", params={"sys": filing.sys_id})
    assert plan.headers["content-type"] == "application/pdf"
    assert client.get("/rmd/api/x_g_fmc_rmd/rmd/attachment", params={"sys": "0" * 32}).status_code == 404


def test_the_whole_form_499_database_says_how_long_it_is(client: httpx.Client, sandbox_settings: Settings) -> None:
    reply = client.get("/form499/499results.cfm", params={"xml": "TRUE"})
    assert int(reply.headers["content-length"]) == len(reply.content)
    assert re.search(rb'RecordCount="20\d{3}"', reply.content[:600])
    assert list((sandbox_settings.home / "sandbox" / "cache").glob("form499-*-2026-11-16-*.xml"))


def test_one_filer_by_frn_is_the_same_as_in_the_whole(client: httpx.Client, world: World) -> None:
    frn = next(c.frn for c in world.carriers if c.cohort is Cohort.LISTED and len(world.form499.by_frn[c.frn]) == 2)
    body = client.get("/form499/499results.cfm", params={"XML": "TRUE", "frn": frn}).content
    whole = client.get("/form499/499results.cfm", params={"xml": "TRUE"}).content
    filers = re.findall(rb"<Filer>.*?</Filer>", body, re.DOTALL)
    assert b'RecordCount="2"' in body
    assert len(filers) == 2
    assert all(filer in whole and frn.encode() in filer for filer in filers)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"frn": "0000000000"}, 3),
        ({"frn": "12"}, 4),
        ({"FilerID": "x"}, 5),
        ({"comm_type": "NONE"}, 6),
        ({"state": "atlantis"}, 1),
        ({"colour": "red"}, 2),
    ],
)
def test_form_499_errors_have_codes(client: httpx.Client, asked: dict[str, str], code: int) -> None:
    reply = client.get("/form499/499results.cfm", params={"XML": "TRUE", **asked})
    assert f"<Code>{code}</Code>" in reply.text


def test_ecfs_needs_a_key(client: httpx.Client) -> None:
    assert client.get("/ecfs/filings", params={"proceedings.name": "06-36"}).status_code == 403


def test_ecfs_pages_do_not_overlap_and_are_in_order(client: httpx.Client) -> None:
    query = {**ECFS, "limit": "250", "sort": "date_received,ASC", "date_received": "[gte]2026-01-01[lte]2026-12-31"}
    seen: list[dict[str, object]] = []
    while page := client.get("/ecfs/filings", params={**query, "offset": str(len(seen))}).json()["filing"]:
        seen += page
    assert len({filing["id_submission"] for filing in seen}) == len(seen) > 2_500
    stamps = [str(filing["date_received"]) for filing in seen]
    assert stamps == sorted(stamps)
    assert re.fullmatch(r"2026-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", stamps[0])
    assert seen[0]["proceedings"][0]["name"] == "06-36"


def test_ecfs_days_are_utc_days(client: httpx.Client) -> None:
    query = {**ECFS, "limit": "1000", "date_received": "[gte]2026-03-03[lte]2026-03-03"}
    filings = client.get("/ecfs/filings", params=query).json()["filing"]
    assert filings
    assert {filing["date_received"][:10] for filing in filings} == {"2026-03-03"}


def test_ecfs_refuses_to_look_beyond_ten_thousand(client: httpx.Client) -> None:
    assert client.get("/ecfs/filings", params={**ECFS, "limit": "250", "offset": "9750"}).status_code == 200
    assert client.get("/ecfs/filings", params={**ECFS, "limit": "250", "offset": "9751"}).status_code == 400


def test_ecfs_takes_whole_days_only(client: httpx.Client) -> None:
    stamped = {**ECFS, "date_received": "[gte]2026-01-01T00:00:00.000Z[lte]2026-02-01"}
    assert client.get("/ecfs/filings", params=stamped).status_code == 400


@pytest.mark.parametrize("asked", [{"limit": "many"}, {"date_received": "2026"}, {"colour": "red"}, {"sort": "name"}])
def test_ecfs_answers_nonsense_with_text_and_status_200(client: httpx.Client, asked: dict[str, str]) -> None:
    reply = client.get("/ecfs/filings", params={**ECFS, **asked})
    assert (reply.status_code, reply.text) == (200, "Parameters incorrectly formatted")


def test_ecfs_finds_a_filers_name_and_counts_down(client: httpx.Client, world: World) -> None:
    filing = world.cpni.year(2026)[5]
    reply = client.get("/ecfs/filings", params={**ECFS, "filers.name": filing.filers[0], "limit": "100"})
    assert filing.id_submission in {found["id_submission"] for found in reply.json()["filing"]}
    assert int(reply.headers["x-ratelimit-remaining"]) < int(reply.headers["x-ratelimit-limit"])


def test_bdc_needs_both_headers(client: httpx.Client) -> None:
    reply = client.get("/bdc/api/public/map/listAsOfDates", headers={"username": "sandbox"})
    assert reply.status_code == 401
    assert reply.json() == {"message": "Unauthorized", "status": "fail", "status_code": 401}


def test_bdc_lists_then_gives_the_provider_list(client: httpx.Client, world: World) -> None:
    base = "/bdc/api/public/map"
    dates = client.get(f"{base}/listAsOfDates", headers=BDC_HEADERS).json()
    assert dates["result_count"] == len(dates["data"])
    newest = max(row["as_of_date"] for row in dates["data"] if row["data_type"] == "availability")[:10]
    listed = client.get(
        f"{base}/downloads/listAvailabilityData/{newest}",
        params={"category": "State", "subcategory": "Provider List"},
        headers=BDC_HEADERS,
    ).json()
    (file,) = listed["data"]
    reply = client.get(f"{base}/downloads/downloadFile/availability/{file['file_id']}", headers=BDC_HEADERS)
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        lines = archive.read(archive.namelist()[0]).decode().splitlines()
    assert lines[0] == "frn,provider_id,holding_company"
    assert len(lines) - 1 == int(file["record_count"]) == world.counts(SANDBOX_DAY)["fcc_bdc_D25"]


@pytest.mark.parametrize("frn", ["0000000000", "", "12"])
def test_cores_answers_200_with_an_empty_body_for_who_is_not_there(client: httpx.Client, frn: str) -> None:
    reply = client.get("/cores/searchDetail.do", params={"frn": frn})
    assert reply.status_code == 200
    assert "<body></body>" in reply.text


def test_cores_shows_the_label_table(client: httpx.Client, world: World) -> None:
    carrier = next(c for c in world.carriers if not is_unknown(world, c) and world.profile(c.index).email)
    text = client.get("/cores/searchDetail.do", params={"frn": carrier.frn}).text
    cells = dict(re.findall(r'<th scope="col">(.*?):</th>\s*<td>(.*?)</td>', text, re.DOTALL))
    assert cells["FRN"] == carrier.frn
    assert cells["Contact Email"] == world.profile(carrier.index).email
    assert datetime.strptime(cells["Registration Date"], "%m/%d/%Y %I:%M:%S %p")  # noqa: DTZ007
    assert "<br />" in cells["Contact Address"]
    assert "ContactPhone" in cells


def test_some_carriers_are_unknown_to_cores(world: World) -> None:
    lost = [
        c
        for c in world.carriers
        if c.cohort is Cohort.LISTED and b"<body></body>" in world.cores_page(c.frn, SANDBOX_DAY)
    ]
    assert 10 < len(lost) < 150


def test_the_day_is_read_at_each_request(own_home: Settings, world: World) -> None:
    with serving(own_home, world) as url, httpx.Client(base_url=url, timeout=60) as client:
        first = client.get("/rmd/api/x_g_fmc_rmd/rmd/csv_download").content
        set_sandbox_day(own_home, date(2027, 3, 15))
        assert client.get("/_control/health").json()["day"] == "2027-03-15"
        assert client.get("/rmd/api/x_g_fmc_rmd/rmd/csv_download").content not in (first, b"")


def test_the_control_moves_the_clock_and_says_where_the_end_is(own_home: Settings, world: World) -> None:
    own_home.clock.set_offset(own_home.clock.offset() * 0)
    start = own_home.clock.today()
    with serving(own_home, world) as url, httpx.Client(base_url=url) as client:
        moved = client.post("/_control/advance", json={"days": 30}).json()
        assert (date.fromisoformat(moved["day"]) - start).days == 30
        assert client.post("/_control/advance", json={"days": 340}).status_code == 409
        assert client.post("/_control/advance", json={"days": "x"}).status_code == 422


def test_the_control_shows_the_worlds_size_and_neglect(client: httpx.Client, world: World) -> None:
    shown = client.get("/_control/world").json()
    assert shown["counts"] == world.counts(SANDBOX_DAY)
    assert shown["neglect"]["rmd_not_recertified"] > 1_000
