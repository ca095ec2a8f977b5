"""A process that dies after the acknowledgement or in the middle of the work loses nothing and does nothing twice."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pw_pipelines.faults import VARIABLE
from pw_pipelines.sandbox.payments import messages as say
from pw_pipelines.settings import PROJECT_ROOT
from tests.payments.conftest import NOW, TOTAL, Till, adyen

# Works the inbox once in a process of its own; captures are written to a file, as an outside world would keep them.
LIFE = """
import sys
from datetime import datetime
from pathlib import Path
from pw_pipelines.commerce.payments.reading import Ground
from pw_pipelines.commerce.payments.work import work_due
from pw_pipelines.db.connection import Database
url, now, outside = sys.argv[1:]
class Captures:
    def paypal(self, order, *, key):
        taken = set(Path(outside).read_text().splitlines())
        Path(outside).write_text("".join(f"{one}\\n" for one in sorted(taken | {key})))
ground = Ground(False, False, "SandboxMerchant", "SANDBOXMERCHANT", frozenset({"klarna"}))
tally = work_due(Database(url), ground=ground, captures=Captures(), now=lambda: datetime.fromisoformat(now))
assert not tally.failures, tally.failures
"""
# Receives one delivery in a process of its own, as the web app does.
RECEIVE = """
import asyncio, sys, httpx
from pathlib import Path
from pydantic import SecretStr
from pw_pipelines.portal.app import create_app
from pw_pipelines.settings import Settings, with_sandbox_addresses
url, home, body, signature = sys.argv[1:]
settings = with_sandbox_addresses(Settings(home=Path(home))).model_copy(update={"database_url": SecretStr(url)})
async def main():
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            reply = await client.post("/webhooks/stripe", content=body, headers={"Stripe-Signature": signature})
            assert reply.status_code == 200, reply.text
asyncio.run(main())
"""
IN_WORK = [
    "payments.work.taken",
    "payments.work.midway",
    "payments.work.captured",
    "payments.work.before_commit",
    "payments.work.after_commit",
]


def run(code: str, *arguments: str, fault: str = "") -> int:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=PROJECT_ROOT, env={"PATH": "/usr/bin:/bin", VARIABLE: fault}, check=False, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def worked(till: Till, outside: Path, *, fault: str = "", now: datetime = NOW) -> int:
    return run(LIFE, till.db.url, now.isoformat(), str(outside), fault=fault)


@pytest.mark.parametrize("point", IN_WORK)
def test_killed_in_the_middle_of_work_nothing_is_lost_and_nothing_done_twice(
    till: Till, tmp_path: Path, point: str
) -> None:
    outside = tmp_path / "captured"
    outside.touch()
    by_session, by_capture, approved = till.order(), till.order("cashapp"), till.order()
    deliveries: list[tuple[str, dict[str, Any]]] = [
        ("paypal", say.paypal_event("CHECKOUT.ORDER.APPROVED", say.paypal_order(approved.number, TOTAL), NOW)),
        ("stripe", say.stripe_event("checkout.session.completed", say.stripe_session(by_session.number, TOTAL), NOW)),
        ("adyen", adyen(say.adyen_item(by_capture.number, TOTAL))),
    ]
    for provider, body in deliveries:
        assert till.deliver(provider, body) in (200, 202)
    assert worked(till, outside, fault=f"{point}:kill") == -signal.SIGKILL
    assert worked(till, outside) == 0
    assert [row["state"] for row in till.events()] == ["done", "done", "done"]
    for order in (by_session, by_capture):
        assert till.payments(order) == [("paid", Decimal("199.00"))]
        assert till.ledger(order) == [("payment", Decimal("199.00"))]
        changes = till.rows("select from pw.order_events where order_id = %s and after = 'processing'", order.order_id)
        assert (till.status(order), len(changes)) == ("processing", 1)
    assert len(outside.read_text().splitlines()) == 1, "captured once, whatever died"
    assert till.status(approved) == "received"


def test_killed_between_storing_and_acknowledging_the_event_is_there_and_its_repetition_is_the_same(
    till: Till, tmp_path: Path
) -> None:
    order = till.order()
    body = say.stripe_event("checkout.session.completed", say.stripe_session(order.number, TOTAL), NOW)
    raw, headers = till.signed("stripe", body)
    arguments = (till.db.url, str(till.settings.home), raw.decode(), headers["Stripe-Signature"])
    assert run(RECEIVE, *arguments, fault="payments.inbox.stored:kill") == -signal.SIGKILL
    assert [row["state"] for row in till.events()] == ["received"]
    assert run(RECEIVE, *arguments) == 0, "Stripe got no answer and sends again"
    outside = tmp_path / "captured"
    outside.touch()
    worked(till, outside)
    assert [(row["state"], row["deliveries"]) for row in till.events()] == [("done", 2)]
    assert till.payments(order) == [("paid", Decimal("199.00"))]


def test_every_fault_point_of_this_room_is_walked() -> None:
    rooms = [*(PROJECT_ROOT / "pw_pipelines" / "commerce" / "payments").rglob("*.py"),
             PROJECT_ROOT / "pw_pipelines" / "portal" / "webhooks.py"]  # fmt: skip
    named = {name for path in rooms for name in re.findall(r'\bpoint\("([^"]+)"\)', path.read_text())}
    assert named == {*IN_WORK, "payments.inbox.stored", *IN_SESSIONS}


IN_SESSIONS = ["payments.session.asked", "payments.session.opened"]  # tests/payments/test_sessions.py
