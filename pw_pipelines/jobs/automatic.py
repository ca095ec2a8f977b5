"""Everything that starts by itself, in which mode it may, how often, and why. No import of Dagster.

There is no default: a schedule or sensor without an entry here does not load, and one that is not allowed in a
mode is absent there, not merely stopped, because a switch in the UI outlives the code. The web app's first page
compares this list with what really runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Literal

from pw_pipelines.settings import Mode

TIMEZONE = "America/New_York"
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")  # as cron counts them
BOTH = frozenset({Mode.SANDBOX, Mode.LIVE})


@dataclass(frozen=True)
class Automatic:
    """One starter. A schedule has `at`, the time of day in America/New_York; a sensor has `every_seconds`.

    A schedule is daily, but for one with `weekday` (0 is Sunday) or `month_day`; `also_at_hours`: further hours of
    its day, at the same minute.
    """

    kind: Literal["schedule", "sensor"]
    modes: frozenset[Mode]
    why: str
    job: str | None = None
    at: time | None = None
    every_seconds: int | None = None
    weekday: int | None = None
    month_day: int | None = None
    also_at_hours: tuple[int, ...] = ()

    @property
    def cron(self) -> str:
        """When it starts, as a cron expression."""
        if self.at is None:
            raise ValueError("only a schedule has a cron expression")
        month_day = "*" if self.month_day is None else self.month_day
        weekday = "*" if self.weekday is None else self.weekday
        hours = ",".join(map(str, (self.at.hour, *self.also_at_hours)))
        return f"{self.at.minute} {hours} {month_day} * {weekday}"

    @property
    def rhythm(self) -> str:
        """On which days a schedule starts, in words."""
        if self.weekday is not None:
            return f"{DAYS[self.weekday]}s"
        if self.also_at_hours:
            return f"{len(self.also_at_hours) + 1} times a day"
        return "daily" if self.month_day is None else f"on day {self.month_day} of the month"


# No schedule between 01:00 and 03:00: on two days of the year those hours come twice or not at all.
AUTOMATIC: Mapping[str, Automatic] = {
    "retention_nightly": Automatic(
        "schedule",
        BOTH,
        "Dagster keeps runs, events and logs for ever; this does not.",
        job="retention",
        at=time(3, 30),
    ),
    "erasure_nightly": Automatic(
        "schedule",
        BOTH,
        "Personal data is kept as long as it is needed, not longer.",
        job="erase_private_data",
        at=time(3, 45),
    ),
    "expiry_nightly": Automatic(
        "schedule",
        BOTH,
        "Orders nobody paid hold discount codes and old prices; after a month they end.",
        job="expire_orders",
        at=time(3, 50),
    ),
    "registers_monthly": Automatic(
        "schedule",
        BOTH,
        "Oregon, Pennsylvania and Iowa renew their registers at the beginning of the month.",
        job="refresh_registers_monthly",
        at=time(4, 0),
        month_day=5,
    ),
    "registers_weekly": Automatic(
        "schedule",
        BOTH,
        "Colorado, New York and Connecticut renew theirs daily; a whole copy is millions of rows. When few work.",
        job="refresh_registers_weekly",
        at=time(4, 15),
        weekday=0,
    ),
    "registers_florida": Automatic(
        "schedule",
        BOTH,
        "Florida's file of a day is there by the next morning; the quarterly set comes when it comes.",
        job="refresh_registers_florida",
        at=time(5, 15),
    ),
    "bdc_daily": Automatic(
        "schedule",
        BOTH,
        "Two vintages a year, revised without notice; absence must be seen on two days. Before acquire.",
        job="refresh_bdc",
        at=time(5, 40),
    ),
    "acquire_daily": Automatic(
        "schedule",
        BOTH,
        "The public record changes daily; before the office opens.",
        job="acquire",
        at=time(6, 0),
    ),
    "commissions_daily": Automatic(
        "schedule",
        BOTH,
        "Commissions become payable 14 days after delivery; the month's payment is made once, whenever it can be.",
        job="commissions",
        at=time(7, 45),
    ),
    "renewals_daily": Automatic(
        "schedule",
        BOTH,
        "What falls due again is ordered for the customer ahead of its day, who is written to once.",
        job="raise_renewals",
        at=time(8, 30),
    ),
    "books_daily": Automatic(
        "schedule",
        BOTH,
        "Orders, payments and ERPNext are proved against each other once a day, and their marts built.",
        job="prove_books",
        at=time(8, 0),
    ),
    "listmonk_daily": Automatic(
        "schedule",
        BOTH,
        "The warm-up quota is a day's; after the leads are fresh, when mail is read.",
        job="sync_listmonk",
        at=time(9, 30),
    ),
    "portals_daily": Automatic(
        "schedule",
        BOTH,
        "A portal's page that changed is found before anything is filed with it; in office hours, when all are open.",
        job="probe_portals",
        at=time(10, 15),
    ),
    "backup_postgres_six_hourly": Automatic(
        "schedule",
        BOTH,
        "Orders, money and filings change all day; what happens in between leaves by the journal.",
        job="make_backup_postgres",
        at=time(5, 5),
        also_at_hours=(11, 17, 23),
    ),
    "backup_mariadb_daily": Automatic(
        "schedule",
        BOTH,
        "ERPNext's books, when nobody works in them.",
        job="make_backup_mariadb",
        at=time(4, 35),
    ),
    "backup_objects_daily": Automatic(
        "schedule",
        BOTH,
        "Objects never change; a day's new ones are few.",
        job="make_backup_objects",
        at=time(4, 45),
    ),
    "backup_forgejo_daily": Automatic(
        "schedule",
        BOTH,
        "Its dump is not of one moment: when nobody pushes.",
        job="make_backup_forgejo",
        at=time(4, 55),
    ),
    "backup_watch": Automatic(
        "sensor",
        BOTH,
        "Makes the backup a schedule missed, and tells once a day of one that is older than promised or damaged.",
        every_seconds=60,
    ),
    "restore_drill_weekly": Automatic(
        "schedule",
        BOTH,
        "Whether the backups can be restored is known only by restoring them. Asked nightly, done once a week.",
        job="restore_drill",
        at=time(4, 45),
    ),
    "journal_ships": Automatic(
        "sensor",
        BOTH,
        "Changes of money and effects leave this machine within seconds; a dump is hours away.",
        every_seconds=10,
    ),
    "documents_leave": Automatic(
        "sensor",
        BOTH,
        "A signed PDF or a confirmation is off this machine within minutes; the day's set of objects is hours away.",
        every_seconds=60,
    ),
    "restore_drill_watch": Automatic(
        "sensor",
        BOTH,
        "Tells ops of a restore drill that failed or is missing, of a journal or documents that do not leave, once.",
        every_seconds=120,
    ),
    "payment_events": Automatic(
        "sensor",
        BOTH,
        "What a payment provider told us is worked within seconds; what is held is told to ops.",
        every_seconds=5,
    ),
    "books_wanted": Automatic(
        "sensor",
        BOTH,
        "What a paid order needs in ERPNext is made within seconds; what ERPNext tells is worked.",
        every_seconds=5,
    ),
    "order_notice": Automatic(
        "sensor",
        BOTH,
        "Tells ops of every paid order, once, of books that a person must look at, and of questions.",
        every_seconds=15,
    ),
    "catch_up": Automatic(
        "sensor",
        BOTH,
        "Starts what a schedule should have started today and did not: first start, outage, moved sandbox clock.",
        every_seconds=60,
    ),
    "items_ready": Automatic(
        "sensor",
        BOTH,
        "Starts a run for every item that is ready: paid orders, opened gates, runs that died.",
        job="fulfill_item",
        every_seconds=5,
    ),
    "signature_reminders": Automatic(
        "sensor",
        BOTH,
        "Reminds signers after 3 and 7 days, replaces links that ran out; a signature given in an odd moment is found.",
        every_seconds=30,
    ),
    "order_mails": Automatic(
        "sensor",
        BOTH,
        "Customers get a receipt, are asked for missing details, reminded after 2, 5 and 10 days, told of a refund.",
        job="write_to_customers",
        every_seconds=10,
    ),
    "cures_due": Automatic(
        "sensor",
        BOTH,
        "After each rebuild of the findings: whether the record shows what our filings mended.",
        job="look_for_cures",
        every_seconds=60,
    ),
    "watch_bounces": Automatic(
        "sensor",
        BOTH,
        "Mails that came back: who is written to no more, what stops, what a person must see.",
        every_seconds=60,
    ),
    "run_failure_alert": Automatic(
        "sensor",
        BOTH,
        "Tells ops of every failed run, once.",
        every_seconds=30,
    ),
    "waiting_too_long": Automatic(
        "sensor",
        BOTH,
        "Tells ops of items that wait too long at a gate and of deeds nobody settled, once each.",
        every_seconds=60,
    ),
    "word_server_watch": Automatic(
        "sensor",
        BOTH,
        "Tells ops when the Word server goes away and when it is back; no document waits, so nobody would notice.",
        every_seconds=60,
    ),
    "analytics_events": Automatic(
        "sensor",
        BOTH,
        "Tells Umami what happened on the site, each event once, from an outbox.",
        every_seconds=30,
    ),
    "check_alert": Automatic(
        "sensor",
        BOTH,
        "Tells ops what fails without failing a run: failing checks, rejected copies, stale sources, held findings.",
        every_seconds=60,
    ),
}


def allowed(name: str, mode: Mode) -> bool:
    """Whether `name` may start by itself in `mode`. Raises KeyError for a name without an entry."""
    return mode in AUTOMATIC[name].modes
