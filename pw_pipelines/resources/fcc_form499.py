"""The Form 499 filer database: the whole list as one XML, and one FRN's filers."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pw_pipelines import frn as frns
from pw_pipelines.resources.fetched import Fetched
from pw_pipelines.resources.http import polite_client
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    import httpx

PER_SECOND = 2.0  # no limit is published


class Form499Site:
    """The database at `settings.form499_url`. Raises SourceUnavailable (try later) or SourceRefused (never will)."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = f"{settings.form499_url.rstrip('/')}/499results.cfm"
        self._client = polite_client("fcc_form499", settings, per_second=PER_SECOND, transport=transport, sleep=sleep)

    def fetch(self, into: Path) -> Fetched:
        """Every filer, streamed to disk (63.8 MB in July 2026). `into`: the file, or a folder for `form499.xml`."""
        return self._client.fetch(self._url, into, name="form499.xml", media_type="text/xml", params={"xml": "TRUE"})

    def by_frn(self, frn: str) -> bytes:
        """The reply for one FRN, active and ended filers, as the source sent it; for the source's own reader."""
        return self._client.get(self._url, {"frn": frns.pad(frn), "XML": "TRUE"}).content

    def close(self) -> None:
        self._client.close()
