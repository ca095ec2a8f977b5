"""Public sites for tests of live readings: each answers with given bytes, or fails as told."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from pw_pipelines.errors import SourceUnavailable
from tests.sources.builders import CORES_NOT_FOUND, cores_fields, cores_page, form499_filer, form499_xml


class Sites:
    """Stands in for `FccSites`. Counts what was asked; `down` names sources that cannot be reached."""

    def __init__(
        self,
        *,
        registered: bool = True,
        filers: Iterable[Mapping[str, Any]] = (),
        filings: Iterable[Mapping[str, Any]] = (),
        down: Iterable[str] = (),
        hold: threading.Event | None = None,
        cores_fields_changed: Mapping[str, str] | None = None,
    ) -> None:
        self.asked: list[str] = []
        self._registered = registered
        self._filers = list(filers)
        self._filings = list(filings)
        self._down = set(down)
        self._hold = hold
        self._changed = dict(cores_fields_changed or {})

    @property
    def cores(self) -> Sites:
        return self

    @property
    def form499(self) -> Sites:
        return self

    @property
    def ecfs(self) -> Sites:
        return self

    def _reached(self, source: str) -> None:
        self.asked.append(source)
        if self._hold is not None:
            self._hold.wait(30)
        if source in self._down:
            raise SourceUnavailable(f"{source} answered 503.", source=source)

    def page(self, frn: str) -> bytes:
        self._reached("fcc_cores")
        return cores_page(cores_fields(frn, **self._changed)) if self._registered else CORES_NOT_FOUND

    def by_frn(self, frn: str) -> bytes:
        self._reached("fcc_form499")
        return form499_xml([form499_filer(**{"FRN": frn, **filer}) for filer in self._filers])

    def by_name(self, name: str, since: date) -> list[dict[str, Any]]:
        self._reached("fcc_cpni")
        return [dict(filing) for filing in self._filings]
