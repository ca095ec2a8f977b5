"""How Dagster's steps and sensors get hold of the house: settings, warehouse, object store, clients.

Made when a step or tick asks for them, never on import. Tests replace any of them by a plain object under the
same key. No business rule here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import dagster as dg

from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pw_pipelines.commerce.payments.clients import ProviderClients
    from pw_pipelines.db.connection import Database
    from pw_pipelines.fulfillment.ground import Ground
    from pw_pipelines.probes.rounds import Prober
    from pw_pipelines.resources.erpnext import Erpnext
    from pw_pipelines.resources.fcc_sites import FccSites
    from pw_pipelines.resources.listmonk import Listmonk
    from pw_pipelines.resources.objects import Objects
    from pw_pipelines.resources.register_sites import RegisterSites
    from pw_pipelines.resources.telegram import Telegram


def live_resources(settings: Settings) -> dict[str, dg.ResourceDefinition]:
    """`settings`, `db`, `objects`, `fcc`, `registers`, `listmonk`, `erpnext`, `fulfillment`, `payments`, `telegram`,
    `prober`."""

    @dg.resource(description="The typed settings of this process.")
    def settings_resource(_context: dg.InitResourceContext) -> Settings:
        return settings

    @dg.resource(description="The warehouse database.")
    def db(_context: dg.InitResourceContext) -> Database:
        from pw_pipelines.db.connection import Database

        if settings.database_url is None:
            raise ConfigError("PW_DATABASE_URL is not set. `pw up` sets it; or point it at a PostgreSQL server.")
        return Database(settings.database_url.get_secret_value())

    @dg.resource(description="The object store that keeps raw bytes.")
    def objects(_context: dg.InitResourceContext) -> Objects:
        from pw_pipelines.resources.objects import Objects

        return Objects(settings.objects_url or (settings.home / "objects").resolve().as_uri())

    @dg.resource(description="The FCC's public records.")
    def fcc(_context: dg.InitResourceContext) -> Iterator[FccSites]:
        from pw_pipelines.resources.fcc_sites import FccSites

        sites = FccSites(settings)
        try:
            yield sites
        finally:
            sites.close()

    @dg.resource(description="The browser that looks at portals, and the books it writes into.")
    def prober(_context: dg.InitResourceContext) -> Iterator[Prober]:
        from pw_pipelines.fulfillment.ground import ground_of
        from pw_pipelines.probes.rounds import Prober

        ground = ground_of(settings)
        made = Prober(settings, ground.db, ground.objects)
        try:
            yield made
        finally:
            made.close()

    @dg.resource(description="The states' registers of companies.")
    def registers(_context: dg.InitResourceContext) -> Iterator[RegisterSites]:
        from pw_pipelines.resources.register_sites import RegisterSites

        with RegisterSites(settings) as sites:
            yield sites

    @dg.resource(description="The mailing list manager.")
    def listmonk(_context: dg.InitResourceContext) -> Listmonk:
        from pw_pipelines.resources.listmonk import Listmonk

        return Listmonk(settings)

    @dg.resource(description="The payment providers, for taking what was promised.")
    def payments(_context: dg.InitResourceContext) -> Iterator[ProviderClients]:
        from pw_pipelines.commerce.payments.clients import ProviderClients

        with ProviderClients(settings) as clients:
            yield clients

    @dg.resource(description="ERPNext, where the books are kept.")
    def erpnext(_context: dg.InitResourceContext) -> Iterator[Erpnext]:
        from pw_pipelines.resources.erpnext import Erpnext

        with Erpnext(settings) as client:
            yield client

    @dg.resource(description="Where ops are told.")
    def telegram(_context: dg.InitResourceContext) -> Telegram:
        from pw_pipelines.resources.telegram import Telegram

        return Telegram(settings)

    @dg.resource(description="What fulfilment stands on: books, object store, mail, documents, portals.")
    def fulfillment(_context: dg.InitResourceContext) -> Iterator[Ground]:
        from pw_pipelines.db.kept import for_run
        from pw_pipelines.fulfillment.ground import ground_of

        ground = ground_of(settings)
        with for_run(ground.db.url) as db:
            yield replace(ground, db=db)

    return {
        "settings": settings_resource,
        "db": db,
        "objects": objects,
        "fcc": fcc,
        "registers": registers,
        "listmonk": listmonk,
        "erpnext": erpnext,
        "fulfillment": fulfillment,
        "payments": payments,
        "telegram": telegram,
        "prober": prober,
    }
