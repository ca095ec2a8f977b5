"""`pw bench soak`: a week in the life of a whole house, one thing broken on purpose each day.

The sandbox's clock is moved from turn to turn of the day's schedules; what Dagster's scheduler would have started there
(it goes by the machine's clock) is started through Dagster's API, everything else starts by itself. Orders are paid,
signed, approved and filed as in `pw bench chaos`. At each day's end the house is measured, and whatever is red must be
what was broken (soak_breaks.py, soak_red.py).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import httpx
import psycopg

from pw_pipelines import faults
from pw_pipelines.bench import soak_breaks
from pw_pipelines.bench.chaos_orders import Wanted, pay, place_some
from pw_pipelines.bench.chaos_people import HANDLED, People
from pw_pipelines.bench.measure import Measure
from pw_pipelines.bench.paid_orders import BenchFailed, BenchHouse, bench_house
from pw_pipelines.bench.soak_books import Books, Day, Mark
from pw_pipelines.bench.soak_breaks import Break, Breaker
from pw_pipelines.bench.soak_mail import send_campaign
from pw_pipelines.bench.soak_measures import Lived, measures, turns
from pw_pipelines.bench.soak_red import Cause, judged
from pw_pipelines.clock import EASTERN, machine_now
from pw_pipelines.db.connection import Database
from pw_pipelines.fulfillment import deeds
from pw_pipelines.fulfillment.model import CLOCK_GATES
from pw_pipelines.jobs.automatic import AUTOMATIC, Automatic
from pw_pipelines.leads import stops
from pw_pipelines.runtime.bootstrap import Progress, published_vintages
from pw_pipelines.runtime.dagster_api import DagsterApi
from pw_pipelines.runtime.processes import LOCATION
from pw_pipelines.schedules.drills import WEEK
from pw_pipelines.schedules.past import DAY_TAG

DAYS, QUICK_DAYS = 7, 2
ORDERS, QUICK_ORDERS = 5, 3  # a day
CHECKS, QUICK_CHECKS = 12, 5
FILL_SECONDS, RUN_SECONDS, DESK_SECONDS, EVENING_SECONDS, ALERT_SECONDS = 1_500.0, 600.0, 240.0, 240.0, 150.0
BROKEN_SECONDS = 60.0  # the hour something is away; nothing comes to an end in it anyway
LOOK_SECONDS = 0.5
FIRST_TURN = time_of_day(3, 30)
LAST_TURN = time_of_day(23, 5)
OFFICE = time_of_day(10, 20)  # orders come, campaigns go
MENDED = time_of_day(11, 30)
AFTERNOON = time_of_day(12)
BY = "soak bench"
Say = Callable[[str], None]


def run(home: Path, *, days: int | None, quick: bool, say: Say) -> tuple[list[Measure], list[dict[str, Any]]]:
    """The bench; `home` is an empty folder. Returns the measures and each day as it was told."""
    strikes = home / "strikes"
    strikes.mkdir()
    more = {
        faults.BOOK: str(strikes),
        "PW_SANDBOX_COMPANIES": "0.1",  # fewer, and a register's copy would not be believed
    }  # fmt: skip
    begun = time.monotonic()
    with bench_house(home / "house", "warm", more, filled=True) as house:
        week = Week(house, Breaker(house, strikes), days or (QUICK_DAYS if quick else DAYS), quick=quick, say=say)
        week.fill()
        filled = time.monotonic()
        say(f"the house is full after {filled - begun:.0f} s")
        week.live()
        lived = week.lived((time.monotonic() - filled) / 60)
    return measures(lived), [day.as_json() for day in week.days]


class Week:
    """The days of one house, one after the other."""

    def __init__(self, house: BenchHouse, breaker: Breaker, days: int, *, quick: bool, say: Say) -> None:
        self.house, self.breaker, self.number_of_days, self.say = house, breaker, days, say
        self.books = Books(house)
        self.days: list[Day] = []
        self.breaks = soak_breaks.of_days(days)
        self.causes: list[Cause] = [one.cause(number) for number, one in self.breaks.items()]
        self.causes.append(soak_breaks.COMPLAINT)
        self.orders, self.checks = (QUICK_ORDERS, QUICK_CHECKS) if quick else (ORDERS, CHECKS)
        self.items: dict[int, Wanted] = {}
        self.size_before = 0
        self._api = DagsterApi(house.settings.dagster_api)
        self._clock = house.settings.clock
        self._vintage: str | None = None
        self._late: dict[int, Break] = {}  # what is mended on that day
        self._seen: dict[int, set[str]] = {}  # names of what was red on a day, though it may have passed by its end
        self._waited: defaultdict[str, float] = defaultdict(float)  # seconds, since the day began

    # -- a week ----------------------------------------------------------------------------------------------------

    def fill(self) -> None:
        """Waits until the house has filled itself and read every register of companies once."""
        self._wait("filling", lambda: _is_filled(self.house.settings.home), FILL_SECONDS)
        self._vintage = published_vintages(self.house.settings)[-1]
        today = self._clock.today()
        for name in ("registers_florida", "registers_weekly", "registers_monthly"):
            self._start(AUTOMATIC[name], today)
        self._wait("registers", lambda: not self.books.open_runs(), FILL_SECONDS)
        self._at(today, LAST_TURN)  # the evening's backup, else the first night would find it late
        self._start(AUTOMATIC["backup_postgres_six_hourly"], today)
        self._wait("the first evening", lambda: not self.books.open_runs(), FILL_SECONDS)
        self.size_before = int(self.books.ours("select pg_database_size(current_database()) as n")[0]["n"])

    def live(self) -> None:
        """Every day, with people at the desk."""
        people = People(self.house.settings, self.house.web, self.items)
        people.start()
        try:
            first = self._clock.today() + timedelta(days=1)
            mark = self.books.mark()
            for number in range(1, self.number_of_days + 1):
                mark = self._day(number, first + timedelta(days=number - 1), mark, people)
        finally:
            people.stop()
        for deed, times in people.failed.most_common(5):
            self.say(f"people: {deed}: {times}")

    def _day(self, number: int, today: date, mark: Mark, people: People) -> Mark:
        begun = time.monotonic()
        self._seen[number] = set()
        self._waited.clear()
        day, broken = Day(number, today.isoformat()), self.breaks[number]
        self._at(today, FIRST_TURN)
        if late := self._late.pop(number, None):
            late.end(self.breaker)
        for at, name in turns(today):
            self._before(name, at, broken, today)
            if name == "backup_postgres_six_hourly" and at > AFTERNOON:  # the noon's backup is made as people work
                self._wait("the desk", lambda: self._is_desk_done(people), DESK_SECONDS, must=False)
                self._open_portals()
            self._at(today, at)
            if name == "portals_daily":
                self._start(AUTOMATIC[name], today)
                self._office(day, broken, mark, people)
            else:
                self._start(AUTOMATIC[name], today)
        if not self._wait("evening", lambda: self._is_quiet(people), EVENING_SECONDS, must=False):
            self.say(f"day {number}: not everything had ended by night: {self._waits(people)}")
        if broken.when == "night":
            broken.begin(self.breaker)
            self._mended(broken, number)
        self._until_told(number, mark)
        self.books.measure(day, mark)
        self._judge(day)
        after = self.books.mark()
        day.seconds = round(time.monotonic() - begun, 1)
        day.waited = {what: round(self._waited[what], 1) for what in self._waited}
        self.days.append(day)
        self.say(_told(day))
        return after

    def _before(self, name: str, at: time_of_day, broken: Break, today: date) -> None:
        """What must have ended, or be broken, before this turn."""
        if name == "acquire_daily" and broken.when == "source":
            self._wait("vintages", lambda: not self._is_open("refresh_bdc"), RUN_SECONDS)
            broken.begin(self.breaker)
        if name == "commissions_daily":  # else the clock would be past its promise before it is made
            self._wait("the night's backup", lambda: not self._is_open("make_backup_postgres"), RUN_SECONDS)
        if name == "commissions_daily" and broken.when == "source":
            self._wait("the broken acquisition", lambda: bool(self.books.runs_of("acquire", today))
                       and not self._is_open("acquire"), RUN_SECONDS)  # fmt: skip
            broken.end(self.breaker)
            self._start(AUTOMATIC["acquire_daily"], today)  # a person starts it anew
        if name == "portals_daily":  # the campaign of the day goes to whom the reconciliation admits
            self._wait("the lead list", lambda: not self._is_open("sync_listmonk"), RUN_SECONDS)
        if name == "portals_daily" and broken.when == "probes":
            broken.begin(self.breaker)
            self._mended(broken, len(self.days) + 1)
        if name in ("listmonk_daily", "backup_postgres_six_hourly"):
            self._wait(
                f"what {name} stands on", lambda: not self._is_open("acquire", "make_backup_postgres"), RUN_SECONDS
            )
        if name == "backup_postgres_six_hourly" and at.hour > OFFICE.hour:
            self._wait("backups", lambda: not self._is_open("make_backup_postgres", "restore_drill"), RUN_SECONDS)

    def _mended(self, broken: Break, number: int) -> None:
        self._late[number + broken.days] = broken

    def _office(self, day: Day, broken: Break, mark: Mark, people: People) -> None:
        """Orders are paid and worked, visitors check, a campaign goes out; what is broken meanwhile is mended."""
        today = date.fromisoformat(day.day)
        self._at(today, OFFICE)
        self._lift_stops()
        if broken.when == "desk":
            broken.begin(self.breaker)
        count = len(self.items)
        wanted = place_some(self.house, range(count + 1, count + self.orders + 1))
        self.items |= {one.order.item_id: one for one in wanted}
        pay(self.house, wanted, stopping=lambda: False, every=0.5)
        day.orders["placed"] = len(wanted)
        day.checks = self._check_carriers()
        day.bounces = send_campaign(self.house, day=day.number, complaint=day.number == soak_breaks.COMPLAINT_DAY)
        if broken.when == "desk":
            self._wait("the broken hour", lambda: self._is_desk_done(people), BROKEN_SECONDS, must=False)
            self._until_told(day.number, mark)
            self._at(today, MENDED)
            broken.end(self.breaker)

    # -- deeds -----------------------------------------------------------------------------------------------------

    def _at(self, day: date, at: time_of_day) -> None:
        """Moves the clock to that moment of New York; never back."""
        wanted = datetime.combine(day, at, EASTERN)
        if wanted > self._clock.now():
            self._clock.set_offset(wanted - machine_now())

    def _start(self, entry: Automatic, day: date) -> None:
        """What the schedule of `entry` would start at this moment."""
        job, partition = str(entry.job), None
        if job in ("acquire", "probe_portals"):
            partition = day.isoformat()
        elif job == "refresh_bdc":
            partition = self._vintage
        elif job == "restore_drill" and not self._is_drill_due():
            return
        if self._is_open(job) or (partition == day.isoformat() and "SUCCESS" in self.books.runs_of(job, day)):
            return
        self._api.launch(LOCATION, job, partition=partition, tags={DAY_TAG: day.isoformat()})

    def _is_drill_due(self) -> bool:
        row = self.books.ours(
            "select (select max(started_at) from pw.backup_drills) as last, exists (select from pw.backup_sets "
            "where subject = 'postgres' and confirmed_at is not null) as anything"
        )[0]
        return bool(row["anything"]) and (row["last"] is None or self._clock.now() - row["last"] >= WEEK)

    def _check_carriers(self) -> dict[str, int]:
        """Visitors check carriers of the lead list, over HTTP."""
        rows = self.books.ours("select frn from marts.deficiency_leads order by random() limit %s", self.checks)
        answers = [
            httpx.get(f"{self.house.web}/api/v1/compliance-check/{row['frn']}", timeout=60, trust_env=False)
            for row in rows
        ]
        wrong = [one for one in answers if one.status_code != httpx.codes.OK]
        deficient = sum(one.json()["answer"] == "deficient" for one in answers if one not in wrong)
        return {"answered": len(answers) - len(wrong), "refused": len(wrong), "deficient": deficient}

    def _lift_stops(self) -> None:
        """A person has looked into what stopped sending."""
        for one in stops.open_stops(self.house.connection):
            stops.resume(self._database(), segment=one.segment, by=BY, reason="Looked at.", now=self._clock.now())

    def _open_portals(self) -> None:
        """A person opens what stands again."""
        rows = self.books.ours(
            """select portal from pw.filing_portals f where closed_at is not null and 'stands' = (
                 select outcome from pw.portal_probes p where p.portal = f.portal order by probe_id desc limit 1)"""
        )
        for row in rows:
            with self._database().connect(application=BY) as connection:
                opened: Any = connection
                deeds.open_portal(opened, row["portal"], by=BY, why="Looked at; it stands.", now=self._clock.now())

    def _database(self) -> Database:
        assert self.house.settings.database_url is not None
        return Database(self.house.settings.database_url.get_secret_value())

    # -- waiting ---------------------------------------------------------------------------------------------------

    def _is_open(self, *jobs: str) -> bool:
        return any(job in jobs for job in self.books.open_runs())

    def _is_desk_done(self, people: People) -> bool:
        return self._stand(people) and not self._is_open("probe_portals")

    def _stand(self, people: People) -> bool:
        """Whether every item is done or waits for a later hour or for a person who is not here."""
        return not self._moving(people)

    def _moving(self, people: People) -> list[dict[str, Any]]:
        soon = self._clock.now() + timedelta(minutes=5)
        rows = self.books.ours(
            "select item_id, service, stage, state, gate, not_before from pw.item_work "
            "where state in ('ready', 'waiting')"
        )
        return [row for row in rows if not _waits_for_later(row, soon, people)]

    def _is_quiet(self, people: People) -> bool:
        row = self.books.ours(
            """select (select count(*) from pw.book_entries where state in ('wanted', 'unknown'))
                    + (select count(*) from pw.payment_events where state = 'received') as n"""
        )[0]
        return not row["n"] and self._stand(people) and not self.books.open_runs()

    def _waits(self, people: People) -> str:
        items = [f"{row['service']} {row['stage']} {row['gate'] or row['state']}" for row in self._moving(people)]
        return ", ".join([*items, *self.books.open_runs()]) or "documents of the books"

    def _until_told(self, number: int, since: Mark) -> None:
        """Waits for what today's causes must redden; that it does not come is told by the judgement, not here."""
        causes = [one for one in self.causes if one.first == number]

        def is_told() -> bool:
            self._seen[number] |= {red.name for red in self.books.reds(since)}
            return not any(one.missing(self._seen[number]) for one in causes)

        self._wait(f"alerts of {causes[0].name}", is_told, ALERT_SECONDS, must=False)

    def _wait(self, what: str, is_over: Callable[[], bool], seconds: float, *, must: bool = True) -> bool:
        begun = time.monotonic()
        try:
            while time.monotonic() < begun + seconds:
                try:
                    if is_over():
                        return True
                except psycopg.OperationalError:
                    pass  # the server is busy starting
                time.sleep(LOOK_SECONDS)
        finally:
            self._waited[what] += time.monotonic() - begun
        if must:
            raise BenchFailed(f"{what} did not end in {seconds:.0f} s; open runs: {self.books.open_runs()}.")
        return False

    # -- judging ---------------------------------------------------------------------------------------------------

    def _judge(self, day: Day) -> None:
        verdict = judged(day.reds, self.causes, day.number)
        self._seen[day.number] |= {red.name for red in day.reds}
        broken = self.breaks[day.number]
        day.broken_on_purpose = [
            {"name": one.name, "words": one.words, "expected": list(one.must),
             "red": sorted({red.name for red in verdict.explained.get(one.name, ())})}
            for one in self.causes if one.name == broken.name or verdict.explained.get(one.name)
        ]  # fmt: skip
        day.unexplained = [asdict(red) for red in verdict.unexplained]

    def lived(self, minutes: float) -> Lived:
        """The days and what they are judged by."""
        return Lived(self.days, self.causes, self._seen, self.size_before, self._lost(), len(self.items), minutes)

    def _lost(self) -> list[str]:
        rows = self.books.ours(
            "select w.item_id, w.state, w.stage, o.number from pw.item_work w join pw.orders o using (order_id)"
        )
        known = {row["item_id"] for row in rows}
        moving = [f"{row['number']}: {row['state']} in {row['stage']}" for row in rows if row["state"] == "ready"]
        return [*moving, *(f"item {item} was never begun" for item in self.items if item not in known)]


def _waits_for_later(row: Any, soon: datetime, people: People) -> bool:
    gate = row["gate"]
    if gate is None:
        return False
    if gate in CLOCK_GATES:
        return bool(row["not_before"] > soon)
    return people.gave_up(row["item_id"]) if gate == "error" else gate not in HANDLED


def _is_filled(home: Path) -> bool:
    progress = Progress.read(home)
    return progress is not None and progress.finished


def _told(day: Day) -> str:
    red = f"{len(day.unexplained)} unexplained" if day.unexplained else "nothing unexplained"
    broken = ", ".join(one["name"] for one in day.broken_on_purpose)
    waited = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in day.waited.items() if seconds >= 5)
    return (
        f"day {day.number} ({day.day}): {day.seconds:.0f} s; {day.runs['ok']} runs well, {day.runs['failed']} failed; "
        f"{day.orders['delivered']} orders delivered, waiting {day.orders['waiting']}; broken: {broken}; {red}; "
        f"waited for {waited}"
    )
