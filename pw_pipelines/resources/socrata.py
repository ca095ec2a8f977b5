"""Socrata's Open Data API, through sodapy: a whole dataset as a bundle of pages, counted before and after.

Pages are asked for in the stable order of `:id`. The total the site states before the first page and after the last
must agree, else rows came or went meanwhile and the copy is read again. Only the columns a register needs are asked
for: no person's name. sodapy makes the requests; how often, how long and what an answer means is decided here.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tenacity

from pw_pipelines.clock import EASTERN
from pw_pipelines.errors import SourceRefused, SourceUnavailable
from pw_pipelines.resources.fetched import Fetched, target, whole_file
from pw_pipelines.resources.http import (
    FIRST_WAIT_SECONDS,
    LONGEST_WAIT_SECONDS,
    RETRYABLE_STATUS,
    Pace,
    retry_after_seconds,
)
from pw_pipelines.settings import Settings
from pw_pipelines.sources.bundle import BundleWriter, Member

if TYPE_CHECKING:
    import requests
    from sodapy import Socrata as Client

ROUNDS = 3  # whole readings before a dataset that keeps changing is left for later
COUNT = "count(*)"
_QUOTED_CHARACTERS = 160


@dataclass(frozen=True)
class Wanted:
    """One dataset to be read whole. columns: those the register can use, the key first; empty: all there are."""

    source: str
    domain: str
    dataset: str
    columns: tuple[str, ...] = ()


Question = Callable[["Client"], object]  # a call of sodapy's that makes one request


class _Later(Exception):
    """Worth another try; carries the error to raise when tries run out, and how long the site wants us to wait."""

    def __init__(self, error: SourceUnavailable, wait_seconds: float | None = None) -> None:
        self.error = error
        self.wait_seconds = wait_seconds


class SocrataSites:
    """Every Socrata site. `adapter` (requests) and `sleep` are seams for tests.

    Raises SourceUnavailable (try later) or SourceRefused (never will: a dataset that is gone, a query it refuses).
    """

    def __init__(
        self,
        settings: Settings,
        *,
        adapter: requests.adapters.BaseAdapter | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._adapter = adapter
        self._sleep = sleep
        self._pace = Pace(settings.socrata_requests_per_second)
        self._clients: dict[str, Client] = {}

    def count(self, wanted: Wanted) -> int:
        """Rows the site says the dataset has now."""
        return _total(wanted, self._ask(wanted, _rows_of(wanted, select=COUNT)))

    def fetch(self, wanted: Wanted, into: Path) -> Fetched:
        """The whole dataset as a bundle: its description, count, pages, count.

        `into`: the file to write, or a folder for `<source>.zip`. A dataset that is being changed is read again, at
        most three times; then SourceUnavailable.
        """
        path = target(into, f"{wanted.source}.zip")
        notes: list[str] = []
        for _ in range(ROUNDS):
            with whole_file(path) as draft, BundleWriter(draft) as bundle:
                columns, updated_on = self._add_description(wanted, bundle)
                before = self._add_count(wanted, bundle, "count-before.json")
                rows, pages = self._add_pages(wanted, bundle, columns)
                after = self._add_count(wanted, bundle, "count-after.json")
            notes.append(f"{rows:,} rows, pages {pages}; the site counted {before:,} before and {after:,} after")
            if before == after:  # a steady count that the rows do not agree with is no race: the grader is to see it
                return Fetched(path, "application/zip", notes=tuple(notes), as_of=updated_on)
        path.unlink()
        raise SourceUnavailable(
            f"{wanted.source}: {_address(wanted)} changed during each of {ROUNDS} readings ({notes[-1]}). "
            "No copy was made.",
            source=wanted.source,
            url=_address(wanted),
        )

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def __enter__(self) -> SocrataSites:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _add_description(self, wanted: Wanted, bundle: BundleWriter) -> tuple[tuple[str, ...], date | None]:
        """(those of the wanted columns that it has, the day its rows were last changed), by the site's own words.

        Asking for a column that is not there is an error.
        """
        reply = self._ask(wanted, lambda client: client.get_metadata(wanted.dataset))
        bundle.add(_member("view.json", reply), reply.content)
        try:
            view = reply.json()
            known = {column["fieldName"] for column in view["columns"]}
            updated = view.get("rowsUpdatedAt")
        except (AttributeError, KeyError, TypeError) as error:
            raise _unavailable(wanted, f"answered {_quoted([reply])} when asked what it is") from error
        day = datetime.fromtimestamp(updated, EASTERN).date() if isinstance(updated, int) else None
        return tuple(name for name in wanted.columns if name in known), day

    def _add_count(self, wanted: Wanted, bundle: BundleWriter, name: str) -> int:
        reply = self._ask(wanted, _rows_of(wanted, select=COUNT))
        bundle.add(_member(name, reply), reply.content)
        return _total(wanted, reply)

    def _add_pages(self, wanted: Wanted, bundle: BundleWriter, columns: Sequence[str]) -> tuple[int, int]:
        """(rows, pages). Only an empty page is the end: a site may give fewer rows than it was asked for."""
        rows = pages = 0
        page_rows = self._settings.socrata_page_rows
        while True:
            asked = {"order": ":id", "limit": page_rows, "offset": rows, "select": ",".join(columns) or None}
            reply = self._ask(wanted, _rows_of(wanted, **asked))
            found = _rows(wanted, reply)
            if found or not pages:  # an empty dataset has its empty page in the bundle, and the grader's verdict
                pages += 1
                bundle.add(_member(f"page-{pages:05d}.json", reply), reply.content)
            if not found:
                return rows, pages
            rows += found

    def _client(self, domain: str) -> Client:
        if domain not in self._clients:
            self._clients[domain] = self._new_client(domain)
        return self._clients[domain]

    def _new_client(self, domain: str) -> Client:
        from requests.adapters import HTTPAdapter
        from sodapy import Socrata

        token = self._settings.socrata_app_token
        base = self._settings.socrata_url or "https://"
        scheme = f"{base.partition('://')[0]}://"
        warns = logging.getLogger()
        before = warns.level
        warns.setLevel(logging.ERROR)  # sodapy warns of a missing token at the root, each time
        try:
            client = Socrata(
                base.removeprefix(scheme) + domain,
                token.get_secret_value() if token else None,
                session_adapter={"prefix": scheme, "adapter": self._adapter or HTTPAdapter()},
                timeout=self._settings.http_timeout_seconds,
            )
        finally:
            warns.setLevel(before)
        client.session.headers["User-Agent"] = self._settings.user_agent
        client.session.headers["Accept-Encoding"] = "gzip"
        return client

    def _ask(self, wanted: Wanted, question: Question) -> requests.Response:
        """One reply with status 200, repeated while nobody could know."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(
                lambda error: isinstance(error, _Later) and (error.wait_seconds or 0) <= LONGEST_WAIT_SECONDS
            ),
            stop=tenacity.stop_after_attempt(self._settings.http_attempts),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(self._once, wanted, question)
        except _Later as gave_up:
            raise gave_up.error from gave_up

    def _once(self, wanted: Wanted, question: Question) -> requests.Response:
        """sodapy parses the reply and drops its bytes, so they are caught on the way."""
        caught: list[requests.Response] = []
        client = self._client(wanted.domain)
        client.session.hooks["response"] = [lambda reply, *_args, **_kwargs: caught.append(reply)]
        self._pace.wait()
        try:
            question(client)
        except Exception as error:
            translated = _translated(wanted, error, caught)
            if translated is error:
                raise
            raise translated from error
        reply = caught[-1]
        if reply.status_code != 200:  # 202: still being worked out
            raise _judged(wanted, reply)
        stated = reply.headers.get("Content-Length")
        if stated is not None and "Content-Encoding" not in reply.headers and int(stated) != len(reply.content):
            raise _Later(_unavailable(wanted, f"gave {len(reply.content):,} of {stated} bytes"))
        return reply


def _rows_of(wanted: Wanted, **query: Any) -> Question:
    return lambda client: client.get(wanted.dataset, **query)


def _translated(wanted: Wanted, error: Exception, caught: Sequence[requests.Response]) -> Exception:
    """The error for whatever sodapy raised. It stumbles over some error replies, so the status counts first."""
    import requests

    if caught and caught[-1].status_code not in (200, 202):
        return _judged(wanted, caught[-1])
    if isinstance(error, ValueError) or "Unknown response format" in str(error):  # sodapy raises the bare class
        return _Later(_unavailable(wanted, f"answered {_quoted(caught)} instead of JSON"))
    if isinstance(error, (requests.RequestException, OSError)):  # no connection, time-out, a body cut short
        return _Later(_unavailable(wanted, f"could not be read ({type(error).__name__}: {error})"))
    return error


def _judged(wanted: Wanted, reply: requests.Response) -> Exception:
    """The error for a status that is not 200."""
    said = f"answered {reply.status_code}: {_message(reply)}"
    if reply.status_code in RETRYABLE_STATUS or reply.status_code < 400:
        return _Later(_unavailable(wanted, said), retry_after_seconds(reply.headers.get("Retry-After")))
    if reply.status_code == 404:
        said += ". The dataset is gone or has moved; look for its successor on the site"
    return SourceRefused(f"{wanted.source}: {_address(wanted)} {said}.", source=wanted.source, url=_address(wanted))


def _unavailable(wanted: Wanted, said: str) -> SourceUnavailable:
    return SourceUnavailable(f"{wanted.source}: {_address(wanted)} {said}.", source=wanted.source, url=_address(wanted))


def _total(wanted: Wanted, reply: requests.Response) -> int:
    """`[{"count":"123"}]`; the column is called count or count_1."""
    content = reply.json()
    try:
        (row,) = content
        (value,) = row.values()
        return int(value)
    except (AttributeError, TypeError, ValueError) as error:
        raise _unavailable(wanted, f"answered {_quoted([reply])} when asked for its number of rows") from error


def _rows(wanted: Wanted, reply: requests.Response) -> int:
    content = reply.json()
    if not isinstance(content, list):
        raise _unavailable(wanted, f"answered {_quoted([reply])} instead of rows")
    return len(content)


def _member(name: str, reply: requests.Response) -> Member:
    return Member(name, str(reply.url), reply.status_code, reply.headers.get("Content-Type", ""))


def _message(reply: requests.Response) -> str:
    try:
        content = json.loads(reply.content)
    except ValueError:
        return _quoted([reply])
    return str(content.get("message", content) if isinstance(content, dict) else content)[:_QUOTED_CHARACTERS]


def _quoted(replies: Sequence[requests.Response]) -> str:
    return repr(replies[-1].text[:_QUOTED_CHARACTERS]) if replies else "nothing"


def _address(wanted: Wanted) -> str:
    return f"https://{wanted.domain}/resource/{wanted.dataset}.json"


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_seconds if isinstance(error, _Later) else None
    return float(min(max(asked or 0.0, FIRST_WAIT_SECONDS * 2.0 ** (state.attempt_number - 1)), LONGEST_WAIT_SECONDS))
