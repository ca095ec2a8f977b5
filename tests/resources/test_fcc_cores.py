"""CORES: one page per FRN, an empty page is an answer, a failure is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from pw_pipelines.errors import SourceRefused, SourceUnavailable
from pw_pipelines.resources.cores import FAILURES_IN_A_ROW, Cores
from pw_pipelines.sources.bundle import read_bundle
from tests.resources.answers import Source, live_like
from tests.sources.builders import CORES_NOT_FOUND, cores_fields, cores_page
from tests.sources.reading import read


def site(
    down: Callable[[str], bool] = lambda frn: False, known: Callable[[str], bool] = lambda frn: True
) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        frn = request.url.params["frn"]
        if down(frn):
            return httpx.Response(503)
        return httpx.Response(200, content=cores_page(cores_fields(frn)) if known(frn) else CORES_NOT_FOUND)

    return answer


def _cores(source: Source, home: Path) -> Cores:
    return Cores(live_like(home), transport=source.transport, sleep=source.waits.append)


FRNS = [f"{20_000_000 + number:010d}" for number in range(100)]


def test_pages_are_kept_in_the_order_asked_each_once(tmp_path: Path) -> None:
    source = Source(site())
    fetched = _cores(source, tmp_path).fetch(tmp_path, [*FRNS, FRNS[0], "20000001"])
    assert [member.name for member, _ in read_bundle(fetched.path.open("rb"))] == [f"{frn}.html" for frn in FRNS]
    assert len(source.requests) == len(FRNS)
    rows, report = read("fcc_cores", fetched.path.read_bytes())
    assert (len(rows), report.control_total, report.reject_count) == (100, 100, 0)


def test_an_unknown_frn_is_an_answer(tmp_path: Path) -> None:
    source = Source(site(known=lambda frn: frn != "0000000000"))
    fetched = _cores(source, tmp_path).fetch(tmp_path, ["0000000000", FRNS[0]])
    rows, _ = read("fcc_cores", fetched.path.read_bytes())
    assert [(row["frn"], row["is_found"]) for row in rows] == [("0000000000", False), (FRNS[0], True)]


def test_a_page_that_cannot_be_had_is_left_out_and_never_reads_as_not_found(tmp_path: Path) -> None:
    source = Source(site(down=lambda frn: frn == FRNS[3]))
    fetched = _cores(source, tmp_path).fetch(tmp_path, FRNS[:6])
    rows, _ = read("fcc_cores", fetched.path.read_bytes())
    assert FRNS[3] not in {row["frn"] for row in rows}
    assert fetched.notes == ("1 of 6 pages could not be had and were left out",)


def test_a_site_that_is_down_ends_the_batch_early(tmp_path: Path) -> None:
    source = Source(site(down=lambda frn: frn >= FRNS[20]))
    with pytest.raises(SourceUnavailable, match=r"pages in a row could not be had.*answered 503"):
        _cores(source, tmp_path).fetch(tmp_path, FRNS)
    asked = {request.url.params["frn"] for request in source.requests}
    assert FAILURES_IN_A_ROW + 20 <= len(asked) < len(FRNS)
    assert list(tmp_path.iterdir()) == []


def test_not_one_page_is_no_copy(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable):
        _cores(Source(site(down=lambda _: True)), tmp_path).fetch(tmp_path, FRNS[:2])


def test_a_refusal_ends_it_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="answered 403"):
        _cores(Source(httpx.Response(403)), tmp_path).fetch(tmp_path, FRNS[:2])
    assert list(tmp_path.iterdir()) == []


def test_one_page_for_a_live_look_up(tmp_path: Path) -> None:
    source = Source(site())
    assert b"0020000007" in _cores(source, tmp_path).page("20000007")
    assert str(source.requests[0].url) == "https://cores.example/cores/searchDetail.do?frn=0020000007"
