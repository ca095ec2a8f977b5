"""What fulfilment stands on: books, object store, settings, and the ways to each outside system it needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pw_pipelines.clock import Clock
from pw_pipelines.db.connection import Database
from pw_pipelines.resources.objects import Objects
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.documents.converting import Converter
    from pw_pipelines.filings.engine import FilingEngine
    from pw_pipelines.fulfillment.private_data import Vault
    from pw_pipelines.resources.mail import Mail


@dataclass
class Ground:
    """Opened once per process and shared by the items it works. The ways outwards are made when first needed."""

    settings: Settings
    db: Database
    objects: Objects
    clock: Clock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = self.settings.clock

    @cached_property
    def mail(self) -> Mail:
        from pw_pipelines.resources.mail import Mail

        return Mail(self.settings)

    @cached_property
    def converter(self) -> Converter:
        from pw_pipelines.documents.converting import Converter

        return Converter(self.settings)

    @cached_property
    def filing(self) -> FilingEngine:
        from pw_pipelines.filings.engine import FilingEngine

        return FilingEngine(self.settings)

    @cached_property
    def vault(self) -> Vault:
        from pw_pipelines.fulfillment.private_data import Vault

        return Vault(self.settings)


def ground_of(settings: Settings) -> Ground:
    """From settings whose database and object store are known (`pw up` and every command set them)."""
    assert settings.database_url is not None and settings.objects_url is not None
    return Ground(settings, Database(settings.database_url.get_secret_value()), Objects(settings.objects_url))
