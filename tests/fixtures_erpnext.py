"""A real stand-in ERPNext on loopback, in a thread, over a database of the test's own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from pw_pipelines.db.embedded import Server
from pw_pipelines.resources.erpnext import Erpnext
from pw_pipelines.sandbox import faults
from pw_pipelines.sandbox.erpnext import create_app
from pw_pipelines.settings import Settings
from tests.served import served

AUTHORIZATION = {"Authorization": "token sandbox:sandbox-secret"}


@dataclass(frozen=True)
class Books:
    """The running stand-in. `api` speaks to it directly; `faults` makes it misbehave."""

    url: str
    api: httpx.Client
    faults: faults.FaultBook
    site: Any

    def behave(self, **how: object) -> None:
        assert self.api.post("/erpnext/_sandbox/behaviour", json=how).status_code == 200

    def misbehave(self, fault: str, **how: Any) -> None:
        self.faults.add(faults.Fault(system="erpnext", fault=fault, **how))  # type: ignore[arg-type]

    def writes(self) -> dict[str, int]:
        return dict(self.api.get("/erpnext/_sandbox/state").json()["writes"])

    def all_of(self, doctype: str) -> list[dict[str, Any]]:
        """Every document of a type, whole."""
        rows = self.api.get(f"/erpnext/api/resource/{doctype}", params={"limit_page_length": "0"}).json()["data"]
        return [self.one(doctype, row["name"]) for row in rows]

    def one(self, doctype: str, name: str) -> dict[str, Any]:
        answer = self.api.get(f"/erpnext/api/resource/{doctype}/{name}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])

    def settings(self, settings: Settings, **more: Any) -> Settings:
        """`settings` pointed at this stand-in."""
        return settings.model_copy(
            update={
                "erpnext_url": f"{self.url}/erpnext",
                "erpnext_api_key": "sandbox",
                "erpnext_api_secret": SecretStr("sandbox-secret"),
                "http_timeout_seconds": 10.0,
                **more,
            }
        )


@pytest.fixture(scope="session")
def erpnext_database(postgres: Server) -> str:
    """URL of this worker's database for ERPNext's stand-in."""
    name = f"erpnext_{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return postgres.url(name)


@pytest.fixture
def run_erpnext(erpnext_database: str) -> Iterator[Callable[..., Books]]:
    """Starts a stand-in with options of `create_app`; empty at the start of a test."""
    from starlette.applications import Starlette
    from starlette.routing import Mount

    with psycopg.connect(erpnext_database) as connection:
        connection.execute("drop schema if exists erpnext cascade")
    with ExitStack() as stack:

        def run(**options: Any) -> Books:
            app, book = create_app(erpnext_database, **options), faults.FaultBook()
            stack.callback(app.state.site.store.close)
            mounted = Starlette(routes=[Mount("/erpnext", app=app)])
            url = stack.enter_context(served(faults.Misbehaving(mounted, book)))
            api = stack.enter_context(httpx.Client(base_url=url, headers=AUTHORIZATION, timeout=30))
            return Books(url, api, book, app.state.site)

        yield run


@pytest.fixture
def books(run_erpnext: Callable[..., Books]) -> Books:
    """A stand-in as it is set up from the start."""
    return run_erpnext()


@pytest.fixture
def erpnext(books: Books, settings: Settings) -> Iterator[Erpnext]:
    """A client of it that never waits between tries."""
    with Erpnext(books.settings(settings), sleep=lambda _seconds: None) as client:
        yield client
