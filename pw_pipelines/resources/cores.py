"""CORES: the public registration page of one FRN. Status 200 with an empty body is an answer: no such FRN."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from pw_pipelines.errors import SourceUnavailable
from pw_pipelines.frn import pad
from pw_pipelines.resources.fetched import Fetched, target, whole_file
from pw_pipelines.resources.http import polite_client
from pw_pipelines.settings import Settings
from pw_pipelines.sources.bundle import BundleWriter, Member

if TYPE_CHECKING:
    import httpx

WORKERS = 4  # waiting side by side; the pace of the client holds for all of them together
BATCH = 16
FAILURES_IN_A_ROW = 8  # then the site is down: each has already been tried several times


class Cores:
    """The site at `settings.cores_url`. Raises SourceUnavailable (try later) or SourceRefused (never will)."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = f"{settings.cores_url.rstrip('/')}/searchDetail.do"
        self._client = polite_client(
            "fcc_cores", settings, per_second=settings.cores_requests_per_second, transport=transport, sleep=sleep
        )

    def page(self, frn: str) -> bytes:
        """The page of one FRN as the site sent it; for the source's own reader."""
        return self._client.get(self._url, {"frn": pad(frn)}).content

    def fetch(self, into: Path, frns: Iterable[str]) -> Fetched:
        """The pages of many FRNs, each once, in the order given, as a bundle with a member `<frn>.html` each.

        `into`: the file to write, or a folder for `cores.zip`. A page that cannot be had is left out and told in
        the notes: it was not looked up, which says nothing about the FRN. Raises SourceUnavailable when no page
        could be had, or when many in a row could not.
        """
        path = target(into, "cores.zip")
        wanted = list(dict.fromkeys(pad(frn) for frn in frns))
        missed: list[str] = []
        failure: SourceUnavailable | None = None
        in_a_row = 0
        with (
            whole_file(path) as draft,
            BundleWriter(draft) as bundle,
            ThreadPoolExecutor(WORKERS, thread_name_prefix="cores") as pool,
        ):
            for batch in _batches(wanted):
                for frn, answer in zip(batch, pool.map(self._answer, batch), strict=True):
                    if isinstance(answer, SourceUnavailable):
                        missed.append(frn)
                        failure, in_a_row = answer, in_a_row + 1
                        continue
                    in_a_row = 0
                    url = f"{self._url}?frn={frn}"
                    bundle.add(Member(f"{frn}.html", url, 200, answer.headers.get("Content-Type", "")), answer.content)
                if failure is not None and (in_a_row >= FAILURES_IN_A_ROW or len(missed) == len(wanted)):
                    raise SourceUnavailable(
                        f"CORES: {in_a_row} pages in a row could not be had, the last: {failure}",
                        source="fcc_cores",
                        url=self._url,
                    ) from failure
        notes = [f"{len(missed)} of {len(wanted)} pages could not be had and were left out"] if missed else []
        return Fetched(path, "application/zip", notes=tuple(notes))

    def close(self) -> None:
        self._client.close()

    def _answer(self, frn: str) -> httpx.Response | SourceUnavailable:
        try:
            return self._client.get(self._url, {"frn": frn})
        except SourceUnavailable as error:
            return error


def _batches(items: list[str]) -> Iterator[list[str]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch
