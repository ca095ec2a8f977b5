"""One item while one run works it: what a stage may use, and nothing else."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from pw_pipelines.fulfillment import items
from pw_pipelines.fulfillment.ground import Ground
from pw_pipelines.fulfillment.lease import Lease
from pw_pipelines.fulfillment.model import Connection, ItemView
from pw_pipelines.fulfillment.playbook import Playbook, playbook_of
from pw_pipelines.settings import Settings

PATIENCE_SECONDS = 60.0  # how long the outcome of something done is carried to a database that is away


@dataclass
class Work:
    """The item, its lease, and the ground. `log`: lines for the run; they are read by everybody, so ids only."""

    ground: Ground
    item: ItemView
    lease: Lease
    run_id: str
    log: Callable[[str], None] = field(default=lambda _: None)

    @property
    def settings(self) -> Settings:
        return self.ground.settings

    @property
    def playbook(self) -> Playbook:
        return playbook_of(self.item.service, self.item.for_state)

    def now(self) -> datetime:
        return self.ground.clock.now()

    @contextmanager
    def connect(self, *, patiently: bool = False) -> Iterator[Connection]:
        """One transaction. patiently: a database that is away is waited for a minute, because what just happened
        outside must be written down."""
        until = time.monotonic() + PATIENCE_SECONDS
        with ExitStack() as closing:
            while True:
                try:
                    connection = closing.enter_context(self.ground.db.connect(application="pw-fulfillment"))
                    break
                except psycopg.OperationalError:
                    if not patiently or time.monotonic() > until:
                        raise
                    time.sleep(0.5)
            yield connection

    def read_again(self) -> ItemView:
        with self.connect() as connection:
            return items.read_item(connection, self.item.item_id)

    def note(self, text: str) -> None:
        """A line of the item's history. No personal data."""
        with self.connect() as connection:
            items.record(
                connection, self.item.item_id, self.now(), stage=self.item.stage, what="note", text=text, by="run",
                run_id=self.run_id,
            )  # fmt: skip

    def keep(self, content: bytes, *, kind: str, title: str, media_type: str, effect_id: int | None = None) -> str:
        """Keeps evidence in the object store and says so in pw.evidence; returns its SHA-256. Same bytes, one row."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            digest = self.ground.objects.put(Path(file.name))
        with self.connect(patiently=True) as connection:
            connection.execute(
                """insert into pw.evidence (item_id, effect_id, stage, kind, title, media_type, digest, at, run_id)
                   select %(item)s, %(effect)s, %(stage)s, %(kind)s, %(title)s, %(media)s, %(digest)s, %(now)s, %(run)s
                   where not exists (select from pw.evidence where item_id = %(item)s and kind = %(kind)s
                                     and digest = %(digest)s)""",
                {
                    "item": self.item.item_id, "effect": effect_id, "stage": self.item.stage, "kind": kind,
                    "title": title, "media": media_type, "digest": digest, "now": self.now(), "run": self.run_id,
                },
            )  # fmt: skip
        return digest

    def object(self, digest: str) -> bytes:
        """The bytes of a kept object."""
        with self.ground.objects.open(digest) as file:
            return file.read()

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """What a query finds, in a transaction of its own."""
        with self.connect() as connection:
            return list(connection.execute(query.encode(), values).fetchall())
