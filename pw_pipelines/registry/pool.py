"""Blocks of a register into its staging table: parsed, keyed and copied, in this process or by several beside it.

A worker is a process of its own with its own connection. It is started while the file is still being kept, handed
blocks over its standard input, writes what it parsed into one COPY, and commits only when told that every block was
read: a stop anywhere leaves no row.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pickle
import struct
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import IO, TYPE_CHECKING

import psycopg

from pw_pipelines.errors import SnapshotError
from pw_pipelines.faults import point
from pw_pipelines.sources.register import Block
from pw_pipelines.sources.report import REJECTS_KEPT, Reject

if TYPE_CHECKING:
    from pw_pipelines.sources.register import Parsed, RegisterReader

WORKERS = max(2, min(4, os.cpu_count() or 2))
_PIPE_BYTES = 1 << 20
COMMIT = "commit"
# Blocks come and go without circles, and so do the modules at the start: looking for them costs a tenth.
_START = "import gc; gc.disable(); from pw_pipelines.registry.worker import main; main()"
_LENGTHS = struct.Struct("<QQ")
_F_SETPIPE_SZ = getattr(fcntl, "F_SETPIPE_SZ", None)


@dataclass(frozen=True)
class Task:
    """What a worker must know: where the records go, which columns are counted as filled, and the file in which
    blocks may have been left."""

    url: str
    source: str
    statement: str
    ranked: bool
    counted: tuple[str, ...] = ()
    path: str | None = None


@dataclass
class Totals:
    """What the blocks of a copy added up to."""

    rows: int = 0
    rejected: int = 0
    rejects: list[Reject] = field(default_factory=list)
    filled: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    newest: date | None = None
    bytes: int = 0

    def add(self, other: Totals) -> None:
        self.rows += other.rows
        self.rejected += other.rejected
        self.rejects += other.rejects
        if len(self.rejects) > 2 * REJECTS_KEPT:
            self.rejects = sorted(self.rejects, key=lambda one: one.line)[:REJECTS_KEPT]
        self.filled.update(other.filled)
        self.notes.update(other.notes)
        self.newest = max(filter(None, (self.newest, other.newest)), default=None)
        self.bytes += other.bytes


def finished(block: Block, reader: RegisterReader, task: Task) -> tuple[Totals, bytes]:
    """One block parsed: what it amounts to, and its records as COPY text."""
    from pw_pipelines.registry.staging import copy_text

    parsed = reader.parse(block)
    text = copy_text(parsed, ranked=task.ranked, first_line=block.first_line)
    return _totals(parsed, block, task), text


def _totals(parsed: Parsed, block: Block, task: Task) -> Totals:
    count = len(parsed.rows)
    dropped = parsed.rejected + count - parsed.read  # records that were parsed and cannot be stored
    filled: Counter[str] = Counter()
    for name in task.counted:
        values = getattr(parsed.rows, name, None)
        filled[name] = (
            count - values.count(None) - values.count("") if isinstance(values, list) else count * bool(values)
        )
    return Totals(
        rows=count - dropped,
        rejected=parsed.rejected,
        rejects=parsed.rejects,
        filled=filled,
        notes=Counter(parsed.notes),
        newest=parsed.newest,
        bytes=len(block.data),
    )


@contextlib.contextmanager
def standing_by(count: int) -> Iterator[list[Worker]]:
    """`count` workers that wait for one `run`; they end with the block, whether or not there was one."""
    with contextlib.ExitStack() as closing:
        yield [closing.enter_context(Worker()) for _ in range(count)]


def run(blocks: Iterable[Block], reader: RegisterReader, task: Task, crew: Sequence[Worker]) -> Totals:
    """Every block into the staging table, committed together; no crew: in this process. The crew has ended then.

    Raises SnapshotError when a worker ends before its time, and whatever `blocks` raises.
    """
    if not crew:
        return _alone(blocks, reader, task)
    counted = _Shared(blocks)
    threads = [threading.Thread(target=worker.feed, args=(task, counted), daemon=True) for worker in crew]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if counted.error is not None:
            raise counted.error
        point("registry.staging.before_commit")
        for worker in crew:
            worker.commit(task)
    finally:
        for worker in crew:
            worker.end()
    return counted.totals


def _alone(blocks: Iterable[Block], reader: RegisterReader, task: Task) -> Totals:
    totals = Totals()
    with psycopg.connect(task.url, application_name="pw register") as connection, connection.cursor() as cursor:
        with cursor.copy(task.statement) as copy:
            for block in blocks:
                one, text = finished(block, reader, task)
                totals.add(one)
                copy.write(text)
                point("registry.staging.midway")
        point("registry.staging.before_commit")
    return totals


class _Shared:
    """Blocks handed out one at a time, and what came of them; the first error ends the handing out."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._blocks: Iterator[Block] = iter(blocks)
        self._lock = threading.Lock()
        self.totals = Totals()
        self.error: BaseException | None = None

    def next(self) -> Block | None:
        with self._lock:
            if self.error is not None:
                return None
            try:
                return next(self._blocks, None)
            except BaseException as error:  # noqa: BLE001 - raised again by `run`
                self.error = error
                return None

    def done(self, totals: Totals) -> None:
        with self._lock:
            self.totals.add(totals)
            point("registry.staging.midway")

    def fail(self, error: BaseException) -> None:
        with self._lock:
            self.error = self.error or error


class Worker:
    """One process beside this one. It stands for one task; ending it without the word to commit undoes its work."""

    def __enter__(self) -> Worker:
        self._process = subprocess.Popen([sys.executable, "-c", _START], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        if _F_SETPIPE_SZ is not None:
            with contextlib.suppress(OSError):
                fcntl.fcntl(self._in.fileno(), _F_SETPIPE_SZ, _PIPE_BYTES)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Waits until the process is gone."""
        with contextlib.suppress(OSError):
            self._in.close()  # without a word: the worker rolls back
        self._out.close()
        self._process.wait()

    def feed(self, task: Task, shared: _Shared) -> None:
        """Hands this worker blocks until there are none; errors end up in `shared`.

        A block that was left in the file is told one ahead, so that the worker never waits for us. One with bytes is
        not: the pipe may be too small for it and for the answer that stands before it.
        """
        ahead = 0
        try:
            send(self._in, task)
            while (block := shared.next()) is not None:
                while ahead and (block.data or ahead > 1):
                    shared.done(self._answer(task))
                    ahead -= 1
                send(self._in, block)
                ahead += 1
            for _ in range(ahead):
                shared.done(self._answer(task))
        except BaseException as error:  # noqa: BLE001 - raised again by `run`
            shared.fail(error)

    def commit(self, task: Task) -> None:
        """Waits until what it wrote is in the table for good."""
        send(self._in, COMMIT)
        self._answer(task)

    def _answer(self, task: Task) -> Totals:
        answer = receive(self._out)
        if isinstance(answer, BaseException):
            raise answer
        if not isinstance(answer, Totals):
            raise SnapshotError(
                f"A process that was reading {task.source} ended early; nothing was loaded. Start the load again."
            )
        return answer


def send(pipe: IO[bytes], value: object) -> None:
    """One value to the other side; nothing when it is gone. A block's bytes go as they are, without a copy."""
    body = b""
    if isinstance(value, Block):
        value, body = replace(value, data=b""), value.data
    head = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    try:
        pipe.write(_LENGTHS.pack(len(head), len(body)) + head)
        pipe.write(body)
        pipe.flush()
    except BrokenPipeError:
        return  # the answer that does not come says it


def receive(pipe: IO[bytes]) -> object:
    """The next value, or None when the other side is gone."""
    lengths = pipe.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head_length, body_length = _LENGTHS.unpack(lengths)
    head, body = pipe.read(head_length), pipe.read(body_length) if body_length else b""
    if len(head) < head_length or len(body) < body_length:
        return None
    value: object = pickle.loads(head)  # noqa: S301 - our own parent or child
    return replace(value, data=body) if isinstance(value, Block) else value
