"""The people of `pw bench chaos`: a signer, a reviewer and somebody at the desk, patient, and never in a hurry to help.

They do what the house asks people to do and nothing else: sign with the link of the mail, approve the form that was
filled, try again what stands at `error`, say of an unknown effect what the outside world's own books say, and file by
hand what was prepared for it.
"""

from __future__ import annotations

import email
import hashlib
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import psycopg

from pw_pipelines.bench.chaos_orders import SIGNER, Wanted
from pw_pipelines.db.connection import Database
from pw_pipelines.fulfillment import deeds
from pw_pipelines.fulfillment.mails import message_id_of
from pw_pipelines.fulfillment.model import Connection, FulfillmentError
from pw_pipelines.fulfillment.packets import FilingByHand
from pw_pipelines.resources.mail import Mail
from pw_pipelines.sandbox.filing_portals.book import FilingBook
from pw_pipelines.sandbox.mail import drop_of
from pw_pipelines.settings import Settings

BY, SECOND = "chaos bench", "chaos bench, second person"
PAUSE_SECONDS = 0.7
AGAIN_SECONDS = 5.0  # before one person looks at the same item's gate once more
MOST_RETRIES = 12  # of one item that stands at `error`
_WAITING = """
    select w.item_id, w.gate, w.gate_detail, w.gate_why, w.service from pw.item_work w
    where w.state = 'waiting' and w.gate = any(%s)
"""
HANDLED = ("signature", "review", "error", "unknown_effect", "packet")


class People(threading.Thread):
    """Works until `stop` is called. `did`: how often each deed was done; `failed`: what a person could not do and why,
    once each."""

    def __init__(self, settings: Settings, web: str, orders: Mapping[int, Wanted]) -> None:
        super().__init__(name="people", daemon=True)
        self.did: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.retries: Counter[int] = Counter()
        assert settings.database_url is not None
        self._settings, self._web, self._orders = settings, web, orders
        self.database = Database(settings.database_url.get_secret_value())
        self._drop = drop_of(settings.home, settings.mail_archive)
        self._filings = FilingBook(settings.home / "sandbox" / "filings")
        self._over = threading.Event()
        self._looked: dict[tuple[int, str], float] = {}
        self._deeds: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "signature": self._sign, "review": self._approve, "error": self._try_again,
            "unknown_effect": self._settle, "packet": self._file_by_hand,
        }  # fmt: skip

    def stop(self) -> None:
        """Ends the day's work; waits for the deed that is being done."""
        self._over.set()
        self.join()

    def gave_up(self, item_id: int) -> bool:
        """Whether nobody tries this item any more."""
        return self.retries[item_id] >= MOST_RETRIES

    def run(self) -> None:
        """Looks at what waits, again and again; whatever is away is looked at later."""
        while not self._over.wait(PAUSE_SECONDS):
            try:
                with self.database.connect(application="chaos people") as connection:
                    waiting = connection.execute(_WAITING, (list(HANDLED),)).fetchall()
            except psycopg.Error:
                continue  # PostgreSQL is being restarted
            for row in waiting:
                self._look(row)

    def _look(self, row: Mapping[str, Any]) -> None:
        place, now = (int(row["item_id"]), str(row["gate"])), time.monotonic()
        if now - self._looked.get(place, -AGAIN_SECONDS) < AGAIN_SECONDS:
            return
        self._looked[place] = now
        try:
            self._deeds[place[1]](row)
        except (psycopg.Error, httpx.HTTPError, FulfillmentError, OSError) as error:
            # The house may be away, or the item went on meanwhile; a person looks again.
            self.failed[f"{place[1]}: {type(error).__name__}: {str(error).splitlines()[0][:120]}"] += 1

    # -- deeds ----------------------------------------------------------------------------------------------------

    def _sign(self, row: Mapping[str, Any]) -> None:
        links = self._links(self._orders[int(row["item_id"])].email)
        if not links:
            return
        with httpx.Client(timeout=30) as client:
            page = client.get(links[-1])
            proof = re.search(r'name="proof" value="([0-9a-f]+)"', page.text)
            if page.status_code != httpx.codes.OK or proof is None:
                return  # signed before, or a newer link is on its way
            form = {"proof": proof[1], "do": "sign", "consent": "yes", "name": SIGNER}
            if 'name="asks_perjury"' in page.text:
                form |= {"asks_perjury": "yes", "perjury": "yes"}
            done = client.post(links[-1], data=form)
        self.did["signed" if done.status_code == httpx.codes.SEE_OTHER else f"sign: {done.status_code}"] += 1

    def _approve(self, row: Mapping[str, Any]) -> None:
        digest = str(row["gate_detail"]["form_digest"])
        with self._connect() as connection:
            deeds.approve(connection, row["item_id"], digest, by=BY, note="Looked at.", now=self._now())
        self.did["approved"] += 1

    def _try_again(self, row: Mapping[str, Any]) -> None:
        item_id = int(row["item_id"])
        if self.gave_up(item_id):
            return
        with self._connect() as connection:
            deeds.retry(connection, item_id, by=BY, now=self._now())
        self.retries[item_id] += 1
        self.did["tried again"] += 1

    def _settle(self, row: Mapping[str, Any]) -> None:
        with self._connect() as connection:
            effect = connection.execute(
                "select * from pw.effects where effect_id = %s", (row["gate_detail"]["effect_id"],)
            ).fetchone()
            assert effect is not None
            reference = self._truth(connection, dict(effect))
            for person in (BY,) if reference or effect["kind"] != "filing" else (BY, SECOND):
                deeds.resolve(
                    connection, effect["effect_id"], happened=reference is not None, by=person, reference=reference,
                    note="Looked up in the outside world's own book.", now=self._now(),
                )  # fmt: skip
        self.did[f"settled {effect['kind']}: {'happened' if reference else 'did not happen'}"] += 1

    def _file_by_hand(self, row: Mapping[str, Any]) -> None:
        reference = f"BY-HAND-{row['item_id']}"
        digest = hashlib.sha256(reference.encode()).hexdigest()
        with self._connect() as connection:
            filing = FilingByHand(reference, digest, "text/plain", "Filed at the counter.")
            deeds.filed_by_hand(connection, row["item_id"], filing, by=BY, now=self._now())
        self.did["filed by hand"] += 1

    # -- what they look at ----------------------------------------------------------------------------------------

    def _truth(self, connection: Connection, effect: Mapping[str, Any]) -> str | None:
        """The outside world's own name for what happened, None when it did not."""
        if effect["kind"] == "filing":
            wanted = self._orders[effect["item_id"]]
            about = subjects_of(wanted)
            found = [one for one in self._filings.all() if about & {one.subject, one.fields.get("frn", one.subject)}]
            return found[-1].confirmation if found else None
        message_id = message_id_of(effect["key"], Mail(self._settings).domain)
        return message_id if message_id in map(message_id_in, self._archive()) else None

    def _archive(self) -> list[Path]:
        return [path for part in ("new", "cur") for path in (self._drop.folder / "archive" / part).glob("*")]

    def _links(self, address: str) -> list[str]:
        """Links to sign, the newest mail's last."""
        found: list[str] = []
        for _, path in reversed(self._drop.mails(address)):
            body = parsed(path).get_body(("plain",))
            text = body.get_content() if body else ""
            found += [link for link in re.findall(r"https?://\S+", text) if "/sign/" in link]
        return found

    def _connect(self) -> Any:
        return self.database.connect(application="chaos people")

    def _now(self) -> Any:
        return self._settings.clock.now()


def subjects_of(wanted: Wanted) -> set[str]:
    """What a portal may call whom this order is for."""
    first = wanted.email.removeprefix("signer-").partition("@")[0]
    return {f"{9_000_000_000 + int(first)}", f"WY Harbor and Finch {first} LLC", f"Harbor and Finch {first} LLC"}


def parsed(path: Path) -> EmailMessage:
    """A mail of a Maildir."""
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def message_id_in(path: Path) -> str:
    """Its Message-ID."""
    return str(parsed(path)["Message-ID"])
