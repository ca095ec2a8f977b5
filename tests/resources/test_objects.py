"""Raw bytes kept for ever: on a folder and on S3's own protocol alike."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest

from pw_pipelines.errors import ConfigError, OutsideRefused, OutsideUnavailable, SnapshotError, SourceRejected
from pw_pipelines.resources import objects as objects_module
from pw_pipelines.resources.objects import Objects

BODY = b"number,frn\nRMD0000001,0000000001\n" * 1_000
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """moto's S3 server on a free loopback port; its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def s3_environment(s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in {
        "AWS_ENDPOINT_URL": s3,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_REGION": "us-east-1",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    return s3


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "folder":
        return Objects((tmp_path / "raw ö bytes").as_uri())
    address = request.getfixturevalue("s3_environment")
    bucket = f"raw-{uuid4().hex[:12]}"  # a folder of this name may have been another test's
    with urlopen(Request(f"{address}/{bucket}", method="PUT")):
        pass
    return Objects(f"s3://{bucket}/kept/here")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    path.write_bytes(BODY)
    return path


def test_what_was_put_is_read_back_byte_for_byte(objects: Objects, file: Path) -> None:
    assert objects.put(file) == DIGEST
    assert objects.exists(DIGEST)
    assert objects.size(DIGEST) == len(BODY)
    objects.verify(DIGEST)
    with objects.open(DIGEST) as raw:
        assert raw.read() == BODY
        raw.seek(11)
        assert raw.read(10) == b"RMD0000001"


def test_the_same_bytes_put_twice_are_one_object(objects: Objects, file: Path) -> None:
    assert objects.put(file) == objects.put(file) == DIGEST
    assert objects.size(DIGEST) == len(BODY)


def test_every_object_is_listed_with_its_bytes(objects: Objects, file: Path, tmp_path: Path) -> None:
    before = dict(objects.digests())
    other = tmp_path / "other-bytes"
    other.write_bytes(b"listed")

    kept = {objects.put(path): path.stat().st_size for path in (file, other)}

    assert dict(objects.digests()) == before | kept


def test_an_empty_file_is_an_object_too(objects: Objects, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    digest = objects.put(empty)
    with objects.open(digest) as raw:
        assert raw.read() == b""


def _write_more(path: Path) -> None:
    with path.open("ab") as rest:
        rest.write(b"RMD0000002,0000000002\n")


def _write_over(path: Path) -> None:
    with path.open("r+b") as same_size:
        same_size.write(b"NUMBER")


@pytest.mark.parametrize("change", [_write_more, _write_over])
def test_a_file_that_changes_between_its_digest_and_its_copy_is_refused_and_can_be_taken_when_it_is_whole(
    objects: Objects, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    before = dict(objects.digests())
    digest_and_size = objects_module._digest_and_size

    def with_somebody_writing(path: Path) -> tuple[str, int]:
        told = digest_and_size(path)
        change(path)
        return told

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(objects_module, "_digest_and_size", with_somebody_writing)
        with pytest.raises(SourceRejected, match=r"export\.csv changed while it was read.*take it again"):
            objects.put(file)

    assert dict(objects.digests()) == before
    assert not list(tmp_path.rglob("draft-*"))
    for body in (BODY, file.read_bytes()):
        file.write_bytes(body)
        objects.verify(objects.put(file))


def test_a_pipe_is_refused_before_anybody_waits_for_its_bytes(objects: Objects, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceRejected, match="pipe is no regular file"):
        objects.put(tmp_path / "pipe")


def test_a_missing_object_is_named(objects: Objects, file: Path) -> None:
    objects.put(file)
    assert not objects.exists("0" * 64)
    with pytest.raises(SnapshotError, match="0000"):
        objects.open("0" * 64)


def test_text_that_is_no_digest_never_becomes_a_path(objects: Objects) -> None:
    with pytest.raises(SnapshotError, match="not a SHA-256"):
        objects.open("../../../../etc/passwd")


def test_a_damaged_object_is_noticed_and_never_taken_for_the_bytes(tmp_path: Path, file: Path) -> None:
    objects = Objects((tmp_path / "objects").as_uri())
    kept = tmp_path / "objects" / "sha256" / DIGEST[:2] / DIGEST
    objects.put(file)
    kept.write_bytes(BODY[:-1])
    with pytest.raises(SnapshotError, match="damaged"):
        objects.put(file)
    kept.write_bytes(BODY[:-1] + b"\r")
    with pytest.raises(SnapshotError, match="other bytes"):
        objects.verify(DIGEST)


def test_a_bucket_that_is_not_there_is_said_to_be_missing(s3_environment: str, file: Path) -> None:
    with pytest.raises(OutsideRefused, match="bucket"):
        Objects("s3://nobody-made-this/raw").put(file)


def test_a_store_nobody_answers_for_may_be_tried_again_later(
    s3_environment: str, monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(OutsideUnavailable, match="does not answer"):
        Objects("s3://bucket/raw").put(file)


@pytest.mark.parametrize("url", ["memory:///", "/srv/objects", "s3:bucket"])
def test_an_address_of_no_known_kind_is_refused_by_name_of_the_setting(url: str) -> None:
    with pytest.raises(ConfigError, match="PW_OBJECTS_URL"):
        Objects(url)
