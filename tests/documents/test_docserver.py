"""The store shared with the machine that runs Word, on a folder and on S3's own protocol alike."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from pw_pipelines.documents import jobs
from pw_pipelines.documents.docserver import HEARTBEAT, RESULTS, WAITING, DocServer, Heartbeat, is_job, now_text
from pw_pipelines.documents.jobs import digest_of, failure_of, hand_in, job_name, publish_result, result_of
from pw_pipelines.documents.pdf import BadPdf
from pw_pipelines.errors import ConfigError, OutsideUnavailable, UsageError
from tests.documents.conftest import a_pdf

DOCX = b"a document"
BEAT = Heartbeat("machine/1/a", 1, now_text(), "0.1", "16.0")


def made_older(server: DocServer, key: str, seconds: float) -> None:
    """On a folder."""
    path = Path(unquote(urlsplit(server.url).path)) / key
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def test_a_document_is_seen_whole_or_not_at_all(server: DocServer) -> None:
    server.put(f"{WAITING}/.tmp_half.docx", b"ha")

    hand_in(server, "order-1", DOCX)

    assert server.names(WAITING) == ["order-1.docx"]
    assert server.get(f"{WAITING}/order-1.docx") == DOCX
    assert not server.exists(f"{WAITING}/.tmp_order-1.docx")


def test_of_many_who_claim_a_document_one_does(server: DocServer) -> None:
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda n: server.claim("job", by="word", worker=f"w{n}"), range(8)))

    [ours] = [claim for claim in claims if claim]
    assert server.claim_of("job") == ours
    assert server.holds(ours)


def test_of_many_who_take_over_one_does_and_the_first_holds_it_no_more(server: DocServer) -> None:
    first = server.claim("job", by="word", worker="dead")
    assert first

    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda n: server.claim("job", by="word", worker=f"w{n}", after=first), range(8)))

    [ours] = [claim for claim in claims if claim]
    assert server.holds(ours)
    assert not server.holds(first)


def test_everything_a_job_left_is_cleared(server: DocServer) -> None:
    hand_in(server, "job", DOCX)
    first = server.claim("job", by="word", worker="w")
    assert first
    second = server.claim("job", by="libreoffice", worker="h", after=first)
    assert second
    publish_result(server, second, DOCX, a_pdf())

    server.clear("job")

    assert [server.names(folder) for folder in ("to-convert", "converted", "failed", "claims")] == [[], [], [], []]
    server.clear("job")


def test_age_is_by_the_stores_clock(server: DocServer) -> None:
    assert server.age_seconds(HEARTBEAT) is None

    server.beat(BEAT)

    age = server.age_seconds(HEARTBEAT)
    assert age is not None
    assert -1 <= age < 5


def test_a_worker_whose_own_clock_is_hours_off_is_alive(server: DocServer) -> None:
    wrong = datetime.fromisoformat(BEAT.at) - timedelta(hours=7)

    server.beat(replace(BEAT, at=wrong.isoformat(), current_job="job", busy_since=wrong.isoformat()))

    assert server.worker_alive(30)


def test_a_beating_heart_over_a_hung_word_is_not_alive(server: DocServer) -> None:
    since = datetime.fromisoformat(BEAT.at) - timedelta(seconds=301)

    server.beat(replace(BEAT, current_job="job", busy_since=since.isoformat()))

    assert not server.worker_alive(300)
    assert server.worker_alive(302)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"worker": "x"}', b"\xff\xfe", b'{"at": 1}'])
def test_a_heartbeat_that_nobody_can_read_is_none(server: DocServer, content: bytes) -> None:
    server.put(HEARTBEAT, content)

    assert server.heartbeat() is None
    assert not server.worker_alive(300)


def test_a_heart_that_beat_too_long_ago_is_not_alive(tmp_path: Path) -> None:
    server = DocServer(tmp_path.as_uri())
    server.beat(BEAT)
    assert server.worker_alive(300)

    made_older(server, HEARTBEAT, 301)

    assert not server.worker_alive(300)


def test_a_result_counts_only_for_the_very_document_it_was_made_of(server: DocServer) -> None:
    claim = server.claim("job", by="word", worker="w")
    assert claim

    assert publish_result(server, claim, DOCX, a_pdf(3))

    found = result_of(server, "job", DOCX)
    assert found is not None
    assert (found.pages, found.worker) == (3, "w")
    assert result_of(server, "job", b"a newer edition") is None


@pytest.mark.parametrize("pdf", [b"", b"%PDF-1.7 cut off", a_pdf()[:-20], b"<html>error</html>", b"%PDF-1.7\n%%EOF"])
def test_a_broken_result_is_none(server: DocServer, pdf: bytes) -> None:
    claim = server.claim("job", by="word", worker="w")
    assert claim
    with pytest.raises(BadPdf):
        publish_result(server, claim, DOCX, pdf)
    server.put(f"{RESULTS}/job.pdf", pdf)
    said = {"docx_sha256": digest_of(DOCX), "pdf_sha256": digest_of(pdf)}
    server.put(f"{RESULTS}/job.json", json.dumps(said).encode())

    assert result_of(server, "job", DOCX) is None


def test_a_pdf_that_was_replaced_after_its_json_is_no_result(server: DocServer) -> None:
    claim = server.claim("job", by="word", worker="w")
    assert claim
    publish_result(server, claim, DOCX, a_pdf(1))

    server.put(f"{RESULTS}/job.pdf", a_pdf(2))

    assert result_of(server, "job", DOCX) is None


def test_who_lost_a_job_publishes_nothing(server: DocServer) -> None:
    hand_in(server, "job", DOCX)
    slow = server.claim("job", by="word", worker="slow")
    assert slow
    server.claim("job", by="libreoffice", worker="quick", after=slow)

    assert not publish_result(server, slow, DOCX, a_pdf())
    jobs.publish_failure(server, slow, DOCX, "too late")

    assert server.names(RESULTS) == []
    assert failure_of(server, "job", DOCX) is None
    assert server.names(WAITING) == ["job.docx"]


def test_old_drafts_and_results_nobody_came_for_are_swept_and_waiting_documents_stay(tmp_path: Path) -> None:
    server = DocServer(tmp_path.as_uri())
    for key in ("to-convert/.tmp_a.docx", "to-convert/b.docx", "converted/c.pdf", "claims/c", "converted/new.pdf"):
        server.put(key, b"x")
    for key in ("to-convert/.tmp_a.docx", "to-convert/b.docx", "converted/c.pdf", "claims/c"):
        made_older(server, key, 8 * 86400)

    assert server.sweep(drafts_seconds=3600, results_seconds=7 * 86400) == 3

    assert server.names(WAITING) == ["b.docx"]
    assert server.names(RESULTS) == ["new.pdf"]


@pytest.mark.parametrize("name", ["", ".tmp_x", "a b", "../x", "a/b", "ö", "a..b", "x" * 130, "-x", "a\n"])
def test_a_name_a_path_could_climb_by_is_no_job(name: str) -> None:
    assert not is_job(name)
    with pytest.raises(UsageError):
        job_name(name, DOCX)


def test_a_job_is_named_after_its_document_too() -> None:
    assert job_name("PW-1-articles", DOCX) == f"PW-1-articles-{digest_of(DOCX)[:8]}"
    assert job_name("PW-1-articles", DOCX) != job_name("PW-1-articles", DOCX + b"!")


def test_a_store_that_is_away_is_told_and_another_kind_of_address_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "x",
                        "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    with pytest.raises(OutsideUnavailable):
        DocServer("s3://bucket").age_seconds("heartbeat.json")
    with pytest.raises(ConfigError, match="PW_DOCSERVER_URL"):
        DocServer("ftp://elsewhere")


def test_times_in_records_are_utc() -> None:
    assert datetime.fromisoformat(now_text()).tzinfo == UTC
