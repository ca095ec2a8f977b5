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
from pw_pipelines.fulfillment.facts import facts
from pw_pipelines.resources.page_script import Pattern, Problem, Reading
from pw_pipelines.yaml_data import Strict, read_entry

FOLDER = "portals"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ACCOUNT = re.compile(r"^(username|password|account_[a-z_]+)$")
_OWN_NAMES = frozenset({"key", "reference"})
_NAME = re.compile(r"\{([a-z0-9_]+)\}")
_WINDOW = re.compile(r"^([01]\d|2[0-3]):[0-5]\d-([01]\d:[0-5]\d|2[0-3]:[0-5]\d|24:00)$")

Do = Literal[
    "open", "page", "fill", "select", "check", "choose", "upload", "click", "next", "wait", "expect", "submit"
]  # fmt: skip
_NEEDS_VALUE = ("fill", "select", "choose")
_PRESSED = ("click", "next", "submit")


def names_in(template: str) -> set[str]:
    """The names in braces of a template."""
    return set(_NAME.findall(template))


def is_secret_name(name: str) -> bool:
    """Whether the value of this name is never shown, wherever it stands."""
    known = facts().get(name)
    return (known is not None and known.kind == "ssn") or (ACCOUNT.match(name) is not None and name != "username")


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


class Step(Strict):
    """One thing done on the way to a filing.

    do        open: go to `to`. page: this page has exactly these `fields`. fill, select, check, choose (radio),
              upload, click. next: a click that leaves a filled page, which is kept as a picture first. wait: until
              `until`. expect: `until` must be seen now. submit: the click that files; once per form, the last step
    at        selector of what is meant; `choose`: of all radio buttons of the group
    to        open: path below the portal's address
              page: the part of the page that is meant, where it is not the whole
    name      page: the page's name, for people
    fields    page: names (attribute name, else id) of the fields a person sees, no more and no fewer
    may       page: names of fields that may be there or not (they appear as others are filled)
    value     template of facts; check: a yes makes it checked, anything else unchecked; without one it is checked.
              choose: the value of the radio button
    map       what stands for which value of the template: {complete: "Complete S/S"}; a value not in it is an error
    write     how it is written: plain, date_us (12/31/2026), date_iso, digits, money (1234.50), upper
    compare   what must stand in the field afterwards: same, digits (the portal sets its own dashes), or trimmed text
    documents upload: templates of the documents whose (signed) PDFs this field takes, all at once
    when      only when facts have these values: {is_gateway: "yes"}; several as a list; "*": given, "": not given
    until     what must be seen afterwards
    says      click, next, submit: words (regular expression) the button must have
    secret    what is filled in is never shown: not in pictures, HTML, traces or digests. An SSN always is
    """

    do: Do
    at: str | None = None
    to: str | None = None
    name: str | None = None
    fields: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    value: str | None = None
    map: dict[str, str] = Field(default_factory=dict)
    write: Literal["plain", "date_us", "date_iso", "digits", "money", "upper"] = "plain"
    compare: Literal["same", "digits", "trimmed"] = "same"
    documents: tuple[str, ...] = ()
    when: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)
    until: Pattern | None = None
    says: str | None = None
    secret: bool = False

    @model_validator(mode="after")
    def _whole(self) -> Step:
        needed = {
            "at": self.do not in ("open", "page", "wait", "expect"),
            "to": self.do == "open",
            "documents": self.do == "upload",
            "says": self.do == "submit",
            "until": self.do in ("wait", "expect"),
            "value": self.do in _NEEDS_VALUE,
            "name": self.do == "page",
            "fields": self.do == "page",
        }
        if missing := [name for name, is_needed in needed.items() if is_needed and not getattr(self, name)]:
            raise ValueError(f"`{self.do}` needs {', '.join(missing)}")
        allowed = {
            "at": needed["at"] or self.do == "page", "to": needed["to"], "documents": needed["documents"], "name": needed["name"],
            "fields": needed["fields"], "may": needed["fields"], "says": self.do in _PRESSED,
            "value": self.do in (*_NEEDS_VALUE, "check"), "map": self.do in _NEEDS_VALUE,
        }  # fmt: skip
        if stray := [name for name, is_allowed in allowed.items() if getattr(self, name) and not is_allowed]:
            raise ValueError(f"`{self.do}` has no {', '.join(stray)}")
        if self.says is not None:
            re.compile(self.says)
        return self

    @property
    def names(self) -> set[str]:
        """The facts (and names of our own) it reads."""
        return names_in(self.value or "") | names_in(self.to or "") | set(self.when)

    @property
    def is_secret(self) -> bool:
        """Whether what it fills in must never be shown: an SSN, and what only the account's owner knows."""
        return self.secret or any(is_secret_name(name) for name in names_in(self.value or ""))


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
    shows_within_hours  after this long a filing that is not shown is for a person
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
