"""Each fault does what it says, for as many requests as it was told, and on nothing else."""

from __future__ import annotations

import csv
import gzip
import io
import json
import socket
import time
import zipfile
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from pw_pipelines.sandbox.distort import DISTORTIONS
from pw_pipelines.sandbox.faults import SYSTEMS, Fault
from pw_pipelines.sandbox.world import World
from tests.fixtures_sandbox import SANDBOX_DAY

RMD = "/rmd/api/x_g_fmc_rmd/rmd/csv_download"
XML = "/form499/499results.cfm?xml=TRUE&FilerID={}"
ECFS = "/ecfs/filings?api_key=k&limit=100&sort=date_received,ASC"
Misbehave = Callable[..., None]


@pytest.fixture
def client(sandbox_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox_url, timeout=60) as client:
        yield client


@pytest.fixture
def rmd(client: httpx.Client, world: World, misbehave: Misbehave) -> Callable[[str], bytes]:
    """Asks the export once under a fault."""
    world.rmd_csv(SANDBOX_DAY)

    def ask(fault: str) -> bytes:
        misbehave("rmd", fault)
        return client.get(RMD).content

    return ask


def rows(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def test_a_fault_ends_after_its_number_of_requests(client: httpx.Client, misbehave: Misbehave) -> None:
    misbehave("cores", "status", status=500, times=2)
    assert [client.get("/cores/searchDetail.do").status_code for _ in range(3)] == [500, 500, 200]


def test_a_fault_acts_on_its_system_and_its_addresses_only(client: httpx.Client, misbehave: Misbehave) -> None:
    misbehave("cores", "status", times=None, match="frn=0000000001")
    assert client.get("/cores/searchDetail.do?frn=0000000002").status_code == 200
    assert client.get("/ecfs/filings?api_key=k&limit=1").status_code == 200
    assert client.get("/cores/searchDetail.do?frn=0000000001").status_code == 500


def test_behaving_again_takes_everything_back(client: httpx.Client, misbehave: Misbehave) -> None:
    misbehave("cores", "status", times=None)
    misbehave("rmd", "html", times=None)
    assert len(client.get("/_control/faults").json()["faults"]) == 2
    assert client.delete("/_control/faults", params={"system": "rmd"}).json() == {"cleared": 1}
    assert client.delete("/_control/faults").json() == {"cleared": 1}
    assert client.get("/cores/searchDetail.do").status_code == 200


@pytest.mark.parametrize("wrong", [{"system": "moon"}, {"fault": "sulk"}, {"times": 0}, {"colour": "red"}])
def test_an_unknown_fault_is_refused(client: httpx.Client, wrong: dict[str, object]) -> None:
    reply = client.post("/_control/faults", json={"system": "rmd", "fault": "slow", **wrong})
    assert reply.status_code == 422
    assert next(iter(wrong)) in reply.json()["error"]


def test_status_says_when_to_come_back(client: httpx.Client, misbehave: Misbehave) -> None:
    misbehave("ecfs", "status", status=429, retry_after=7)
    reply = client.get(ECFS)
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "7")


def test_slow_is_slow_and_right(client: httpx.Client, misbehave: Misbehave) -> None:
    misbehave("cores", "slow", seconds=0.3)
    begun = time.monotonic()
    assert client.get("/cores/searchDetail.do").status_code == 200
    assert time.monotonic() - begun >= 0.3


def test_cut_breaks_the_connection_at_forty_percent(client: httpx.Client, world: World, misbehave: Misbehave) -> None:
    misbehave("rmd", "cut")
    whole, came = world.rmd_csv(SANDBOX_DAY), bytearray()
    with pytest.raises(httpx.RemoteProtocolError), client.stream("GET", RMD) as reply:
        assert int(reply.headers["content-length"]) == len(whole)
        for chunk in reply.iter_raw():
            came += chunk
    assert 0 < len(came) <= int(len(whole) * 0.4)
    assert whole.startswith(came)


def test_truncated_looks_whole_and_is_not(rmd: Callable[[str], bytes], world: World) -> None:
    whole = world.rmd_csv(SANDBOX_DAY)
    assert rmd("truncated") == whole[: int(len(whole) * 0.4)]


def test_html_comes_with_status_200(client: httpx.Client, misbehave: Misbehave) -> None:
    misbehave("rmd", "html")
    reply = client.get(RMD)
    assert (reply.status_code, reply.text[:15]) == (200, "<!DOCTYPE html>")


def test_tiny_gzip_is_valid_and_130_bytes(sandbox_url: str, world: World, misbehave: Misbehave) -> None:
    misbehave("rmd", "tiny_gzip")
    with httpx.stream("GET", f"{sandbox_url}{RMD}") as reply:
        raw = b"".join(reply.iter_raw())
    assert reply.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == world.rmd_csv(SANDBOX_DAY)[:130]


def test_a_header_is_renamed(rmd: Callable[[str], bytes]) -> None:
    assert rows(rmd("renamed_header"))[0][1] == "FRN Number"


def test_a_column_is_missing_everywhere(rmd: Callable[[str], bytes]) -> None:
    assert {len(row) for row in rows(rmd("missing_column"))} == {22}


def test_the_wrong_encoding_is_not_utf8(rmd: Callable[[str], bytes]) -> None:
    with pytest.raises(UnicodeDecodeError):
        rmd("wrong_encoding").decode()


def test_zero_rows_leave_the_header(rmd: Callable[[str], bytes]) -> None:
    assert len(rows(rmd("zero_rows"))) == 1


def test_duplicate_keys_repeat_rows(rmd: Callable[[str], bytes]) -> None:
    numbers = [row[0] for row in rows(rmd("duplicate_keys"))]
    assert len(numbers) - len(set(numbers)) == 25


def test_shrunk_loses_thirty_percent(rmd: Callable[[str], bytes], world: World) -> None:
    whole = len(rows(world.rmd_csv(SANDBOX_DAY))) - 1
    assert len(rows(rmd("shrunk"))) - 1 == int(whole * 0.7)


def test_grown_has_three_hundred_percent_more_under_keys_of_their_own(
    rmd: Callable[[str], bytes], world: World
) -> None:
    whole = len(rows(world.rmd_csv(SANDBOX_DAY))) - 1
    numbers = [row[0] for row in rows(rmd("grown"))[1:]]
    assert len(set(numbers)) == len(numbers) == 4 * whole
    assert all(len(number) == 10 for number in numbers)


def test_zeros_are_lost_and_nothing_else(rmd: Callable[[str], bytes], world: World) -> None:
    whole = rows(world.rmd_csv(SANDBOX_DAY))
    spoiled = rows(rmd("frn_without_zeros"))
    assert [row[1].zfill(10) if row[1] else "" for row in spoiled[1:]] == [row[1] for row in whole[1:]]
    assert all(not row[1].startswith("0") for row in spoiled)


def test_an_old_copy_is_yesterdays(client: httpx.Client, world: World, misbehave: Misbehave) -> None:
    misbehave("rmd", "old_copy", days=30)
    old = client.get(RMD).content
    assert old == world.rmd_csv(SANDBOX_DAY.replace(month=10, day=23))
    assert old != client.get(RMD).content


def test_a_rate_limit_lets_so_many_through(client: httpx.Client, misbehave: Misbehave) -> None:
    misbehave("bdc", "rate_limit", per_minute=10, times=None)
    address, headers = "/bdc/api/public/map/listAsOfDates", {"username": "u", "hash_value": "h"}
    replies = [client.get(address, headers=headers) for _ in range(12)]
    assert [reply.status_code for reply in replies] == [200] * 10 + [429] * 2
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 60


def test_done_but_timed_out_does_the_deed_and_never_answers(client: httpx.Client, misbehave: Misbehave) -> None:
    before = len(client.get("/telegram/_sandbox/messages").json()["messages"])
    misbehave("telegram", "done_but_timeout", seconds=0.05, match="sendMessage")
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/telegram/bot1:sandbox/sendMessage", json={"chat_id": "1000", "text": "hello"})
    assert len(client.get("/telegram/_sandbox/messages").json()["messages"]) == before + 1


def test_a_hung_up_connection_carries_not_one_byte(sandbox_url: str, misbehave: Misbehave) -> None:
    misbehave("cores", "done_but_timeout", seconds=0.05)
    place = urlsplit(sandbox_url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as line:
        line.sendall(b"GET /cores/searchDetail.do HTTP/1.1\r\nHost: x\r\n\r\n")
        assert line.recv(100) == b""


@pytest.mark.parametrize("fault", sorted(DISTORTIONS))
def test_every_distortion_works_on_every_public_record(
    client: httpx.Client, world: World, misbehave: Misbehave, fault: str
) -> None:
    filer = next(f for f in world.form499.filers if f.frn).filer_id
    headers = {"username": "u", "hash_value": "h"}
    listing = client.get("/bdc/api/public/map/downloads/listAvailabilityData/2025-06-30", headers=headers).json()
    download = f"/bdc/api/public/map/downloads/downloadFile/availability/{listing['data'][0]['file_id']}"
    page = f"/cores/searchDetail.do?frn={world.carriers[3].frn}"
    for system, address in {"form499": XML.format(filer), "ecfs": ECFS, "bdc": download, "cores": page}.items():
        sound = client.get(address, headers=headers).content
        misbehave(system, fault)
        spoiled = client.get(address, headers=headers)
        assert spoiled.status_code == 200, system
        unspoilt = system == "cores" and fault == "grown"  # the look-up of one number has no key to grow by
        assert (spoiled.content == sound) is unspoilt or system == "cores", system
        assert client.get(address, headers=headers).content == sound, system


def test_a_spoiled_ecfs_page_is_still_json(client: httpx.Client, misbehave: Misbehave) -> None:
    misbehave("ecfs", "renamed_header")
    assert "filings" in client.get(ECFS).json()
    misbehave("ecfs", "missing_column")
    assert "filers" not in client.get(ECFS).json()["filing"][0]
    misbehave("ecfs", "zero_rows")
    assert client.get(ECFS).json() == {"filing": []}
    misbehave("ecfs", "wrong_encoding")
    with pytest.raises(UnicodeDecodeError):
        client.get(ECFS).content.decode()


def test_a_spoiled_provider_list_is_still_a_zip(client: httpx.Client, misbehave: Misbehave) -> None:
    headers = {"username": "u", "hash_value": "h"}
    listing = client.get("/bdc/api/public/map/downloads/listAvailabilityData/2025-06-30", headers=headers).json()
    misbehave("bdc", "frn_without_zeros")
    assert client.get("/bdc/api/public/map/listAsOfDates", headers=headers).json()["status_code"] == 200
    body = client.get(
        f"/bdc/api/public/map/downloads/downloadFile/availability/{listing['data'][0]['file_id']}", headers=headers
    ).content
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        first = archive.read(archive.namelist()[0]).decode().splitlines()[1]
    assert not first.startswith("0")


def test_the_fault_model_knows_every_system_and_distortion() -> None:
    schema = json.dumps(Fault.model_json_schema())
    assert all(f'"{word}"' in schema for word in (*SYSTEMS, *DISTORTIONS))
