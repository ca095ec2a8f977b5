"""Books that die at any point and are begun again leave one document of each kind, and all names kept."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from pw_pipelines.commerce.books import make_books
from pw_pipelines.db.connection import Database
from pw_pipelines.faults import VARIABLE, InjectedFault
from pw_pipelines.resources.erpnext import Erpnext
from pw_pipelines.settings import PROJECT_ROOT
from tests.books.making import paid_order, states, total
from tests.books.test_books import KINDS, whole_and_once
from tests.commerce.making import NOW
from tests.fixtures_erpnext import Books

POINTS = [
    "books.create.intended", "books.create.answered", "books.submit.intended", "books.submit.answered",
    "books.name.before_commit",
]  # fmt: skip
# Makes the books of one order in a process of its own.
LIFE = """
import sys
from pydantic import SecretStr
from pw_pipelines.commerce.books import make_books
from pw_pipelines.db.connection import Database
from pw_pipelines.resources.erpnext import Erpnext
from pw_pipelines.settings import Settings
from tests.commerce.making import NOW
url, erpnext_url, order_id = sys.argv[1:]
settings = Settings(erpnext_url=erpnext_url, erpnext_api_key="sandbox", erpnext_api_secret=SecretStr("sandbox-secret"))
with Erpnext(settings) as erpnext:
    make_books(Database(url), erpnext, int(order_id), NOW)
"""


def live(db: Database, books: Books, order_id: int, fault: str = "") -> int:
    done = subprocess.run(
        [sys.executable, "-c", LIFE, db.url, f"{books.url}/erpnext", str(order_id)],
        cwd=PROJECT_ROOT, env={"PATH": "/usr/bin:/bin", VARIABLE: fault}, check=False, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


@pytest.mark.parametrize("point", POINTS)
def test_an_error_there_again_and_again_never_makes_a_second_document(
    db: Database, books: Books, erpnext: Erpnext, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = paid_order(db)
    # A walk that dies at the point each time gets one step further, or stays where it was, and never does it twice.
    for _ in range(3):
        monkeypatch.setenv(VARIABLE, f"{point}:raise")
        with pytest.raises(InjectedFault):
            make_books(db, erpnext, order_id, NOW)
        monkeypatch.delenv(VARIABLE)
    make_books(db, erpnext, order_id, NOW)
    whole_and_once(books, total(db, order_id))
    assert all(times == 1 for times in books.writes().values()), books.writes()
    assert [*states(db, order_id).values()] == ["done"] * len(KINDS)


@pytest.mark.parametrize("point", POINTS)
def test_kill_9_there_never_makes_a_second_document(db: Database, books: Books, point: str) -> None:
    order_id = paid_order(db)

    assert live(db, books, order_id, f"{point}:kill") == -signal.SIGKILL

    assert live(db, books, order_id) == 0
    whole_and_once(books, total(db, order_id))
    assert all(times == 1 for times in books.writes().values()), books.writes()
    assert [*states(db, order_id).values()] == ["done"] * len(KINDS)
