"""Looks a filing up on its portal, by the page a person uses or by the public service. Changes nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import httpx

from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.filings.driving import Driver
from pw_pipelines.filings.looking import Look, Watch, is_seen, selectors_of
from pw_pipelines.filings.masking import take
from pw_pipelines.filings.material import Asked, Found, Shot
from pw_pipelines.filings.portal import Lookup
from pw_pipelines.filings.stopped import PageChanged
from pw_pipelines.filings.wording import fill_in, fits
from pw_pipelines.resources.page_script import Pattern
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Page

Row = Mapping[str, str | None]
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
_READ = """([rows, fields, files]) => {
  const seen = e => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== 'hidden';
  return [...document.querySelectorAll(rows)].filter(seen).map(row => {
    const read = Object.fromEntries(fields.map(([name, selector, attribute]) => {
      const e = selector ? row.querySelector(selector) : row;
      return [name, e === null ? null : attribute ? e.getAttribute(attribute) : e.innerText];
    }));
    return [read, files ? [...row.querySelectorAll(files)].map(a => a.href) : []];
  });
}"""


def look_up(page: Page, asked: Asked, base: str, account: Mapping[str, str], settings: Settings) -> Found:
    """What the portal says of a filing; `unclear` for a form that can't be looked up.

    Raises OutsideUnavailable, Challenged, PageChanged: nobody knows now.
    """
    lookup = asked.material.form.lookup
    if lookup is None:
        return Found("unclear", f"{asked.material.portal.title} shows nobody what was filed.")
    values = {**asked.material.values, **account, "key": asked.material.key, "reference": asked.reference or ""}
    if lookup.api is not None:
        rows = _by_service(lookup, base + fill_in(lookup.api, values), settings)
        return _judged(lookup, asked, values, [(row, []) for row in rows], shots=(), page=page)
    return _by_page(page, asked, lookup, base, values=values, account=account)


def _by_page(
    page: Page, asked: Asked, lookup: Lookup, base: str, *, values: Mapping[str, str], account: Mapping[str, str]
) -> Found:
    portal = asked.material.portal
    page.set_default_timeout(portal.timeout_seconds * 1000)
    login = portal.login
    login_steps = login.steps if login is not None and lookup.signed_in else ()
    patterns = [lookup.nothing, Pattern(selector=lookup.rows)]
    watch = Watch(page, portal, selectors_of(portal, (*login_steps, *lookup.steps), patterns))
    driver = Driver(page, watch, base, values)
    for number, step in enumerate(login_steps, start=1):
        driver.do(step, number)
    if login is not None and lookup.signed_in:
        driver.expect_signed_in(login.signed_in)
    for number, step in enumerate(lookup.steps, start=1):
        driver.do(step, number)
    assert lookup.nothing is not None
    assert lookup.rows is not None
    nothing, rows = lookup.nothing, lookup.rows

    def answered(look: Look) -> bool:
        return look["complete"] and (is_seen(nothing, look) or look["found"][rows]["count"] > 0)

    look = watch.until(answered, lambda _: ["The search shows neither filings nor that there are none."])
    hidden = [*asked.material.secrets, *(value for name, value in account.items() if name != "username")]
    shots = (take(page, "Look-up", hidden),)
    if is_seen(nothing, look):
        if look["found"][rows]["count"]:
            raise PageChanged(["The search shows filings and says that there are none."], shots=shots)
        return Found("absent", "The portal says that it has no such filing.", shots=shots)
    fields = [[name, reading.selector, reading.attribute] for name, reading in lookup.fields.items()]
    raw: list[list[Any]] = page.evaluate(_READ, [rows, fields, lookup.files])
    return _judged(lookup, asked, values, [(_cut(lookup, read), links) for read, links in raw], shots=shots, page=page)


def _by_service(lookup: Lookup, url: str, settings: Settings) -> list[Row]:
    try:
        reply = httpx.get(
            url,
            headers={"User-Agent": settings.user_agent, "Accept": "application/json"},
            timeout=settings.http_timeout_seconds,
            follow_redirects=True,
        )
        reply.raise_for_status()
        found: Any = reply.json()
    except (httpx.HTTPError, ValueError) as error:
        raise OutsideUnavailable(f"The portal's look-up did not answer: {type(error).__name__}.") from error
    for name in str(lookup.items).split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, list):
        raise PageChanged([f"The portal's look-up answers without `{lookup.items}`."])
    return [
        _cut(lookup, {name: _at(item, reading.selector or name) for name, reading in lookup.fields.items()})
        for item in found
    ]


def _at(item: Any, path: str) -> str | None:
    """What stands at `a.b.0.c` of a JSON value; everything below `a.*`, in a line."""
    for name in path.split("."):
        if name == "*" and isinstance(item, list):
            continue
        if isinstance(item, list):
            if not name.isdecimal():
                item = [one.get(name) for one in item if isinstance(one, dict)]
                continue
            item = item[int(name)] if int(name) < len(item) else None
        else:
            item = item.get(name) if isinstance(item, dict) else None
    if isinstance(item, list):
        return " ".join(str(one) for one in item)
    return None if item is None else str(item)


def _cut(lookup: Lookup, raw: Mapping[str, str | None]) -> Row:
    row = {name: reading.cut(raw[name]) for name, reading in lookup.fields.items()}
    if gone := [name for name, reading in lookup.fields.items() if row[name] is None and reading.required]:
        raise PageChanged([f"A filing of the list has no {', '.join(gone)} where it was."])
    return row


def _judged(
    lookup: Lookup,
    asked: Asked,
    values: Mapping[str, str],
    rows: list[tuple[Row, list[str]]],
    *,
    shots: tuple[Shot, ...],
    page: Page,
) -> Found:
    wanted = {name: fill_in(template, values) for name, template in lookup.ours.items()}
    ours = [
        (row, links)
        for row, links in rows
        if all(fits(row[name], meant) for name, meant in wanted.items())
        and not (asked.since and lookup.since and _day(row[lookup.since.field], lookup.since.format) < asked.since)
    ]
    count = len(ours)
    if asked.reference is not None:
        ours = [one for one in ours if fits(one[0][lookup.reference], asked.reference)]
    if not ours:
        return Found("absent", f"Of {len(rows)} filings shown none is it.", count=count, shots=shots)
    row, links = ours[-1]
    text = "The portal shows it." if count == 1 else f"The portal shows {count} that fit."
    return Found("there", text, row[lookup.reference], count, _digests(lookup, row, links, page), shots)


def _digests(lookup: Lookup, row: Row, links: list[str], page: Page) -> tuple[str, ...] | None:
    if lookup.files is not None:
        return tuple(hashlib.sha256(_fetched(page, link)).hexdigest() for link in links)
    if lookup.digests is None or row[lookup.digests] is None:
        return None
    return tuple(_DIGEST.findall(str(row[lookup.digests]).lower()))


def _fetched(page: Page, link: str) -> bytes:
    from playwright.sync_api import Error

    try:
        reply = page.request.get(link, max_retries=1)
        if not reply.ok:
            raise OutsideUnavailable(f"A document of the filing can't be had (status {reply.status}).")
        return reply.body()
    except Error as error:
        raise OutsideUnavailable("A document of the filing can't be had.") from error


def _day(text: str | None, form: str) -> date:
    try:
        return datetime.strptime(text or "", form).date()  # noqa: DTZ007 - a day, as the portal writes it
    except ValueError:
        raise PageChanged([f"A filing of the list has no day written as {form}."]) from None
