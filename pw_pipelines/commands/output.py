"""How every command answers: JSON on stdout and nothing else, logs on stderr, exit 0 done, 1 failed, 2 wrong usage."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

from rich.console import Console

from pw_pipelines.errors import PwError, UsageError

EXIT_FAILED = 1
EXIT_USAGE = 2

stderr = Console(stderr=True)
stdout = Console()


def plain(value: object) -> Any:
    """`value` as JSON types: dates ISO, Decimal as text (never float), dataclasses as objects."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (Decimal, UUID, Path)):
        return str(value)
    return value


def emit_json(value: object) -> None:
    """One JSON object on stdout."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def in_words(error: PwError) -> str:
    """What is wrong and how to mend it, the remedy once: some messages end with theirs."""
    remedy = error.remedy if isinstance(error, UsageError) else None
    return f"{error} {remedy}" if remedy and remedy not in str(error) else str(error)


@contextmanager
def refusals_as_json(as_json: bool, answer: Callable[[PwError], Mapping[str, Any]]) -> Iterator[None]:
    """Under --json, an error raised on purpose is one object on stdout too; the sentence still goes to stderr."""
    try:
        yield
    except PwError as error:
        if as_json:
            emit_json(answer(error))
        raise


def fail(message: str, code: int = EXIT_FAILED) -> NoReturn:
    """Says why on stderr and ends."""
    stderr.print(f"[bold red]error[/] {message}", highlight=False, markup=True)
    raise SystemExit(code)
