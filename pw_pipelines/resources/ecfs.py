"""ECFS public API: the filings of docket 06-36, between two days or of one filer name.

A query shows at most 10,000 results (`offset` + `limit`), so a span of days is halved until each part fits. The
API key travels in the query and is written nowhere. An error text with status 200 is kept as the last page of
a bulk copy, where the reader quotes it; a live look-up raises.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pw_pipelines.errors import ConfigError, SourceRefused, SourceUnavailable, UsageError
from pw_pipelines.resources.fetched import Fetched, target, whole_file
from pw_pipelines.resources.http import polite_client
from pw_pipelines.settings import Settings
from pw_pipelines.sources.bundle import BundleWriter, Member

if TYPE_CHECKING:
    import httpx

DOCKET = "06-36"
PAGE = 250  # proven by clients; larger ones were seen only in old ones
SMALLEST_PAGE = 100  # fewer than any client was ever given at once: surely the last ones
WINDOW = 10_000  # offset + limit may not pass this
_QUOTED_CHARACTERS = 120


class _NotAReply(Exception):
    """A page that is not JSON with the key `filing`; the bundle ends with it."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


class _TooMany(Exception):
    """The window holds more filings than a query may show."""


class Ecfs:
    """The API at `settings.ecfs_url`. Raises SourceUnavailable (try later) or SourceRefused (never will);
    ConfigError when no key is set."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if settings.ecfs_api_key is None:
            raise ConfigError("PW_ECFS_API_KEY is not set: get a free key at https://api.data.gov/signup/ and set it.")
        self._key = settings.ecfs_api_key
        self._url = f"{settings.ecfs_url.rstrip('/')}/filings"
        self._client = polite_client(
            "fcc_cpni", settings, per_second=settings.ecfs_requests_per_second, transport=transport, sleep=sleep
        )

    def fetch(self, into: Path, since: date, until: date) -> Fetched:
        """Filings received from `since` to `until`, both whole days, as a bundle of pages.

        `into`: the file to write, or a folder for `ecfs.zip`. Raises SourceUnavailable when a single day holds
        more filings than a query may show.
        """
        if since > until:
            raise UsageError(f"ECFS: {since} is after {until}.")
        path = target(into, "ecfs.zip")
        notes: list[str] = []
        number = 0
        with whole_file(path) as draft, BundleWriter(draft) as bundle:
            windows = list(_years(since, until))
            while windows:
                first, last = windows.pop(0)
                stop = False
                try:
                    pages, stop = self._window(first, last)
                except _TooMany:
                    notes.append(f"{first} to {last} holds more than {WINDOW:,} filings; asked for in two halves")
                    windows[:0] = self._halves(first, last)
                    continue
                for params, body, media_type in pages:
                    number += 1
                    name = f"page-{number:04d}.json"
                    bundle.add(Member(name, self._shown(params), 200, media_type), body)
                if stop:
                    notes.append(f"ECFS stopped answering as it should in {first} to {last}, after {number} pages")
                    break
        return Fetched(path, "application/zip", notes=tuple(notes))

    def by_name(self, name: str, since: date) -> list[dict[str, Any]]:
        """Filings in the docket since that day of filers called `name`, newest last, for a live look-up.

        Raises SourceRefused, quoting it, for an error text with status 200, and SourceUnavailable for a web page.
        """
        found: list[dict[str, Any]] = []
        while len(found) + PAGE <= WINDOW:
            params = {"filers.name": name, "date_received": f"[gte]{since}", **_paging(len(found))}
            try:
                _, page, _ = self._page(params)
            except _NotAReply as error:
                kind = SourceUnavailable if error.said.lstrip().startswith("<") else SourceRefused
                raise kind(
                    f"ECFS answered {error.said!r} to the search for {name!r}.", source="fcc_cpni", url=self._url
                ) from error
            found += page
            if len(page) < SMALLEST_PAGE:
                break
        return found

    def close(self) -> None:
        self._client.close()

    def _window(self, first: date, last: date) -> tuple[list[tuple[dict[str, str], bytes, str]], bool]:
        """(pages of one window, whether the last of them is no reply). Raises _TooMany."""
        pages: list[tuple[dict[str, str], bytes, str]] = []
        offset = 0
        while offset + PAGE <= WINDOW:
            params = {"date_received": f"[gte]{first}[lte]{last}", **_paging(offset)}
            response = self._ask(params)
            pages.append((params, response.content, response.headers.get("Content-Type", "")))
            try:
                filings = _filings(response.content)
            except _NotAReply:
                return pages, True
            if not filings:  # only an empty page is the end: a server may give fewer than it was asked for
                return pages, False
            offset += len(filings)
        raise _TooMany

    def _halves(self, first: date, last: date) -> list[tuple[date, date]]:
        if first == last:
            raise SourceUnavailable(
                f"ECFS: docket {DOCKET} holds {WINDOW:,} filings or more received on {first}, the most a query may "
                "show, and a day cannot be split. The copy would be incomplete, so none was made.",
                source="fcc_cpni",
                url=self._url,
            )
        middle = first + (last - first) // 2
        return [(first, middle), (middle + timedelta(days=1), last)]

    def _page(self, params: dict[str, str]) -> tuple[bytes, list[dict[str, Any]], str]:
        response = self._ask(params)
        return response.content, _filings(response.content), response.headers.get("Content-Type", "")

    def _ask(self, params: dict[str, str]) -> httpx.Response:
        query = {"proceedings.name": DOCKET, **params, "api_key": self._key.get_secret_value()}
        return self._client.get(self._url, query)

    def _shown(self, params: dict[str, str]) -> str:
        """The address of a page as it may be written down: without the key."""
        return f"{self._url}?proceedings.name={DOCKET}&" + "&".join(f"{name}={value}" for name, value in params.items())


def _paging(offset: int) -> dict[str, str]:
    """Oldest first, so that filings which arrive while reading only lengthen the end."""
    return {"sort": "date_received,ASC", "limit": str(PAGE), "offset": str(offset)}


def _filings(body: bytes) -> list[dict[str, Any]]:
    try:
        reply = json.loads(body)
    except ValueError as error:
        raise _NotAReply(body[:_QUOTED_CHARACTERS].decode("utf-8", "replace")) from error
    if not isinstance(reply, dict) or not isinstance(reply.get("filing"), list):
        raise _NotAReply(body[:_QUOTED_CHARACTERS].decode("utf-8", "replace"))
    return list(reply["filing"])


def _years(since: date, until: date) -> Iterator[tuple[date, date]]:
    """The span cut at calendar years: a year of this docket is expected to fit one window."""
    for year in range(since.year, until.year + 1):
        yield max(since, date(year, 1, 1)), min(until, date(year, 12, 31))
