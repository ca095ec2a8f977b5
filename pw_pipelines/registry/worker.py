"""One worker of `registry.pool`: reads blocks from standard input until told to commit."""

from __future__ import annotations

import os
import pickle
import sys
from dataclasses import replace
from pathlib import Path
from typing import IO

import psycopg

from pw_pipelines.errors import SnapshotError
from pw_pipelines.registry.pool import Task, Totals, finished, receive, send
from pw_pipelines.sources.register import Block
from pw_pipelines.sources.registers import REGISTERS

READ_AHEAD_BLOCKS = 4
LARGE_BYTES = 1 << 30


class Abandoned(Exception):
    """The parent is gone or has given up."""


def serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """A worker's life: a task, then blocks, then the word to commit. The end of input without it rolls back."""
    task = receive(source)
    if not isinstance(task, Task):
        return
    try:
        _copy(task, source, sink)
        send(sink, Totals())
    except Abandoned:
        return
    except Exception as error:  # noqa: BLE001 - told to the parent, which raises it
        send(sink, _picklable(error))


def _copy(task: Task, source: IO[bytes], sink: IO[bytes]) -> None:
    reader = REGISTERS[task.source]
    with (
        psycopg.connect(task.url, application_name="pw register") as connection,
        connection.cursor() as cursor,
        cursor.copy(task.statement) as copy,
    ):
        while (block := receive(source)) is not None:
            if not isinstance(block, Block):
                return
            totals, text = finished(_fetched(block, task), reader, task)
            copy.write(text)
            send(sink, totals)
        raise Abandoned


def _fetched(block: Block, task: Task) -> Block:
    """The block with its bytes, read from the file where they were left."""
    if block.left_at is None or task.path is None:
        return block
    offset, length = block.left_at
    with Path(task.path).open("rb", buffering=0) as file:
        data = os.pread(file.fileno(), length, offset)
        _advise(file.fileno(), offset, length)
    if len(data) != length:
        raise SnapshotError(f"{task.path} became shorter while it was read; nothing was loaded. Start the load again.")
    return replace(block, data=data, left_at=None)


def _advise(file: int, offset: int, length: int) -> None:
    """Has the system read on while this block is parsed, and forget of a large file what was read: else it would push
    the register that is being searched out of memory."""
    if not hasattr(os, "posix_fadvise"):
        return
    os.posix_fadvise(file, offset + length, READ_AHEAD_BLOCKS * length, os.POSIX_FADV_WILLNEED)
    if os.fstat(file).st_size >= LARGE_BYTES:
        os.posix_fadvise(file, offset, length, os.POSIX_FADV_DONTNEED)


def _picklable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301
    except Exception:  # noqa: BLE001 - whatever it is, its words arrive
        return SnapshotError(f"{type(error).__name__}: {error}")
    return error


def main() -> None:
    """A worker's process, from its first line to its end."""
    serve(sys.stdin.buffer, sys.stdout.buffer)
    os._exit(0)  # all is said and committed, or rolled back; the parent waits for the end, and tidying up takes longer
