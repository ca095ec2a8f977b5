"""The Robocall Mitigation Database's portal: the bulk export, one request, streamed to disk.

The portal may answer maintenance with status 200 and an HTML page: what came is kept as it came, and judged
by the source's reader.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pw_pipelines.resources.fetched import Fetched
from pw_pipelines.resources.http import polite_client
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    import httpx

PER_SECOND = 1.0  # no limit is published; one request a day is made


class RmdSite:
    """The portal at `settings.rmd_url`. Raises SourceUnavailable (try later) or SourceRefused (never will)."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = f"{settings.rmd_url.rstrip('/')}/api/x_g_fmc_rmd/rmd/csv_download"
        self._client = polite_client("fcc_rmd", settings, per_second=PER_SECOND, transport=transport, sleep=sleep)

    def fetch(self, into: Path) -> Fetched:
        """The whole public list as CSV. `into`: the file to write, or a folder for `rmd.csv`."""
        return self._client.fetch(self._url, into, name="rmd.csv", media_type="text/csv")

    def close(self) -> None:
        self._client.close()
