"""The FCC's sites as one object; the bulk exports of RMD and Form 499."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from pw_pipelines.errors import BadFrn, ConfigError, SourceUnavailable
from pw_pipelines.resources.fcc_form499 import Form499Site
from pw_pipelines.resources.fcc_rmd import RmdSite
from pw_pipelines.resources.fcc_sites import FccSites
from pw_pipelines.settings import Settings
from tests.resources.answers import Source, live_like
from tests.sources.builders import MAINTENANCE, rmd_csv, rmd_filing


def test_the_rmd_export_is_one_request_and_the_exact_bytes(tmp_path: Path) -> None:
    body = rmd_csv([rmd_filing(1)])
    source = Source(httpx.Response(200, content=body, headers={"Content-Type": "text/csv;charset=UTF-8"}))
    fetched = RmdSite(live_like(tmp_path), transport=source.transport).fetch(tmp_path)
    assert [str(request.url) for request in source.requests] == ["https://rmd.example/api/x_g_fmc_rmd/rmd/csv_download"]
    assert (fetched.path, fetched.media_type) == (tmp_path / "rmd.csv", "text/csv;charset=UTF-8")
    assert fetched.path.read_bytes() == body


def test_a_maintenance_page_is_kept_as_it_came_for_the_grader(tmp_path: Path) -> None:
    """Raw first: what the portal sent with status 200 is judged later, and shown."""
    source = Source(httpx.Response(200, content=MAINTENANCE, headers={"Content-Type": "text/html"}))
    fetched = RmdSite(live_like(tmp_path), transport=source.transport).fetch(tmp_path / "today.csv")
    assert (fetched.path.name, fetched.path.read_bytes()) == ("today.csv", MAINTENANCE)


def test_the_whole_filer_list_is_asked_for_as_xml(tmp_path: Path) -> None:
    source = Source(httpx.Response(200, content=b"<Filer499QueryResults/>"))
    fetched = Form499Site(live_like(tmp_path), transport=source.transport).fetch(tmp_path)
    assert str(source.requests[0].url) == "https://f499.example/cgb/form499/499results.cfm?xml=TRUE"
    assert fetched.path.read_bytes() == b"<Filer499QueryResults/>"


def test_one_frn_is_asked_for_with_its_zeros_and_ended_filers_too(tmp_path: Path) -> None:
    source = Source(httpx.Response(200, content=b"<x/>"))
    assert Form499Site(live_like(tmp_path), transport=source.transport).by_frn("18547") == b"<x/>"
    assert dict(source.requests[0].url.params) == {"frn": "0000018547", "XML": "TRUE"}
    with pytest.raises(BadFrn):
        Form499Site(live_like(tmp_path), transport=source.transport).by_frn("no frn")


def test_a_site_that_is_down_is_unavailable_and_leaves_no_file(tmp_path: Path) -> None:
    source = Source(httpx.ConnectError("no route"))
    once = live_like(tmp_path).model_copy(update={"http_attempts": 1})
    site = RmdSite(once, transport=source.transport)
    with pytest.raises(SourceUnavailable):
        site.fetch(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_sites_are_made_when_first_asked_for_and_missing_credentials_are_named(settings: Settings) -> None:
    with FccSites(settings) as sites:
        assert sites.rmd is sites.rmd
        assert sites.form499 is not None
        assert sites.cores is not None
        with pytest.raises(ConfigError, match="PW_ECFS_API_KEY is not set"):
            _ = sites.ecfs
        with pytest.raises(ConfigError, match="PW_BDC_USERNAME and PW_BDC_HASH_VALUE"):
            _ = sites.bdc


def test_a_closed_client_is_not_handed_out_again(tmp_path: Path) -> None:
    sites = FccSites(live_like(tmp_path))
    first = sites.ecfs
    sites.close()
    assert sites.ecfs is not first
    sites.close()
