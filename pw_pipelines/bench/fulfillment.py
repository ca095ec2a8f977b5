"""`pw bench fulfillment`: paid orders to their signers, by the warm launcher and by Dagster's own, in the same run."""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from pw_pipelines.bench.measure import Measure, at_most, percentile
from pw_pipelines.bench.paid_orders import ANSWERS, SERVICE, BenchHouse, bench_house
from pw_pipelines.documents.converting import Converter
from pw_pipelines.documents.office import cold_pdf
from pw_pipelines.documents.rendering import fill
from pw_pipelines.documents.template import template_named
from pw_pipelines.fulfillment.facts import known_values
from pw_pipelines.fulfillment.playbook import playbook_of

ORDERS, QUICK_ORDERS = 100, 10
SINGLE, QUICK_SINGLE = 20, 5
DOCUMENTS, QUICK_DOCUMENTS = 40, 10
COLD = 3
AT_ONCE = 24  # orders for the measure of memory: eight runs at a time for long enough to be looked at
GOAL_TIMES, GOAL_SINGLE_SECONDS, GOAL_DOCUMENT_SECONDS, GOAL_MIB = 8.0, 3.0, 0.25, 2_048.0
LONGEST_SECONDS = 60.0  # an order, the slower launcher on a busy machine
LOOK_SECONDS = 0.4


def run(home: Path, *, quick: bool, say: Callable[[str], None]) -> list[Measure]:
    """Every measure in turn; `home` is an empty folder."""
    count = QUICK_ORDERS if quick else ORDERS
    say("a house with Dagster's own launcher")
    with bench_house(home / "stock", "stock") as house:
        stock = _burst(house, count, say)
    say("a house with the warm launcher")
    with bench_house(home / "warm", "warm") as house:
        warm = _burst(house, count, say)
        singles = _singles(house, QUICK_SINGLE if quick else SINGLE, say)
        say(f"{AT_ONCE} orders, looking at the memory of every process")
        memory = _memory(house)
        warm_document, cold_document = _documents(house, QUICK_DOCUMENTS if quick else DOCUMENTS, say)
    return [
        at_most(
            "orders_to_signature_gate", warm, "s", goal=stock / GOAL_TIMES, peer=stock,
            peer_is=f"the same {count} paid orders with PW_LAUNCHER=stock; the goal is an eighth of it",
        ),
        at_most(
            "webhook_to_signature_mail_p50", percentile(singles, 0.5), "s", goal=GOAL_SINGLE_SECONDS, peer=None,
            peer_is="",
        ),
        at_most(
            "document", warm_document, "s", goal=GOAL_DOCUMENT_SECONDS, peer=cold_document,
            peer_is="the same document by a LibreOffice started for it; median",
        ),
        at_most(
            "eight_runs_memory", memory.most_mib, "MiB", goal=GOAL_MIB, peer=memory.idle_mib,
            peer_is="the same house before; proportional set sizes of all its processes, PostgreSQL, web and stand-ins "
            f"too; {memory.most_runs} runs were seen at a time",
        ),
    ]  # fmt: skip


def _burst(house: BenchHouse, count: int, say: Callable[[str], None]) -> float:
    """Seconds from the first webhook until the last signer has the mail. One order goes before, unmeasured."""
    first = house.order(1)
    house.pay(first)
    house.await_signature(first, seconds=LONGEST_SECONDS * 4)
    orders = house.order(count)
    begun = time.monotonic()
    house.pay(orders)
    house.await_signature(orders, seconds=LONGEST_SECONDS * count)
    spent = time.monotonic() - begun
    say(f"{count} paid orders to their signers: {spent:.1f} s")
    return spent


def _singles(house: BenchHouse, count: int, say: Callable[[str], None]) -> list[float]:
    """Seconds from a webhook being sent to its signer having the mail, one order at a time."""
    taken = []
    for number in range(count):
        time.sleep(0.5 + (number * 0.37) % 1)  # no step with the queue's beat of one second
        [order] = house.order(1)
        begun = time.monotonic()
        house.pay([order])
        house.await_signature([order], seconds=LONGEST_SECONDS, pause=0.01)
        taken.append(time.monotonic() - begun)
    say(f"{count} orders one by one: {min(taken):.2f} to {max(taken):.2f} s")
    return taken


def _documents(house: BenchHouse, count: int, say: Callable[[str], None]) -> tuple[float, float]:
    """Median seconds of a document, filled and converted: by the house's LibreOffice, and by one started for each."""
    templates = [template_named(document.template) for document in playbook_of(SERVICE).documents]
    drawn = house.connection.execute("select item_id from pw.item_documents order by document_id desc").fetchone()
    assert drawn is not None
    values = {**known_values(house.connection, drawn["item_id"]), **ANSWERS, "today": f"{house.settings.clock.today()}"}
    converter = Converter(house.settings)
    converter.to_pdf(fill(templates[0], values), "bench-first")
    warm, cold = [], []
    for number in range(count):
        begun = time.monotonic()
        converter.to_pdf(fill(templates[number % len(templates)], values), f"bench-{number}")
        warm.append(time.monotonic() - begun)
    for number in range(COLD):
        begun = time.monotonic()
        cold_pdf(fill(templates[number % len(templates)], values))
        cold.append(time.monotonic() - begun)
    say(f"{count} documents: {statistics.median(warm):.3f} s each, {statistics.median(cold):.2f} s cold")
    return statistics.median(warm), statistics.median(cold)


@dataclass
class Memory:
    """What was seen: MiB of the whole house before and at most, and how many runs worked at a time at most."""

    idle_mib: float = 0.0
    most_mib: float = 0.0
    most_runs: int = 0
    failed: list[Exception] = field(default_factory=list)


def _memory(house: BenchHouse) -> Memory:
    seen = Memory(idle_mib=_proportional_mib(house.settings.home)[0])
    orders = house.order(AT_ONCE)
    with _looking(house.settings.home, seen):
        house.pay(orders)
        house.await_signature(orders, seconds=LONGEST_SECONDS * 4)
    return seen


@contextlib.contextmanager
def _looking(home: Path, seen: Memory) -> Iterator[None]:
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            mib, runs = _proportional_mib(home)
            seen.most_mib, seen.most_runs = max(seen.most_mib, mib), max(seen.most_runs, runs)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _proportional_mib(home: Path) -> tuple[float, int]:
    """MiB of every process of the home, pages shared by several counted once in all; and how many of them are runs."""
    total, runs = 0, 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError, StopIteration):
            if not _is_of(process, home):
                continue
            rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
            runs += process.name().startswith("pw-run")
    return total / 1024, runs


def _is_of(process: psutil.Process, home: Path) -> bool:
    return process.environ().get("PW_HOME") == str(home) or process.cwd().startswith(str(home))
