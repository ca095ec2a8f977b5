"""The part of SoQL that the stand-in understands: what name searches and whole copies use.

$select (columns, `*`, `count(*)`), $where (comparisons joined by `and`), $order, $limit, $offset, $q, and plain
`column=value` filters. Everything else is answered as the real one answers what it can't compile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

DEFAULT_LIMIT = 1_000
LARGEST_LIMIT = 50_000
Row = Mapping[str, str]
Test = Callable[[Row], bool]

_LITERAL = r"'(?P<literal>(?:[^']|'')*)'"
_COLUMN = r"(?P<upper>upper\s*\(\s*)?(?P<column>[a-z_][a-z0-9_]*)(?(upper)\s*\))"
_STARTS = re.compile(rf"starts_with\s*\(\s*{_COLUMN}\s*,\s*{_LITERAL}\s*\)", re.IGNORECASE)
_COMPARES = re.compile(rf"{_COLUMN}\s*(?P<how>=|like\b)\s*{_LITERAL}", re.IGNORECASE)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_COUNT = re.compile(r"count\s*\(\s*\*\s*\)(?:\s+as\s+(?P<alias>\w+))?", re.IGNORECASE)
_KNOWN = frozenset({"$select", "$where", "$order", "$limit", "$offset", "$q", "$$app_token"})


class BadQuery(Exception):
    """A query the service refuses; `code` as the real one names it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Query:
    """A query understood. columns None: all; count: the name of the counting column; order: (column, descending)."""

    columns: tuple[str, ...] | None = None
    count: str | None = None
    tests: tuple[Test, ...] = field(default=())
    order: tuple[tuple[str, bool], ...] = ()
    limit: int = DEFAULT_LIMIT
    offset: int = 0

    @property
    def is_ordered_by_id(self) -> bool:
        return self.order == ((":id", False),)

    def admits(self, row: Row) -> bool:
        return all(test(row) for test in self.tests)


def parse(parameters: Mapping[str, str], columns: frozenset[str]) -> Query:
    """The query of a request over a dataset with these columns. Raises BadQuery."""
    unknown = [name for name in parameters if name.startswith("$") and name not in _KNOWN]
    if unknown:
        raise BadQuery("query.soql.unrecognized-parameter", f"Unrecognized arguments [{unknown[0]}]")
    count = _COUNT.fullmatch(parameters.get("$select", "").strip())
    tests = [_equals(_known(name, columns), value) for name, value in parameters.items() if not name.startswith("$")]
    if "$where" in parameters:
        tests += _where(parameters["$where"], columns)
    if words := parameters.get("$q", "").upper().split():
        tests.append(lambda row: all(word in " ".join(row.values()).upper() for word in words))
    return Query(
        columns=None if count else _selected(parameters.get("$select", "*"), columns),
        count=(count["alias"] or "count") if count else None,
        tests=tuple(tests),
        order=_order(parameters.get("$order", ""), columns),
        limit=min(_number(parameters, "$limit", DEFAULT_LIMIT), LARGEST_LIMIT),
        offset=_number(parameters, "$offset", 0),
    )


def _known(name: str, columns: frozenset[str]) -> str:
    if name not in columns:
        raise BadQuery(
            "query.soql.no-such-column", f"Query coordinator error: query.soql.no-such-column; No such column: {name}"
        )
    return name


def _selected(text: str, columns: frozenset[str]) -> tuple[str, ...] | None:
    names = [name.strip() for name in text.split(",")]
    return None if names == ["*"] else tuple(name if name == ":id" else _known(name, columns) for name in names)


def _order(text: str, columns: frozenset[str]) -> tuple[tuple[str, bool], ...]:
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, direction = part.partition(" ")
        if direction.strip().upper() not in ("", "ASC", "DESC"):
            raise _malformed(text)
        found.append((name if name == ":id" else _known(name, columns), direction.strip().upper() == "DESC"))
    return tuple(found)


def _number(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, str(default))
    if not text.isdecimal():
        raise BadQuery("query.soql.invalid-parameter", f"Invalid value for {name}: {text}")
    return int(text)


def _where(text: str, columns: frozenset[str]) -> list[Test]:
    """Raises BadQuery for anything but comparisons joined by `and`: a lone quote, `or`, another function."""
    tests: list[Test] = []
    rest = text.strip()
    while True:
        found = _STARTS.match(rest) or _COMPARES.match(rest)
        if found is None:
            raise _malformed(text)
        tests.append(_test(found, _known(found["column"].lower(), columns)))
        rest = rest[found.end() :]
        if not rest.strip():
            return tests
        joined = _AND.match(rest)
        if joined is None:
            raise _malformed(text)
        rest = rest[joined.end() :]


def _test(found: re.Match[str], column: str) -> Test:
    literal, is_upper = found["literal"].replace("''", "'"), bool(found["upper"])
    how = found.groupdict().get("how")
    if how is None:
        return lambda row: _cell(row, column, is_upper).startswith(literal)
    if how == "=":
        return lambda row: column in row and _cell(row, column, is_upper) == literal
    pattern = re.compile("".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in literal), re.DOTALL)
    return lambda row: pattern.fullmatch(_cell(row, column, is_upper)) is not None


def _cell(row: Row, column: str, is_upper: bool) -> str:
    value = row.get(column, "")
    return value.upper() if is_upper else value


def _equals(column: str, value: str) -> Test:
    return lambda row: row.get(column) == value


def _malformed(text: str) -> BadQuery:
    return BadQuery("query.compiler.malformed", f'Could not parse SoQL query "select * where {text}" at line 1')
