"""`pw bench registry`: the measured goals of the register, on invented Florida files, in a home of its own."""

from __future__ import annotations

import gc
import json
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg

from pw_pipelines.bench import registry_peers as peers
from pw_pipelines.bench.florida_file import AT_ONCE, Companies
from pw_pipelines.bench.measure import Measure, at_most, percentile
from pw_pipelines.db.connection import Database, create_databases, migrate
from pw_pipelines.db.embedded import Embedded, Server
from pw_pipelines.errors import PwError, UsageError
from pw_pipelines.jurisdictions.book import jurisdiction
from pw_pipelines.registry import search
from pw_pipelines.registry.verdict import check_name
from pw_pipelines.snapshots.books import Connection

DEFAULT_ROWS, FULL_ROWS = 1_000_000, 10_000_000
DAY, NEXT_DAY = date(2026, 10, 5), date(2026, 10, 6)
GOAL_OF_COPY = 0.6  # of a plain COPY's rate, for a state's whole register; a small file costs what any load costs
WHOLE_REGISTER_ROWS = 1_000_000
GOAL_OF_PANDAS = 20.0  # of all fields, as pandas loads the file; of the register's eight alone: to be quicker
PANDAS_ROWS = 100_000
GOAL_MEMORY_MIB = 500.0
GOAL_EXACT_P99_MS, GOAL_NEAR_P95_MS = 5.0, 50.0
GOAL_LONGEST_WAIT_S = 1.0
GOAL_GROWTH = 1.5
LOOKED_UP = 2_000
_READ = 1 << 20
_COMMON_BEGINNINGS = ("FLORIDA SUNSHINE HOMES", "FIRST NATIONAL GROUP", "AMERICAN HOME SERVICES", "BLUE OCEAN REALTY")


class BenchFailed(PwError):
    """A measured deed did not succeed, so there is nothing to measure."""


@dataclass
class Loaded:
    """One load: records, seconds until they were checked and until they served, most MiB of its processes together."""

    rows: int
    checked: float
    seconds: float
    peak_mib: float


def run(home: Path, *, rows: int, say: Callable[[str], None]) -> list[Measure]:
    """Every measure, at `rows` records and at the tenth (and hundredth) of it from 100,000 on."""
    sizes = [size for size in (rows // 100, rows // 10) if size >= PANDAS_ROWS] + [rows]
    measures: list[Measure] = []
    loads: dict[int, Loaded] = {}
    with Embedded(home).running() as server:
        for size in sizes:
            found, loads[size] = _size(home, server, size, say, is_largest=size == rows)
            measures += found
    if len(sizes) > 1:
        least, most = loads[sizes[0]], loads[sizes[-1]]
        growth = (most.seconds / most.rows) / (least.seconds / least.rows)
        of = f"seconds a record at {sizes[-1]:,} records against {sizes[0]:,}"
        measures.append(at_most("load_growth", growth, "×", goal=GOAL_GROWTH, peer=1.0, peer_is=of))
    return measures


def _size(
    home: Path, server: Server, rows: int, say: Callable[[str], None], *, is_largest: bool
) -> tuple[list[Measure], Loaded]:
    name = f"bench_{rows}"
    create_databases(server.url("postgres"), (name,))
    migrate(server.url(name))
    db, objects, path = Database(server.url(name)), (home / f"objects_{rows}").as_uri(), home / "cordata.txt"
    companies = Companies(rows)
    say(f"{rows:,} invented companies as a Florida file of {rows * 1442 / 1e9:.2f} GB")
    companies.write(path)
    say(f"{rows:,}: file to checked rows to a register that serves")
    loaded = _load(db, objects, path, DAY)
    copied = peers.plain_copy(db)
    same = (
        "COPY of the same finished rows into the same kind of table, unique index made; ours is from the kept file to "
        f"rows known to be unique, {loaded.seconds:.1f} s from the process's start until all indexes serve"
    )
    size = path.stat().st_size / 2**20
    measures = [
        at_most(f"checked_rows_{rows}", loaded.checked, "s",
                goal=copied / GOAL_OF_COPY if rows >= WHOLE_REGISTER_ROWS else None, peer=copied, peer_is=same),
        at_most(f"loader_peak_memory_{rows}", loaded.peak_mib, "MiB", goal=GOAL_MEMORY_MIB, peer=size,
                peer_is="the file; all processes of the loader together"),
    ]  # fmt: skip
    say(f"{rows:,}: names looked up")
    with db.connect() as connection:
        measures += _searches(connection, companies, rows)
    if is_largest:
        measures += _pandas(home, db, companies, loaded, say)
        measures += _reload(db, objects, path, companies, say)
    path.unlink()
    shutil.rmtree(urlsplit(objects).path)
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"drop database {name} (force)".encode())
    return measures, loaded


def _load(db: Database, objects: str, path: Path, day: date) -> Loaded:
    process = psutil.Popen(
        [sys.executable, "-m", "pw_pipelines.bench.registry_loader", db.url, objects, str(path), day.isoformat()],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with _watched(process) as most:
        out, err = process.communicate()
    if process.returncode:
        raise BenchFailed(f"Loading {path.name} failed: {err.strip()[-2000:]}")
    told = json.loads(out)
    return Loaded(told["rows"], told["checked"], told["seconds"], most.mib)


@dataclass
class _Most:
    mib: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)


@contextmanager
def _watched(process: psutil.Popen) -> Iterator[_Most]:
    """The most resident memory of a process and its children together, looked at ten times a second.

    Who its children are is looked up every second only: that reads every process of the machine, which costs as much
    as a tenth of the load that is measured.
    """
    most = _Most()

    def watch() -> None:
        together: list[psutil.Process] = []
        looked = 0
        while not most.ended.wait(0.1):
            total = 0
            try:
                if looked % 10 == 0:
                    together = [process, *process.children(recursive=True)]
                looked += 1
                for one in together:
                    total += one.memory_info().rss
            except psutil.NoSuchProcess:
                looked = 0
                continue
            most.mib = max(most.mib, total / 2**20)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield most
    finally:
        most.ended.set()
        watcher.join()


def _asked(companies: Companies) -> list[str]:
    """Names that stand in the register, names with a slip, names of nobody, common beginnings; in any order."""
    rng = random.Random(7)  # noqa: S311
    asked: list[str] = []
    while len(asked) < LOOKED_UP:
        start = rng.randrange(0, max(1, companies.count // AT_ONCE)) * AT_ONCE
        for name in rng.sample(companies.names(start, min(start + AT_ONCE, companies.count)), 40):
            place = rng.randrange(len(name) // 2)
            asked += [name, name[:place] + "Q" + name[place + 1 :], f"{name.split()[0]} ZUQWIX LLC"]
        asked += [f"{beginning} {rng.choice('ABCDEFGH')}" for beginning in _COMMON_BEGINNINGS]
    rng.shuffle(asked)
    return list(filter(_is_name, asked))[:LOOKED_UP]


def _is_name(text: str) -> bool:
    """Whether it can be asked for: CO LLC only says a legal form."""
    try:
        check_name(text)
    except UsageError:
        return False
    return True


def _exact(connection: Connection, name: str) -> None:
    search.by_key(connection, jurisdiction("FL"), name, [], search.coverage(connection, "FL", NEXT_DAY))


def _whole(connection: Connection, name: str) -> None:
    search.judged(connection, "FL", name, today=NEXT_DAY)


def _milliseconds(deed: Callable[[str], object], asked: list[str]) -> list[float]:
    taken = []
    for name in asked:
        begun = time.perf_counter()
        deed(name)
        taken.append((time.perf_counter() - begun) * 1000)
    return taken


def _in_memory(connection: Connection) -> None:
    """Reads the register's files: one that has served for a while is in memory, and the peer's copy pushed ours out."""
    files = connection.execute(
        "select current_setting('data_directory') || '/' || pg_relation_filepath(c.oid) as path from pg_class c "
        "where c.relname like any(array['entities_fl_%', 'ix_entities_%'])"
    ).fetchall()
    for first in [Path(str(row["path"])) for row in files]:
        for path in [first, *first.parent.glob(f"{first.name}.[0-9]*")]:
            with path.open("rb") as file:
                while file.read(_READ):
                    pass


def _searches(connection: Connection, companies: Companies, rows: int) -> list[Measure]:
    asked = _asked(companies)
    _in_memory(connection)
    for name in asked[:100]:  # plans are made, rules are read
        _whole(connection, name)
    gc.freeze()  # as the web app does
    bare = _milliseconds(partial(peers.by_number, connection), [f"L{n:011}" for n in range(500)])
    exact = _milliseconds(partial(_exact, connection), asked)
    whole = _milliseconds(partial(_whole, connection), asked)
    of = f"one record by its number, as often; {len(asked)} names"
    return [
        at_most(f"exact_verdict_p99_{rows}", percentile(exact, 0.99), "ms", goal=GOAL_EXACT_P99_MS,
                peer=percentile(bare, 0.99), peer_is=of),
        at_most(f"verdict_with_near_names_p95_{rows}", percentile(whole, 0.95), "ms", goal=GOAL_NEAR_P95_MS,
                peer=percentile(bare, 0.95), peer_is=of),
    ]  # fmt: skip


def _pandas(
    home: Path, db: Database, companies: Companies, loaded: Loaded, say: Callable[[str], None]
) -> list[Measure]:
    rows = min(PANDAS_ROWS, companies.count)
    say(f"pandas.read_fwf and to_sql, {rows:,} records: all fields of the layout, then the register's eight")
    part = Companies(rows).write(home / "part.txt")
    taken = [peers.read_fwf(db, part, whole=whole) for whole in (True, False)]
    part.unlink()
    whole, same = (seconds / rows * 1e6 if seconds else 0.0 for seconds in taken)
    if not whole or not same:
        say("pandas is not installed (uv sync --group dev), so there is nothing to compare with")
        return []
    ours = loaded.checked / loaded.rows * 1e6
    of = f"pandas.read_fwf + to_sql of {rows:,} records, for a million"
    return [
        at_most("checked_rows_per_million", ours, "s", goal=whole / GOAL_OF_PANDAS,
                peer=whole, peer_is=f"{of}; all fields of the published layout"),
        at_most("checked_rows_per_million_same_fields", ours, "s", goal=same,
                peer=same, peer_is=f"{of}; only the eight fields that the register takes, not checked, without keys"),
    ]  # fmt: skip


def _reload(db: Database, objects: str, path: Path, companies: Companies, say: Callable[[str], None]) -> list[Measure]:
    """The next whole copy while names are looked up: none may fail, none may wait long."""
    say(f"{companies.count:,}: reload while searching")
    shutil.rmtree(urlsplit(objects).path)  # the first copy's bytes: the disk need not hold both
    companies.write(path, edition=1)
    asked, ended = _asked(companies), threading.Event()
    waits: list[float] = []
    longest_at = 0.0
    failed: list[str] = []
    started = time.perf_counter()

    def look_up() -> None:
        nonlocal longest_at
        with psycopg.connect(db.url, autocommit=True, row_factory=psycopg.rows.dict_row) as connection:
            longest = 0.0
            while not ended.is_set():
                for name in asked:
                    begun = time.perf_counter()
                    try:
                        with connection.transaction():
                            _whole(connection, name)
                    except (psycopg.Error, PwError) as error:
                        failed.append(str(error))
                    waits.append(time.perf_counter() - begun)
                    if waits[-1] > longest:
                        longest, longest_at = waits[-1], begun - started
                    if ended.wait(0.01):
                        break

    searching = threading.Thread(target=look_up)
    searching.start()
    try:
        loaded = _load(db, objects, path, NEXT_DAY)
    finally:
        ended.set()
        searching.join()
    peer_is = (
        f"{len(waits):,} searches during a reload of {loaded.seconds:.1f} s, the longest after {longest_at:.1f} s; "
        "median as peer"
    )
    return [
        at_most("reload_failed_searches", float(len(failed)), "searches", goal=0.0, peer=None, peer_is=peer_is),
        at_most("reload_longest_search", max(waits), "s", goal=GOAL_LONGEST_WAIT_S, peer=percentile(waits, 0.5),
                peer_is=peer_is),
    ]  # fmt: skip
