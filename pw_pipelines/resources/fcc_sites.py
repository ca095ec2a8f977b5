"""The FCC's public records as one object: each site's client is made when it is first asked for."""

from __future__ import annotations

from functools import cached_property

from pw_pipelines.resources.bdc import Bdc
from pw_pipelines.resources.cores import Cores
from pw_pipelines.resources.ecfs import Ecfs
from pw_pipelines.resources.fcc_form499 import Form499Site
from pw_pipelines.resources.fcc_rmd import RmdSite
from pw_pipelines.settings import Settings


class FccSites:
    """Clients of the five public records. A missing credential is a ConfigError when its site is asked for.

    One object keeps each site's pace; close it when done, or use it as a context manager.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def rmd(self) -> RmdSite:
        return RmdSite(self._settings)

    @cached_property
    def form499(self) -> Form499Site:
        return Form499Site(self._settings)

    @cached_property
    def ecfs(self) -> Ecfs:
        return Ecfs(self._settings)

    @cached_property
    def bdc(self) -> Bdc:
        return Bdc(self._settings)

    @cached_property
    def cores(self) -> Cores:
        return Cores(self._settings)

    def close(self) -> None:
        """Closes the clients that were made."""
        for name in ("rmd", "form499", "ecfs", "bdc", "cores"):
            made = self.__dict__.pop(name, None)
            if made is not None:
                made.close()

    def __enter__(self) -> FccSites:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
