"""Builds the marts of orders and money with dbt, by themselves: neither they nor the leads' marts wait for the other.

dbt writes to `commerce_next`; when every test has passed, that schema takes the place of `commerce`. A build that
fails leaves what is in force as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import psycopg
from psycopg import sql

from pw_pipelines.compliance.dbt_run import NodeResult, run_phase
from pw_pipelines.db.connection import Database
from pw_pipelines.db.deadlocks import again_after_deadlock
from pw_pipelines.errors import PwError

SCHEMA, NEXT, TAG = "commerce", "commerce_next", "phase_commerce"
FOLDER = "dbt_commerce"  # under PW_HOME: dbt's files, apart from those of a build of the leads at the same time
SWAP_WAIT = "30s"  # longest a reader's query may hold up the exchange of schemas


def build(
    db: Database, *, as_of: date, home: Path, on_node: Callable[[NodeResult], None] | None = None
) -> tuple[NodeResult, ...]:
    """Builds and tests all of them and puts them in force. `on_node` hears of each model and test as it ends.

    Raises PwError naming the model or test that failed; the marts in force stay as they were.
    """
    with closing(psycopg.connect(db.url, autocommit=True, application_name="pw-marts")) as guard:
        guard.execute("select pg_advisory_lock(hashtext('pw.commerce_marts'))")  # one build at a time
        _drop(db, NEXT)
        nodes = run_phase(db, home / FOLDER, TAG, as_of, on_node)
        try:
            again_after_deadlock(lambda: _put_in_force(db))
        except psycopg.errors.LockNotAvailable as error:
            raise PwError(
                f"The marts of orders are built, but somebody has read the old ones for more than {SWAP_WAIT}. End "
                "that query, then build again; the old ones stay in force."
            ) from error
    return tuple(nodes)


def _drop(db: Database, schema: str) -> None:
    with db.connect(application="pw-marts") as connection:
        connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))


def _put_in_force(db: Database) -> None:
    with db.connect(application="pw-marts") as connection:
        connection.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(SWAP_WAIT)))
        connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(SCHEMA)))
        connection.execute(sql.SQL("alter schema {} rename to {}").format(sql.Identifier(NEXT), sql.Identifier(SCHEMA)))
