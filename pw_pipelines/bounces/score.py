"""Right and wrong: what mails say, read by us, against what somebody who read them says they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from pw_pipelines.bounces.model import COUNTED
from pw_pipelines.bounces.report import read_report
from pw_pipelines.errors import UsageError

Said = tuple[str | None, str]  # recipient, class


@dataclass(frozen=True)
class Wrong:
    """A mail read otherwise than it should be."""

    mail: str
    expected: Sequence[Said]
    found: Sequence[Said]


@dataclass(frozen=True)
class Score:
    """table: class it should be -> class it was read as -> recipients. harmful: answers that would count as bounces."""

    mails: int
    right: int
    wrong: Sequence[Wrong]
    table: Mapping[str, Mapping[str, int]]
    harmful: int


def read_expected(file: Path) -> dict[str, list[Said]]:
    """Mail's name without `.eml` -> its recipients and classes, in the report's order. UsageError for another shape."""
    try:
        loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
        return {str(name): [(who, str(what)) for who, what in said] for name, said in loaded.items()}
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}.") from error
    except (yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        raise UsageError(f"{file} must say `name: [[recipient, class], …]` for each mail ({error}).") from error


def score(files: Sequence[Path], expected: Mapping[str, Sequence[Said]]) -> Score:
    """Reads each file and compares. UsageError for a file nobody says anything of, and for a mail that is missing."""
    names = {file.stem for file in files}
    if strange := sorted(names ^ set(expected)):
        raise UsageError(f"Mails and their table do not agree: {', '.join(strange[:10])}.")
    table: dict[str, Counter[str]] = {}
    wrong = []
    for file in sorted(files, key=lambda each: each.stem):
        wanted = list(expected[file.stem])
        found = [(result.recipient, result.class_) for result in read_report(file.read_bytes()).results]
        if found != wanted:
            wrong.append(Wrong(file.stem, wanted, found))
        read = dict(found)
        for number, (who, what) in enumerate(wanted):
            got = read.get(who) or (found[number][1] if number < len(found) else "nothing")
            table.setdefault(what, Counter())[got] += 1
    harmful = sum(
        count for what, got in table.items() if what in {"auto_reply", "not_a_report"}
        for each, count in got.items() if each in COUNTED
    )  # fmt: skip
    return Score(len(files), len(files) - len(wrong), wrong, table, harmful)
