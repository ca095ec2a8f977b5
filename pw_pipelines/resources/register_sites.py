"""The states' registers of companies as one object: each site's client is made when it is first asked for."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from pw_pipelines.errors import UsageError
from pw_pipelines.resources.fetched import Fetched
from pw_pipelines.resources.florida_sftp import QUARTERLY, FloridaSftp
from pw_pipelines.resources.iowa_hub import IowaHub
from pw_pipelines.resources.socrata import SocrataSites, Wanted
from pw_pipelines.settings import Settings
from pw_pipelines.sources.socrata_datasets import columns, dataset_of

SOCRATA = ("socrata_co", "socrata_ny", "socrata_or", "socrata_pa", "socrata_ct")
IOWA = "iowa_hub"
WHOLE = (*QUARTERLY, *SOCRATA, IOWA)


class RegisterSites:
    """Clients of the registers that may be fetched. Close it when done, or use it as a context manager."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def florida(self) -> FloridaSftp:
        return FloridaSftp(self._settings)

    @cached_property
    def socrata(self) -> SocrataSites:
        return SocrataSites(self._settings)

    @cached_property
    def iowa(self) -> IowaHub:
        return IowaHub(self._settings)

    def fetch_whole(self, source: str, into: Path) -> Fetched:
        """The whole register of a source as it stands now, into a folder. Raises UsageError for no such source."""
        if source in SOCRATA:
            dataset = dataset_of(source)
            return self.socrata.fetch(Wanted(source, dataset.domain, dataset.id, columns(source).asked), into)
        if source == IOWA:
            return self.iowa.fetch(into)
        if source in QUARTERLY:
            return self.florida.fetch_quarterly(source, into)
        raise UsageError(f"{source!r} is no register that can be fetched whole; known: {', '.join(WHOLE)}.")

    def close(self) -> None:
        """Closes the clients that were made."""
        for name in ("florida", "socrata", "iowa"):
            made = self.__dict__.pop(name, None)
            if made is not None:
                made.close()

    def __enter__(self) -> RegisterSites:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
