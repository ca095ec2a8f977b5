"""Work that begins at once instead of at a sensor's next tick: after a payment, a signature, an approval, details.

A nudge is a favour. It is given after the answer, by one of a few threads, and thrown away when too many wait or when
Dagster of this house does not run; whatever it does not do, or breaks at, a sensor does within seconds. It keeps the
sensor's own books of what was asked for, so both together start one run.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache, partial
from urllib.parse import urlsplit

from pw_pipelines import logs
from pw_pipelines.clock import machine_now
from pw_pipelines.commerce.payments.clients import ProviderClients
from pw_pipelines.commerce.payments.events import VerifiedEvent
from pw_pipelines.commerce.payments.ground import ground_of
from pw_pipelines.commerce.payments.reading import READERS
from pw_pipelines.commerce.payments.work import work_one
from pw_pipelines.db.connection import Database
from pw_pipelines.db.kept import KeptDatabase
from pw_pipelines.errors import OutsideRefused, OutsideUnavailable
from pw_pipelines.fulfillment import items, run_words, starting
from pw_pipelines.fulfillment.model import Connection
from pw_pipelines.runtime.dagster_api import DagsterApi
from pw_pipelines.runtime.processes import LOCATION
from pw_pipelines.settings import Settings

log = logs.get_logger(__name__)

MOST_THREADS = 2
MOST_WAITING = 200
IDLE_SECONDS = 5.0  # then a thread ends
ASKED_SECONDS = 10.0  # for which the answer whether Dagster is there holds
CONNECT_SECONDS = 0.5
LAUNCH_SECONDS = 15.0
Deed = Callable[[], None]


def nudge_item(settings: Settings, item_id: int) -> None:
    """Has a run started for an item that has become ready, at once. To be called after the transaction that made it
    ready was committed. Returns immediately and raises nothing; failures are logged, and the sensor starts the run."""
    _give(settings, "item", partial(start_items, settings, [item_id]))


async def nudge_payment(settings: Settings, events: Sequence[VerifiedEvent]) -> None:
    """As `nudge_item`, for events that were just stored and acknowledged: works them, and begins what they paid."""
    told = [(event.provider, event.dedupe_key) for event in events if event.provider in READERS]
    if told:
        _give(settings, "payment", partial(work_payments, settings, told))


def work_payments(settings: Settings, told: Sequence[tuple[str, str]]) -> None:
    """Works stored events, each in a transaction of its own, and starts runs for the items of orders they paid.

    Raises what working raises: the event then stands as it was, for the job that works the inbox.
    """
    db = _database(settings)
    for provider, key in told:
        with db.connect(application="pw-nudge") as connection, ProviderClients(settings) as captures:
            row = connection.execute(
                "select event_id from pw.payment_events where provider = %s and dedupe_key = %s", (provider, key)
            ).fetchone()
            if row is None:
                continue
            event_id, now = int(str(row["event_id"])), settings.clock.now()
            work_one(connection, event_id, ground=ground_of(settings), captures=captures, now=now)
        with db.connect(application="pw-nudge") as connection:
            opened = _open_paid(settings, connection, event_id)
        start_items(settings, opened)


def _open_paid(settings: Settings, connection: Connection, event_id: int) -> list[int]:
    order = connection.execute(
        "select order_id from pw.payment_events e join pw.orders o on o.number = e.order_number "
        "where event_id = %s and e.state = 'done' and o.paid_at is not null",
        (event_id,),
    ).fetchone()
    return [] if order is None else items.open_items(connection, now=settings.clock.now(), order_id=order["order_id"])


def start_items(settings: Settings, item_ids: Collection[int]) -> None:
    """Asks Dagster for a run of each that is ready and was not asked for yet. Raises what Dagster's no raises."""
    if not item_ids:
        return
    db, api = _database(settings), DagsterApi(settings.dagster_api, timeout_seconds=LAUNCH_SECONDS)
    with db.connect(application="pw-nudge") as connection:
        ready = starting.to_start_now(connection, item_ids, machine_now=machine_now())
    for item_id, generation in ready:
        tags = {**run_words.tags_of(item_id), "dagster/run_key": run_words.run_key_of(item_id, generation)}
        try:
            api.launch(LOCATION, run_words.JOB, tags=tags, config=run_words.config_of(item_id))
        except OutsideRefused:
            with db.connect(application="pw-nudge") as connection:
                starting.not_started(connection, item_id, generation)
            raise
        log.info("run asked for at once", item_id=item_id, generation=generation)


def _database(settings: Settings) -> Database:
    assert settings.database_url is not None
    return _kept(settings.database_url.get_secret_value())


@lru_cache(maxsize=1)
def _kept(url: str) -> Database:
    return KeptDatabase(url)


# -- the few threads ----------------------------------------------------------------------------------------------


class Nudges:
    """Deeds that wait, and the threads that do them: made when there is something to do, gone soon afterwards."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[tuple[str, Deed]] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._threads = 0

    def give(self, what: str, deed: Deed) -> bool:
        """Whether it was taken; False when too many wait."""
        try:
            self._waiting.put_nowait((what, deed))
        except queue.Full:
            log.warning("nudge left to the sensor", what=what, why=f"{MOST_WAITING} wait already")
            return False
        with self._lock:
            if self._threads < MOST_THREADS:
                self._threads += 1
                threading.Thread(target=self._work, name="nudge", daemon=True).start()
        return True

    def _work(self) -> None:
        while True:
            try:
                what, deed = self._waiting.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if self._waiting.empty():  # nothing was given while this thread made up its mind
                        self._threads -= 1
                        return
                continue
            try:
                deed()
            except OutsideUnavailable as away:
                log.warning("nudge left to the sensor", what=what, why=str(away))
            except Exception as error:  # a favour that breaks is told and left to the sensor
                log.exception("nudge broke", what=what, kind=type(error).__name__)


NUDGES = Nudges()


def _give(settings: Settings, what: str, deed: Deed) -> None:
    # The address of Dagster must have been said (`pw up` says it): at the default one another house may live.
    if settings.database_url is not None and "dagster_url" in settings.model_fields_set:
        NUDGES.give(what, partial(_when_dagster_is_there, settings.dagster_api, deed))


def _when_dagster_is_there(url: str, deed: Deed) -> None:
    if _dagster_is_there(url, int(time.monotonic() / ASKED_SECONDS)):
        deed()


@lru_cache(maxsize=4)
def _dagster_is_there(url: str, _period: int) -> bool:
    where = urlsplit(url)
    try:
        with socket.create_connection((where.hostname or "", where.port or 80), timeout=CONNECT_SECONDS):
            return True
    except OSError:
        log.info("no nudges: Dagster does not listen", url=url)
        return False
