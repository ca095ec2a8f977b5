"""The Iowa Data Hub: a redirect, a ZIP, and the day it was made."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import httpx
import pytest

from pw_pipelines.errors import SourceRefused, SourceUnavailable
from pw_pipelines.resources.iowa_hub import IowaHub
from tests.fixtures_registers import Registers
from tests.resources.answers import Source, live_like

NoSleep = tuple[list[float], Callable[[float], None]]


def test_the_whole_set_is_behind_a_redirect_and_tells_its_month(registers: Registers, tmp_path: Path) -> None:
    hub = IowaHub(registers.settings)
    fetched = hub.fetch(tmp_path)
    hub.close()
    assert (fetched.path.name, fetched.as_of) == ("iowa_hub.zip", date(2026, 11, 1))
    with zipfile.ZipFile(fetched.path) as archive:
        (member,) = archive.infolist()
        lines = archive.read(member).splitlines()
    assert member.compress_type == zipfile.ZIP_STORED
    assert json.loads(lines[0])["corp_number"].startswith("0")


def test_the_signed_address_stands_in_no_error(tmp_path: Path, no_sleep: NoSleep) -> None:
    signed = "https://storage.example/554.zip?X-Amz-Signature=s3cr3t"
    source = Source(
        lambda request: (
            httpx.Response(303, headers={"Location": signed})
            if request.url.host != "storage.example"
            else httpx.Response(403, text="<Error>expired</Error>")
        )
    )
    hub = IowaHub(live_like(tmp_path), transport=source.transport, sleep=no_sleep[1])
    with pytest.raises(SourceRefused, match="answered 403") as refused:
        hub.fetch(tmp_path)
    assert "s3cr3t" not in str(refused.value)


def test_a_hub_that_is_down_is_left_for_later(registers: Registers, tmp_path: Path, no_sleep: NoSleep) -> None:
    registers.misbehave("iowa_hub", "status", status=503, times=None)
    settings = registers.settings.model_copy(update={"http_attempts": 2})
    hub = IowaHub(settings, sleep=no_sleep[1])
    with pytest.raises(SourceUnavailable, match="answered 503"):
        hub.fetch(tmp_path)
    hub.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("body", [b"<html>maintenance</html>", b""])
def test_what_is_no_archive_is_kept_as_it_came_without_a_day(tmp_path: Path, body: bytes) -> None:
    hub = IowaHub(live_like(tmp_path), transport=Source(httpx.Response(200, content=body)).transport)
    fetched = hub.fetch(tmp_path)
    assert (fetched.path.read_bytes(), fetched.as_of) == (body, None)


def test_an_archive_without_dates_has_no_day(tmp_path: Path) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr(zipfile.ZipInfo("rows.json"), "{}")
    hub = IowaHub(live_like(tmp_path), transport=Source(httpx.Response(200, content=sink.getvalue())).transport)
    assert hub.fetch(tmp_path).as_of is None
