"""The polite client: who we are, pace, retries, and what each failure means."""

from __future__ import annotations

import email.utils
import gzip
import logging
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from pw_pipelines.errors import SourceRefused, SourceUnavailable
from pw_pipelines.resources.http import MOST_ATTEMPTS, RETRYABLE_STATUS, Pace, PoliteClient
from tests.resources.answers import Chunks, Source

URL = "https://source.example/list"


def _client(source: Source, attempts: int = MOST_ATTEMPTS) -> PoliteClient:
    return PoliteClient(
        "fcc_test",
        user_agent="Tests/1 (+https://tests.example)",
        timeout_seconds=1,
        per_second=100_000,
        attempts=attempts,
        transport=source.transport,
        sleep=source.waits.append,
    )


def test_every_request_says_who_we_are() -> None:
    source = Source(httpx.Response(200, text="ok"))
    assert _client(source).get(URL).text == "ok"
    assert source.requests[0].headers["User-Agent"] == "Tests/1 (+https://tests.example)"


@pytest.mark.parametrize("status", sorted(RETRYABLE_STATUS))
def test_a_busy_source_is_asked_again_and_then_nobody_knows(status: int) -> None:
    source = Source(httpx.Response(status))
    with pytest.raises(SourceUnavailable, match=f"https://source.example/list answered {status}"):
        _client(source).get(URL)
    assert len(source.requests) == MOST_ATTEMPTS
    assert source.waits == [1, 2, 4, 8], "each wait is twice the one before"


def test_a_source_that_recovers_is_believed() -> None:
    source = Source(httpx.Response(503), httpx.ConnectError("refused"), httpx.Response(200, text="ok"))
    assert _client(source).get(URL).text == "ok"
    assert len(source.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 422])
def test_a_refusal_is_not_repeated(status: int) -> None:
    source = Source(httpx.Response(status))
    with pytest.raises(SourceRefused, match=f"answered {status}; repeating the same request cannot help"):
        _client(source).get(URL)
    assert (len(source.requests), source.waits) == (1, [])


def test_a_reader_who_waits_may_allow_one_attempt() -> None:
    source = Source(httpx.Response(503))
    with pytest.raises(SourceUnavailable):
        _client(source, attempts=1).get(URL)
    assert (len(source.requests), source.waits) == (1, [])


def test_retry_after_in_seconds_is_obeyed() -> None:
    source = Source(httpx.Response(429, headers={"Retry-After": "17"}), httpx.Response(200))
    _client(source).get(URL)
    assert source.waits == [17]


@pytest.mark.parametrize("form", ["GMT", "-0000"])
def test_retry_after_as_a_date_is_obeyed(form: str) -> None:
    until = datetime.now(UTC) + timedelta(seconds=30)
    stamp = email.utils.format_datetime(until, usegmt=True).replace("GMT", form)
    source = Source(httpx.Response(503, headers={"Retry-After": stamp}), httpx.Response(200))
    _client(source).get(URL)
    assert 25 < source.waits[0] <= 30


@pytest.mark.parametrize("stamp", ["soon", "", "Sat, 01 Jan 2000 00:00:00 GMT", "²"])
def test_a_retry_after_that_says_nothing_leaves_our_own_back_off(stamp: str) -> None:
    source = Source(httpx.Response(503, headers={"Retry-After": stamp.encode()}), httpx.Response(200))
    _client(source).get(URL)
    assert source.waits == [1]


def test_a_retry_after_of_an_hour_is_left_to_the_next_run() -> None:
    source = Source(httpx.Response(429, headers={"Retry-After": "3600"}))
    with pytest.raises(SourceUnavailable, match="answered 429"):
        _client(source).get(URL)
    assert (len(source.requests), source.waits) == (1, [])


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("connection refused"),
        httpx.ConnectTimeout("timed out"),
        httpx.ReadTimeout("timed out"),
        httpx.ReadError("reset by peer"),
        httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
        httpx.DecodingError("bad gzip"),
        httpx.TooManyRedirects("ring"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_connection_that_fails_is_unavailable_and_says_how(failure: Exception) -> None:
    source = Source(failure)
    with pytest.raises(SourceUnavailable, match=f"could not be read.*{type(failure).__name__}") as unavailable:
        _client(source).get(URL)
    assert (unavailable.value.source, unavailable.value.url) == ("fcc_test", URL)
    assert len(source.requests) == MOST_ATTEMPTS


@pytest.mark.parametrize("answer", [httpx.Response(503), httpx.Response(403), httpx.ConnectError("no route")], ids=repr)
def test_a_key_in_the_query_never_reaches_an_error_or_a_log(
    answer: httpx.Response | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises((SourceUnavailable, SourceRefused)) as failed:
        _client(Source(answer)).get(URL, {"api_key": "s3cr3t"})
    assert "s3cr3t" not in f"{failed.value} {failed.value.url}"
    assert "s3cr3t" not in caplog.text


def test_a_download_is_whole_or_absent(tmp_path: Path) -> None:
    body = b"x" * 1_000_000
    headers = _client(Source(httpx.Response(200, content=body))).download(URL, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == body
    assert headers["Content-Length"] == "1000000"
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_a_body_cut_short_is_fetched_again_and_never_kept(tmp_path: Path) -> None:
    cut = httpx.Response(200, headers={"Content-Length": "1000"}, stream=Chunks([b"x" * 400]))
    source = Source(cut)
    with pytest.raises(SourceUnavailable, match="400 of 1000 bytes came"):
        _client(source, attempts=1).download(URL, tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_a_second_attempt_starts_the_file_anew(tmp_path: Path) -> None:
    cut = httpx.Response(200, headers={"Content-Length": "1000"}, stream=Chunks([b"x" * 400]))
    _client(Source(cut, httpx.Response(200, content=b"y" * 1000))).download(URL, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"y" * 1000


def test_a_failed_download_leaves_an_earlier_copy_alone(tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(b"before")
    with pytest.raises(SourceUnavailable):
        _client(Source(httpx.Response(500)), attempts=1).download(URL, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"before"


def test_compression_on_the_way_is_undone(tmp_path: Path) -> None:
    packed = gzip.compress(b"number,frn\n" * 1_000)
    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=packed)
    _client(Source(answer)).download(URL, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"number,frn\n" * 1_000


def test_the_pace_spaces_starts_evenly() -> None:
    pace = Pace(200)
    started = time.monotonic()
    for _ in range(11):
        pace.wait()
    assert time.monotonic() - started >= 10 / 200
