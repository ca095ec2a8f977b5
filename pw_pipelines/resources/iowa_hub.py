"""The Iowa Data Hub: its whole-set download of companies, a redirect to a signed address and one ZIP behind it."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pw_pipelines.resources.fetched import Fetched
from pw_pipelines.resources.http import polite_client
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    import httpx

DATASET = 554
PER_SECOND = 1.0  # one request a month is made


class IowaHub:
    """The hub at `settings.iowa_hub_url`. Raises SourceUnavailable (try later) or SourceRefused (never will)."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = f"{settings.iowa_hub_url.rstrip('/')}/api/v1/datasets/{DATASET}/rows.json"
        self._client = polite_client("iowa_hub", settings, per_second=PER_SECOND, transport=transport, sleep=sleep)

    def fetch(self, into: Path) -> Fetched:
        """The whole set (205 MB in September 2026). `into`: the file to write, or a folder for `iowa_hub.zip`."""
        fetched = self._client.fetch(self._url, into, name="iowa_hub.zip", media_type="application/zip")
        return replace(fetched, as_of=_made_on(fetched.path))

    def close(self) -> None:
        self._client.close()


def _made_on(path: Path) -> date | None:
    """The day the archive's files were made, by the archive; None where it does not say or is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            made = min(date(*entry.date_time[:3]) for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError):  # judged by the reader, which quotes it
        return None
    return made if made.year > 1980 else None  # archives without dates say 1980
