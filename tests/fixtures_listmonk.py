"""A real stand-in Listmonk on loopback, in a thread, over a database of the test's own."""

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
from pw_pipelines.sandbox.listmonk import create_app
from pw_pipelines.settings import Settings
from tests.served import served


@dataclass(frozen=True)
class Listmonk:
    """The running stand-in. `api` speaks as the API user `pw`; `play` plays the subscriber and the staff."""

    url: str
    database_url: str
    api: httpx.Client

    def play(self, deed: str, **body: Any) -> dict[str, Any]:
        answer = self.api.post(f"/_sandbox/{deed}", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"]) if isinstance(answer.json()["data"], dict) else {}

    def stored(self, email: str) -> dict[str, Any] | None:
        answer = self.api.get("/_sandbox/subscriber", params={"email": email})
        return None if answer.status_code == 404 else dict(answer.json()["data"])

    def writes(self) -> dict[str, int]:
        return dict(self.api.get("/_sandbox/counters").json()["data"])

    def forget_writes(self) -> None:
        self.api.delete("/_sandbox/counters")

    def settings(self, settings: Settings) -> Settings:
        """`settings` pointed at this stand-in."""
        return settings.model_copy(
            update={"listmonk_url": self.url, "listmonk_user": "pw", "listmonk_token": SecretStr("sandbox-token")}
        )


@pytest.fixture(scope="session")
def listmonk_database(postgres: Server) -> str:
    """URL of this worker's database for stand-ins."""
    name = f"listmonk_{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return postgres.url(name)


@pytest.fixture
def run_listmonk(listmonk_database: str) -> Iterator[Callable[..., Listmonk]]:
    """Starts a stand-in with the given options of `create_app`; `wrap` may put an ASGI layer around it.

    Nobody is in it at the start of a test; two started by one test share their rows.
    """
    with psycopg.connect(listmonk_database) as connection:
        connection.execute("drop schema if exists listmonk cascade")
    with ExitStack() as stack:

        def run(*, wrap: Callable[[Any], Any] = lambda app: app, **options: Any) -> Listmonk:
            url = stack.enter_context(served(wrap(create_app(listmonk_database, **options))))
            api = stack.enter_context(
                httpx.Client(base_url=url, headers={"Authorization": "token pw:sandbox-token"}, timeout=30)
            )
            return Listmonk(url, listmonk_database, api)

        yield run


@pytest.fixture
def listmonk_server(run_listmonk: Callable[..., Listmonk]) -> Listmonk:
    """A stand-in with its default user, newest version, empty list 9."""
    return run_listmonk()
