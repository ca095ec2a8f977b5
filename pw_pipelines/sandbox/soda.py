"""The Socrata Open Data API (SODA 2.0) over the invented companies, below `/socrata/<domain>/`.

As the real one: 1,000 rows unless more are asked for and never more than 50,000; no stable order without `$order`;
null values left out of JSON; a query it can't compile is a 400 with a JSON body; a dataset that is gone a 404.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pw_pipelines.sandbox.companies import Companies
from pw_pipelines.sandbox.companies_socrata import DATASETS, Dataset
from pw_pipelines.sandbox.renderings import Lines, Renderings
from pw_pipelines.sandbox.soda_query import BadQuery, Query, Row, parse
from pw_pipelines.sandbox.today import day_asked

MONTHLY = frozenset({"OR", "PA"})
_STEP = 7_919  # how far the order turns from one request without $order to the next


class Soda:
    """The datasets of one world."""

    def __init__(self, companies: Companies, renderings: Renderings) -> None:
        self._companies = companies
        self._renderings = renderings
        self._turns = itertools.count(1)

    def lines(self, dataset: Dataset, on: date) -> Lines:
        """Rows of a day, each a line of JSON; monthly registers stand as on the first of the month."""
        day = on.replace(day=1) if dataset.state in MONTHLY else on

        def make() -> Iterator[bytes]:
            for row in dataset.rows(self._companies, day):
                yield json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

        return self._renderings.lines(f"soda-{dataset.id}", day.isoformat(), make)

    def answer(self, dataset: Dataset, query: Query, on: date) -> Iterable[bytes]:
        """The chosen rows as lines of JSON. Raises BadQuery."""
        lines = self.lines(dataset, on)
        if query.count is not None:
            count = sum(1 for _ in self._found(lines, query)) if query.tests else len(lines)
            return [json.dumps({query.count: str(count)}).encode() + b"\n"]
        if query.tests or (query.order and not query.is_ordered_by_id):
            found = list(self._found(lines, query))
            for column, descending in reversed([each for each in query.order if each[0] != ":id"]):
                found.sort(key=lambda row: row.get(column, ""), reverse=descending)
            return _selected(found[query.offset : query.offset + query.limit], query)
        part = self._page(lines, query)
        return part if query.columns is None else _selected(map(json.loads, part), query)

    def _page(self, lines: Lines, query: Query) -> list[bytes]:
        wanted = max(0, min(query.limit, len(lines) - query.offset))
        if query.is_ordered_by_id or not wanted:
            return lines.part(query.offset, wanted)
        start = (query.offset + next(self._turns) * _STEP) % len(lines)
        part = lines.part(start, wanted)
        return part + lines.part(0, wanted - len(part))

    def _found(self, lines: Lines, query: Query) -> Iterator[Row]:
        for first in range(0, len(lines), 10_000):
            yield from (row for row in map(json.loads, lines.part(first, 10_000)) if query.admits(row))


def _selected(rows: Iterable[Row], query: Query) -> Iterator[bytes]:
    for row in rows:
        shown = row if query.columns is None else {name: row[name] for name in query.columns if name in row}
        yield json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _csv(lines: Iterable[bytes], names: tuple[str, ...]) -> bytes:
    sink = io.StringIO()
    writer = csv.writer(sink, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([row.get(name, "") for name in names] for row in map(json.loads, lines))
    return sink.getvalue().encode()


def _refusal(status: int, code: str, message: str) -> Response:
    return JSONResponse({"code": code, "error": True, "message": message}, status_code=status)


def routes(companies: Companies, renderings: Renderings) -> list[Route]:
    """Routes below the mount `/socrata`; the first part of a path is the real site's name."""
    soda = Soda(companies, renderings)

    def dataset_of(request: Request) -> Dataset | None:
        found = DATASETS.get(request.path_params["id"])
        return found if found and found.domain == request.path_params["domain"] else None

    def resource(request: Request) -> Response:
        dataset, kind = dataset_of(request), request.path_params["kind"]
        if dataset is None or kind not in ("json", "csv"):
            return _refusal(404, "dataset.missing", "Not found")
        columns = tuple(name for name, _ in dataset.columns)
        try:
            query = parse(dict(request.query_params), frozenset(columns))
            lines = soda.answer(dataset, query, day_asked(request))
        except BadQuery as error:
            return _refusal(400, error.code, str(error))
        if kind == "csv":
            names = (query.count,) if query.count else query.columns or columns
            return Response(_csv(lines, names), media_type="text/csv; charset=UTF-8")
        body = b"[" + b",".join(lines).rstrip(b"\n") + b"]\n"
        return Response(body, media_type="application/json;charset=utf-8")

    def view(request: Request) -> Response:
        dataset = dataset_of(request)
        if dataset is None:
            return _refusal(404, "not_found", f"Cannot find view with id {request.path_params['id']}")
        day = day_asked(request)
        updated = datetime(day.year, day.month, 1 if dataset.state in MONTHLY else day.day, 9, tzinfo=UTC)
        kinds = [{"fieldName": name, "name": name, "dataTypeName": kind} for name, kind in dataset.columns]
        shown = {"id": dataset.id, "name": dataset.title, "assetType": "dataset", "columns": kinds}
        return JSONResponse(shown | {"rowsUpdatedAt": int(updated.timestamp())})

    return [
        Route("/{domain}/resource/{id}.{kind}", resource),
        Route("/{domain}/api/views/{id}.json", view),
    ]
