"""Portals we file with, as data: `portals/<portal>.yaml`, one file each, checked when it loads.

A file says where the portal is, whether a program may use it, when it is open, how one signs in, how each form is
filled, which step sends it, what proves that it arrived, and how it is looked up afterwards. Selectors are CSS and must
fit exactly one element that a person sees. Values are templates of facts (`{carrier_name}`, names of
fulfillment/facts.yaml) and of a few names of our own; a template is filled in, never run. Our own names: `key` (what is
meant, as the playbook says it), `reference` (the portal's number of the filing, in look-ups), and of the account in
PW_PORTAL_ACCOUNTS `username`, `password` and whatever begins with `account_` (`account_number`, `account_pin`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.filings.steps import ACCOUNT, Step, names_in
from pw_pipelines.fulfillment.facts import facts
from pw_pipelines.resources.page_script import Pattern, Problem, Reading
from pw_pipelines.yaml_data import Strict, read_entry

FOLDER = "portals"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_OWN_NAMES = frozenset({"key", "reference"})
_WINDOW = re.compile(r"^([01]\d|2[0-3]):[0-5]\d-([01]\d:[0-5]\d|2[0-3]:[0-5]\d|24:00)$")


class Terms(Strict):
    """Whether a program may use the portal.

    automation  allowed: its terms let a program file. forbidden: a person files, everywhere. unknown: nobody has read
                it: the stand-in is used, the real portal by a person
    source      where that is said, or what was looked at in vain
    """

    automation: Literal["allowed", "forbidden", "unknown"]
    source: str = Field(min_length=5)


class Verified(Strict):
    """Who saw on which day that the selectors stand on the real portal."""

    day: date
    by: str = Field(min_length=2)


class Hours(Strict):
    """When the portal is open, as local time of `zone`.

    windows    by day of the week (mon … sun) on which they begin: `["06:00-01:00"]`; an end before the beginning is
               of the next day, `24:00` is midnight. A day without windows is closed
    source     who published them and when
    confirmed  false until somebody saw that they hold
    """

    zone: str = "America/New_York"
    windows: dict[str, tuple[str, ...]]
    source: str = Field(min_length=5)
    confirmed: bool

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is no time zone") from error
        return value

    @model_validator(mode="after")
    def _are_windows(self) -> Hours:
        if stray := sorted(self.windows.keys() - set(DAYS)):
            raise ValueError(f"no days of the week: {', '.join(stray)}; use {', '.join(DAYS)}")
        for window in (window for windows in self.windows.values() for window in windows):
            if not _WINDOW.match(window) or window[:5] == window[6:]:
                raise ValueError(f"{window!r} is no window such as 06:00-22:00 or 06:00-01:00")
        if not any(self.windows.values()):
            raise ValueError("a portal that is never open; leave `hours` out where none are published")
        return self


class Quota(Strict):
    """How many filings the portal takes for one of something in one day of `zone`; `fact` says of what."""

    fact: str
    a_day: int = Field(ge=1)
    zone: str = "America/New_York"
    why: str = Field(min_length=5)


class PortalError(Strict):
    """What the portal shows when it will not go on, and what that means.

    reference  the portal's number for it (IRS 101, 109)
    happened   shown after the submit: "no": certainly nothing was filed; unknown: it may have been. Before the submit
               nothing was filed whatever it says here
    then       person: never tried again by itself. later: may be tried again by itself
    """

    selector: str | None = None
    text: str | None = None
    reference: str | None = None
    means: str = Field(min_length=5)
    happened: Literal["no", "unknown"] = "unknown"
    then: Literal["person", "later"] = "person"

    @model_validator(mode="after")
    def _is_pattern(self) -> PortalError:
        Pattern(selector=self.selector, text=self.text)
        return self

    @property
    def pattern(self) -> Pattern:
        """What is looked for."""
        return Pattern(selector=self.selector, text=self.text)


class Login(Strict):
    """How one signs in, with the account PW_PORTAL_ACCOUNTS has for the portal (`{username}`, `{password}`; the sandbox
    has one of its own). `signed_in`: what only those signed in see, on every page."""

    steps: tuple[Step, ...] = Field(min_length=1)
    signed_in: Pattern

    @model_validator(mode="after")
    def _files_nothing(self) -> Login:
        _no_submit(self.steps, "a login")
        return self


class Confirmation(Strict):
    """What is read after the submit.

    success   what only a page shows that has taken the filing
    number    the portal's own number of the filing
    reads     other values it gives, by the name they are kept under (ein, …); no personal data
    download  selector of the link or button that downloads the confirmation (PDF, letter), kept as evidence
    """

    success: Pattern
    number: Reading
    reads: dict[str, Reading] = Field(default_factory=dict)
    download: str | None = None


class Since(Strict):
    """A day in a row of the look-up: rows of before the filing was begun are not it. `format` as of strptime."""

    field: str
    format: str = "%m/%d/%Y"


class Lookup(Strict):
    """How a filing is found again, without any effect: a search page, or a public JSON service (`api`).

    api        path of the service below the portal's address; a template; its answer is JSON
    items      api: dots to the list in the answer (`filing`, `result.data.list`)
    steps      page: from opening it to the results
    rows       page: one element per filing
    fields     what is read of each: page: a Reading within the row; api: {pattern, …} with `selector` as dots to it
    nothing    page: what it shows when it has none. Rows that fail to come are no proof of that
    ours       which rows are the filing meant: field -> template; all must fit (case and blanks ignored)
    since      rows of an earlier day than the filing's beginning are not it
    reference  the field that holds the portal's number of the filing
    digests    field with the SHA-256 of what was uploaded, where the portal shows them
    files      page: selector, in the row, of links to what was uploaded, to be fetched and compared
    signed_in  page: only for those signed in
    shows_after_minutes  how long a filing may take to be shown: until then "not there" says nothing. The stand-ins show
                it at once
    shows_within_hours   after this long a filing that is not shown is for a person
    """

    api: str | None = None
    items: str | None = None
    steps: tuple[Step, ...] = ()
    rows: str | None = None
    fields: dict[str, Reading]
    nothing: Pattern | None = None
    ours: dict[str, str] = Field(min_length=1)
    since: Since | None = None
    reference: str
    digests: str | None = None
    files: str | None = None
    signed_in: bool = False
    shows_after_minutes: float = Field(default=60.0, ge=0)
    shows_within_hours: float = Field(default=72.0, gt=0)

    @model_validator(mode="after")
    def _whole(self) -> Lookup:
        if (self.api is None) == (self.rows is None):
            raise ValueError("a look-up has either `api` or `rows`")
        if self.api is not None and (self.items is None or self.steps or self.nothing or self.files):
            raise ValueError("a look-up by `api` needs `items` and has no steps, nothing or files")
        if self.rows is not None and (not self.steps or self.nothing is None or self.items is not None):
            raise ValueError("a look-up by page needs `steps` and `nothing`, and has no `items`")
        _no_submit(self.steps, "a look-up")
        used = {*self.ours, self.reference, *([self.digests] if self.digests else [])}
        used |= {self.since.field} if self.since else set()
        if stray := sorted(used - self.fields.keys()):
            raise ValueError(f"no such fields: {', '.join(stray)}")
        return self

    @property
    def names(self) -> set[str]:
        """The facts (and names of our own) it reads."""
        templates = [*self.ours.values(), self.api or ""]
        return set().union(*(names_in(text) for text in templates), *(step.names for step in self.steps))


class Form(Strict):
    """One thing that can be filed on the portal: the way to it, filled, and sent.

    signed_in     only for those signed in (the portal needs `login`)
    steps         the last is the submit, and no other
    confirmation  what proves that it was taken
    lookup        how it is found again; null: it can't be, so a filing whose answer was lost is for a person
    """

    title: str = Field(min_length=3)
    signed_in: bool = True
    steps: tuple[Step, ...] = Field(min_length=2)
    confirmation: Confirmation
    lookup: Lookup | None

    @model_validator(mode="after")
    def _submits_once(self) -> Form:
        submits = [number for number, step in enumerate(self.steps) if step.do == "submit"]
        if submits != [len(self.steps) - 1]:
            raise ValueError("exactly one step, the last, must be the submit")
        if self.steps[-1].when:
            raise ValueError("the submit has no `when`")
        if not any(step.do == "page" for step in self.steps):
            raise ValueError("at least one step must be a `page`, so that a changed page is noticed")
        return self

    @property
    def names(self) -> set[str]:
        """The facts its steps read."""
        return set().union(*(step.names for step in self.steps))

    @property
    def has_secrets(self) -> bool:
        """Whether anything filled in must never be shown."""
        return any(step.is_secret for step in self.steps)

    @property
    def documents(self) -> tuple[str, ...]:
        """Templates of the documents it uploads."""
        return tuple(template for step in self.steps for template in step.documents)


class Portal(Strict):
    """One portal; see the classes above for its parts.

    portal           its code, which is the file's name
    url              its address, without a slash at the end; PW_PORTAL_URLS puts another in its place
    read_in          where the selectors were read
    verified         null until somebody saw them stand on the real portal, which is filed with by people until then
    hours            null: always open
    session_minutes  how long it lets a session rest; a filling takes longer than that never
    quota            null: none known
    pace_minutes     shortest and longest pause between two filings; null: PW_FILING_PACE_MINUTES, as in the sandbox
    problems         what else it shows instead of an answer, beside resources/page_problems.yaml
    errors           its own error messages; also looked for before the submit
    timeout_seconds  how long anything is waited for
    """

    portal: str = Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$")
    title: str = Field(min_length=3)
    url: str = Field(pattern=r"^https://[^/]+(/.*[^/])?$")
    terms: Terms
    read_in: str = Field(min_length=3)
    verified: Verified | None
    hours: Hours | None = None
    session_minutes: float | None = Field(default=None, gt=0)
    quota: Quota | None = None
    pace_minutes: tuple[float, float] | None = None
    login: Login | None = None
    problems: tuple[Problem, ...] = ()
    errors: tuple[PortalError, ...] = ()
    timeout_seconds: float = Field(default=20.0, gt=0, le=120)
    forms: dict[str, Form] = Field(min_length=1)

    @model_validator(mode="after")
    def _agrees(self) -> Portal:
        for code, form in self.forms.items():
            needs_login = form.signed_in or (form.lookup is not None and form.lookup.signed_in)
            if needs_login and self.login is None:
                raise ValueError(f"form {code} is for those signed in, but the portal has no `login`")
            used = form.names | (form.lookup.names if form.lookup else set())
            if stray := sorted(name for name in used - facts().keys() - _OWN_NAMES if not ACCOUNT.match(name)):
                raise ValueError(f"form {code}: fulfillment/facts.yaml has no {', '.join(stray)}")
        if self.quota and self.quota.fact not in facts():
            raise ValueError(f"quota: fulfillment/facts.yaml has no {self.quota.fact}")
        return self

    def form(self, code: str) -> Form:
        """One of its forms. Raises ConfigError for a name it has not."""
        try:
            return self.forms[code]
        except KeyError:
            raise ConfigError(f"filings/{FOLDER}/{self.portal}.yaml has no form {code!r}.") from None


def parse_portal(text: str, *, file: str) -> Portal:
    """A portal from YAML text. Raises ConfigError naming the field that is wrong."""
    portal = read_entry(text, Portal, file=file)
    if not file.endswith(f"{portal.portal}.yaml"):
        raise ConfigError(f"{file}: portal {portal.portal!r} belongs in a file of that name.")
    return portal


@lru_cache(maxsize=32)
def portal_of(code: str) -> Portal:
    """The portal of this code. Raises UsageError when there is none, ConfigError when its file is wrong."""
    if code not in portal_codes():
        raise UsageError(f"There is no portal {code!r} in filings/{FOLDER}; there are: {', '.join(portal_codes())}.")
    file = resources.files("pw_pipelines.filings") / FOLDER / f"{code}.yaml"
    return parse_portal(file.read_text(encoding="utf-8"), file=f"filings/{FOLDER}/{code}.yaml")


@lru_cache(maxsize=1)
def portal_codes() -> tuple[str, ...]:
    """Every portal there is a file of."""
    folder = resources.files("pw_pipelines.filings") / FOLDER
    return tuple(sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml")))


def _no_submit(steps: Iterable[Step], what: str) -> None:
    if wrong := [step.do for step in steps if step.do in ("submit", "upload", "page")]:
        raise ValueError(f"{what} has no step {wrong[0]}")
