"""The BDC public data API: which vintages are published, and a vintage's provider list.

Ten calls a minute; an FCC login and a token travel in headers. Specification of 10 October 2024.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pw_pipelines.errors import ConfigError, SourceRefused, SourceUnavailable
from pw_pipelines.resources.fetched import Fetched, target, whole_file
from pw_pipelines.resources.http import polite_client
from pw_pipelines.settings import Settings
from pw_pipelines.sources.bundle import BundleWriter, Member
from pw_pipelines.sources.fcc_bdc import vintage_and_revision

if TYPE_CHECKING:
    import httpx

_MEND = "Check PW_BDC_USERNAME and PW_BDC_HASH_VALUE (Manage API Access at https://broadbandmap.fcc.gov)."


def vintage_name(as_of_date: date) -> str:
    """`J25` for data as of 30 June 2025, `D25` for 31 December 2025: the names the files carry."""
    return f"{'J' if as_of_date.month <= 6 else 'D'}{as_of_date:%y}"


class Bdc:
    """The API at `settings.bdc_url`. Raises SourceUnavailable (try later) or SourceRefused (never will);
    ConfigError when the credentials are missing."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if settings.bdc_username is None or settings.bdc_hash_value is None:
            raise ConfigError(
                "PW_BDC_USERNAME and PW_BDC_HASH_VALUE are not both set: they are the FCC registration login and the "
                "token made under Manage API Access at https://broadbandmap.fcc.gov."
            )
        self._url = f"{settings.bdc_url.rstrip('/')}/api/public/map"
        self._client = polite_client(
            "fcc_bdc",
            settings,
            per_second=settings.bdc_requests_per_minute / 60.0,
            headers={"username": settings.bdc_username, "hash_value": settings.bdc_hash_value.get_secret_value()},
            transport=transport,
            sleep=sleep,
        )

    def vintages(self) -> list[date]:
        """As-of dates with published availability data, oldest first. Absence is judged for these alone."""
        _, entries = self._list("listAsOfDates")
        found = {
            date.fromisoformat(str(entry.get("as_of_date"))[:10])  # may carry a time
            for entry in entries
            if entry.get("data_type") == "availability"
        }
        return sorted(found)

    def fetch(self, into: Path, as_of_date: date) -> Fetched:
        """The provider list of one vintage: the API's list reply and the file, as one bundle.

        `into`: the file to write, or a folder for `bdc.zip`. Raises SourceUnavailable when the vintage has no
        provider list (yet).
        """
        path = target(into, "bdc.zip")
        list_url = f"downloads/listAvailabilityData/{as_of_date}"
        response, entries = self._list(list_url, {"category": "State", "subcategory": "Provider List"})
        wanted = [entry for entry in entries if entry.get("subcategory") == "Provider List" and entry.get("file_id")]
        if not wanted:
            raise SourceUnavailable(
                f"BDC: no provider list is published for {as_of_date} ({vintage_name(as_of_date)}).",
                source="fcc_bdc",
                url=f"{self._url}/{list_url}",
            )
        newest = max(wanted, key=lambda entry: vintage_and_revision(str(entry.get("file_name")))[1] or date.min)
        file_url = f"{self._url}/downloads/downloadFile/availability/{newest['file_id']}"
        name = str(newest.get("file_name") or newest["file_id"])
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            file = Path(folder) / "file"
            headers = self._download(file_url, file)
            with whole_file(path) as draft, BundleWriter(draft) as bundle:
                bundle.add(
                    Member("list.json", str(response.url), 200, response.headers.get("Content-Type", "")),
                    response.content,
                )
                bundle.add(
                    Member(f"{name.removesuffix('.zip')}.zip", file_url, 200, headers.get("Content-Type", "")),
                    file.read_bytes(),
                )
        notes = (f"{len(wanted)} revisions are listed; the newest, {name}, was taken",) if len(wanted) > 1 else ()
        return Fetched(path, "application/zip", vintage=vintage_name(as_of_date), notes=notes)

    def close(self) -> None:
        self._client.close()

    def _list(self, path: str, params: dict[str, str] | None = None) -> tuple[httpx.Response, list[dict[str, Any]]]:
        """The reply and its entries. A reply may say `fail` in its body whatever its status."""
        url = f"{self._url}/{path}"
        try:
            response = self._client.get(url, params)
        except SourceRefused as error:
            raise SourceRefused(f"{error} {_MEND}", source="fcc_bdc", url=url) from error
        try:
            reply = response.json()
        except ValueError as error:
            raise SourceUnavailable(
                f"BDC: {url} answered {response.text[:120]!r} instead of JSON.", source="fcc_bdc", url=url
            ) from error
        if not isinstance(reply, dict) or not isinstance(reply.get("data"), list):
            said = reply.get("message") or reply.get("status") if isinstance(reply, dict) else type(reply).__name__
            raise SourceRefused(f"BDC: {url} answered {said!r}. {_MEND}", source="fcc_bdc", url=url)
        return response, [entry for entry in reply["data"] if isinstance(entry, dict)]

    def _download(self, url: str, into: Path) -> httpx.Headers:
        try:
            return self._client.download(url, into)
        except SourceRefused as error:
            raise SourceRefused(f"{error} {_MEND}", source="fcc_bdc", url=url) from error
