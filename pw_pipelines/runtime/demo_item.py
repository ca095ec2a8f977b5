"""The last part of `pw demo`: a paid order's items, worked to the end, and the public record read again as proof.

Each run is Dagster's job `fulfill_item`, tagged with its item. The people on the way are played where they really
stand: the customer's answers and the order's page over HTTP, the signer in a real browser with the link of the mail,
the reviewer by the deed that the desk's button does. The portal is driven by Chromium, as always.
"""

from __future__ import annotations

import email
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import TYPE_CHECKING, Any

import httpx

from pw_pipelines.db.connection import Database
from pw_pipelines.fulfillment.facts import Fact, fact_of
from pw_pipelines.runtime.demo_order import Deed, Failed, Outcome
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIGNER, SIGNER_EMAIL = "Ada Officer", "ada.officer@carrier.example"
REVIEWER = "demo reviewer"
MOST_RUNS = 30  # of one item between two gates of people
MOST_DAYS = 2  # read again after a filing
CLOCKS = ("hours", "pacing", "retry", "settling")
_ANSWERS = {
    "signer_name": SIGNER,
    "signer_email": SIGNER_EMAIL,
    "signer_title": "Chief Executive Officer",
    "contact_name": "Compliance Desk",
    "contact_title": "Compliance Manager",
    "contact_phone": "202-555-0143",
    "contact_email": "compliance@carrier.example",
    "implementation": "complete",
    "is_voice_provider": "yes",
    "is_gateway": "no",
    "is_intermediate": "no",
    "is_foreign": "no",
    "own_certificate": "yes",
    "revenue_total": "125000.00",
    "revenue_end_user": "100000.00",
    "revenue_interstate": "30000.00",
    "revenue_international": "10000.00",
    "uses_cpni_for_marketing": "no",
    "form_499_id": "899999",
    **dict.fromkeys(("cpni_complaints", "data_broker_actions", "investigations", "affiliates"), "None."),
    "carrier_zip": "82001",
    "carrier_state": "WY",
}  # fmt: skip
_BY_KIND = {
    "multiline": "As our written procedures say; they are kept with our records and reviewed each year.",
    "date": "2026-01-15", "yes_no": "no", "number": "12", "money": "125000.00", "email": "desk@carrier.example",
    "phone": "202-555-0143", "state": "WY", "ssn": "900-12-3456",
}  # fmt: skip
_UNSETTLED = """
    select c.code from pw.cures c join pw.order_items i using (item_id) join pw.orders o using (order_id)
    where o.number = %s and c.state = 'waiting'
"""
_ITEMS = """
    select w.item_id, w.service, w.stage, w.state, w.gate, w.gate_why, w.gate_detail, i.title
    from pw.item_work w join pw.order_items i using (item_id) join pw.orders o on o.order_id = w.order_id
    where o.number = %s order by i.position
"""


@dataclass
class ItemDemo:
    """One order's items. run_item: Dagster's job for one item; run: a job of Dagster's as a deed."""

    db: Database
    settings: Settings
    web: httpx.Client
    number: str
    token: str
    frn: str
    run_item: Callable[[int], None]
    run: Callable[[str], Deed]
    next_day: Callable[[], None]
    promised: list[str] = field(default_factory=list)

    def steps(self, step: Callable[[str, Deed], None]) -> None:
        """From the paid order to the delivery."""
        step("details asked for", lambda: self.work_to("details"))
        step("details given", self.give_details)
        step("documents", lambda: self.work_to("signature"))
        step("signed in a browser", self.sign)
        step("forms filled", lambda: self.work_to("review"))
        step("approved", self.approve)
        step("filed, confirmed, delivered", lambda: self.work_to(None))
        step("mail in the inbox", self.inbox)

    def proof(self, step: Callable[[str, Deed], None]) -> None:
        """What stands in the calendar, and the record read again on the next days."""
        step("calendar", self.calendar)
        step("public record, read again", self.read_again)
        step("cured", self.cured)

    def work_to(self, gate: str | None) -> Outcome:
        """Works every item until it waits at `gate`, or is done (None, or where a playbook has no such gate)."""
        from pw_pipelines.fulfillment import items

        with self.db.connect(application="pw demo") as connection:  # as the sensor does at each tick
            items.open_items(connection, now=self.settings.clock.now())
        for item in self._items():
            for _ in range(MOST_RUNS):
                now = self._item(item["item_id"])
                if now["state"] == "done" or now["gate"] not in (None, *CLOCKS):
                    break
                if now["gate"] is None:
                    self.run_item(item["item_id"])
                else:
                    time.sleep(0.5)
                    with self.db.connect(application="pw demo") as connection:
                        items.open_clocks(connection, now=self.settings.clock.now())
        table = [
            (one["item_id"], one["service"], one["stage"], one["gate"] or one["state"], one["gate_why"] or "")
            for one in self._items()
        ]
        wrong = [row for row in table if row[3] not in (gate, "done")]
        if wrong or not table:
            raise Failed("; ".join(f"item {row[0]} ({row[1]}) stands at {row[3]}: {row[4]}" for row in wrong) or "none")
        return ", ".join(f"item {row[0]} {row[1]}: {row[3]}" for row in table), table

    def give_details(self) -> Outcome:
        """What is missing, answered as the customer's questionnaire is."""
        from pw_pipelines.fulfillment.answers import give
        from pw_pipelines.fulfillment.private_data import Vault

        vault, told = Vault(self.settings), []
        for item in self._items():
            missing = item["gate_detail"].get("missing", [])
            values = {name: _answer(fact_of(name)) for name in missing}
            with self.db.connect(application="pw demo") as connection:
                given = give(
                    connection, vault, item["item_id"], values, source="customer", by="customer",
                    now=self.settings.clock.now(),
                )  # fmt: skip
            if given.missing:
                raise Failed(f"item {item['item_id']} still misses {', '.join(given.missing)}")
            told.append((item["item_id"], len(values), ", ".join(missing)))
        return f"{sum(row[1] for row in told)} questions answered for {len(told)} items", told

    def sign(self) -> Outcome:
        """The officer opens the link of each mail in a browser, reads, agrees, and signs; once on a phone's screen."""
        links = [link for mail in self._mails(SIGNER_EMAIL) for link in _links(mail, "/sign/")]
        if not links:
            raise Failed(f"no mail with a link to sign came to {SIGNER_EMAIL}")
        with _pages() as page:
            for number, link in enumerate(dict.fromkeys(links)):
                page.set_viewport_size({"width": 390 if number == 0 else 1280, "height": 844})
                _sign(page, link)
        return f"{len(dict.fromkeys(links))} links signed in Chromium, the first at 390 px", [(_cut(x),) for x in links]

    def approve(self) -> Outcome:
        """The reviewer's word on each filled form, by its digest."""
        from pw_pipelines.fulfillment import deeds

        approved = []
        for item in self._items():
            if item["gate"] != "review":
                continue
            digest = item["gate_detail"]["form_digest"]
            with self.db.connect(application="pw demo") as connection:
                deeds.approve(
                    connection, item["item_id"], digest, by=REVIEWER, note="Looked at.",
                    now=self.settings.clock.now(),
                )  # fmt: skip
            approved.append((item["item_id"], item["service"], digest[:16]))
        return ", ".join(f"item {row[0]}: form {row[2]}…" for row in approved), approved

    def inbox(self) -> Outcome:
        """What the customer got, each once."""
        address = self._rows(
            "select c.email from pw.orders o join pw.customers c using (customer_id) where number = %s"
        )
        mails = self._mails(address[0]["email"])
        if not mails:
            raise Failed("the customer's inbox is empty")
        ids = [str(mail["Message-ID"]) for mail in mails]
        if len(ids) != len(set(ids)):
            raise Failed(f"a mail came twice: {ids}")
        rows = [
            (str(mail["Subject"]), ", ".join(part.get_filename() or "?" for part in mail.iter_attachments()))
            for mail in mails
        ]
        return "; ".join(f"“{subject}” with {files or 'nothing'}" for subject, files in rows), rows

    def calendar(self) -> Outcome:
        """When each duty falls due again."""
        rows = self._rows(
            "select e.title, e.due_on, e.state from pw.compliance_calendar e join pw.order_items i using (item_id) "
            "join pw.orders o using (order_id) where o.number = %s order by e.due_on"
        )
        table = [(row["title"], row["due_on"].isoformat(), row["state"]) for row in rows]
        return "; ".join(f"{title} on {day}" for title, day, _ in table) or "nothing falls due again", table

    def read_again(self) -> Outcome:
        """The next day of the public record by the ordinary jobs, and one more while a finding is not settled."""
        before = self._codes()
        for _ in range(MOST_DAYS):
            self.next_day()
            if not self._rows(_UNSETTLED):
                break
        return f"findings before: {', '.join(before) or 'none'}; now: {', '.join(self._codes()) or 'none'}", ()

    def cured(self) -> Outcome:
        """Each finding that was to be mended, as the record shows it now."""
        rows = self._rows(
            "select c.code, c.state, c.snapshots_after from pw.cures c join pw.order_items i using (item_id) "
            "join pw.orders o using (order_id) where o.number = %s order by c.code"
        )
        if not rows or not any(row["state"] == "cured" for row in rows):
            raise Failed(f"nothing was cured: {[(row['code'], row['state']) for row in rows]}")
        if bad := [row["code"] for row in rows if row["state"] == "still_there"]:
            raise Failed(f"still in the record: {', '.join(bad)}")
        table = [(row["code"], row["state"], ", ".join(row["snapshots_after"])) for row in rows]
        return "; ".join(f"{code} {state}" for code, state, _ in table), table

    # -- what stands where ---------------------------------------------------------------------------------------

    def _codes(self) -> list[str]:
        with self.db.connect(application="pw demo") as connection:
            rows = connection.execute("select code from marts.findings where frn = %s order by 1", (self.frn,))
            return [str(row["code"]) for row in rows]

    def _items(self) -> list[dict[str, Any]]:
        return self._rows(_ITEMS)

    def _item(self, item_id: int) -> dict[str, Any]:
        return next(one for one in self._items() if one["item_id"] == item_id)

    def _rows(self, query: str) -> list[dict[str, Any]]:
        with self.db.connect(application="pw demo") as connection:
            return list(connection.execute(query.encode(), (self.number,)).fetchall())

    def _mails(self, address: str) -> list[EmailMessage]:
        folder = self.settings.home / "sandbox" / "mail" / "inbox" / address
        found = []
        for path in sorted(path for part in ("new", "cur") for path in (folder / part).glob("*")):
            message = email.message_from_bytes(path.read_bytes(), policy=default)
            assert isinstance(message, EmailMessage)
            found.append(message)
        return found


def _answer(fact: Fact) -> str:
    if fact.choices:
        return _ANSWERS.get(fact.name) or next(iter(fact.choices))
    return _ANSWERS.get(fact.name) or fact.default or _BY_KIND.get(fact.kind) or "As stated by the carrier"


def _links(mail: EmailMessage, part: str) -> list[str]:
    body = mail.get_body(("plain",))
    text = body.get_content() if body else ""
    return [link for link in re.findall(r"https?://\S+", text) if part in link]


def _cut(link: str) -> str:
    """A link is a key: what is printed of it opens nothing."""
    return link[: link.rindex("/") + 7] + "…"


@contextmanager
def _pages() -> Iterator[Page]:
    from pw_pipelines.resources.browser_search import a_browser

    with a_browser() as browser:
        context = browser.new_context()
        try:
            yield context.new_page()
        finally:
            context.close()


def _sign(page: Page, link: str) -> None:
    page.goto(link)
    if page.locator("input[name=name]").count() == 0:
        if page.get_by_role("heading", name="Signed").count():
            return  # signed before
        raise Failed(f"the link opens no form: {page.title()}")
    for box in page.locator("form input[type=checkbox]").all():
        box.check()
    page.fill("input[name=name]", SIGNER)
    page.get_by_role("button", name="Sign", exact=True).click()
    page.wait_for_load_state()
    if page.get_by_role("heading", name="Signed").count() == 0:
        raise Failed(f"the page did not say that it is signed: {page.title()}")
