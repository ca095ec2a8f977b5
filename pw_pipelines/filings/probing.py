"""Looks whether a portal still is as its file says, without filling in or sending anything.

Seen are: the way in, the first page of each form with the elements of its steps, and the search of the look-up. What
lies behind a first page is seen only when a form is filled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pw_pipelines.errors import OutsideUnavailable, PwError
from pw_pipelines.filings.driving import Driver
from pw_pipelines.filings.looking import Watch, selectors_of
from pw_pipelines.filings.masking import take
from pw_pipelines.filings.material import Shot
from pw_pipelines.filings.portal import Form, Portal
from pw_pipelines.filings.steps import Step
from pw_pipelines.filings.stopped import PageChanged

if TYPE_CHECKING:
    from playwright.sync_api import Page

EXCERPT = 4_000


@dataclass
class ProbeReport:
    """What a probe saw. found: selectors that stand; changes: a sentence each, by form; away: why it could not look.

    excerpt: the beginning of the HTML of the last page that had changed.
    """

    portal: str
    found: dict[str, list[str]] = field(default_factory=dict)
    changes: dict[str, list[str]] = field(default_factory=dict)
    away: str | None = None
    shots: list[Shot] = field(default_factory=list)
    excerpt: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether everything it could see stands."""
        return self.away is None and not self.changes

    def as_detail(self) -> dict[str, Any]:
        """For pw.filing_portals."""
        return {
            "found": {form: len(selectors) for form, selectors in self.found.items()},
            "changes": self.changes,
            "away": self.away,
            "excerpt": self.excerpt,
        }


def probe(page: Page, portal: Portal, base: str, account: Mapping[str, str]) -> ProbeReport:
    """Looks at every form of the portal. A portal that is away, or asks for a person, is said to be so."""
    report = ProbeReport(portal.portal)
    page.set_default_timeout(portal.timeout_seconds * 1000)
    hidden = [value for name, value in account.items() if name != "username"]
    steps = [step for form in portal.forms.values() for step in (*form.steps, *_lookup_steps(form))]
    login = portal.login.steps if portal.login else ()
    watch = Watch(page, portal, selectors_of(portal, (*login, *steps)))
    driver = Driver(page, watch, base, dict(account))
    is_in = False
    for code, form in portal.forms.items():
        try:
            if form.signed_in and portal.login is not None and not is_in:
                for number, step in enumerate(portal.login.steps, start=1):
                    driver.do(step, number)
                driver.expect_signed_in(portal.login.signed_in)
                is_in = True
            report.found[code] = [*_first_page(driver, form.steps), *_search(driver, form)]
        except PageChanged as changed:
            report.changes[code] = list(changed.changes)
            report.shots.append(take(page, f"{portal.title}: {form.title}", hidden))
            report.excerpt = report.shots[-1].html.decode()[:EXCERPT]
        except OutsideUnavailable as away:
            report.away = str(away)
            break
        except PwError as other:  # asks for a person, or shows an error of its own
            report.changes[code] = [str(other)]
            report.shots.append(take(page, f"{portal.title}: {form.title}", hidden))
    return report


def _first_page(driver: Driver, steps: tuple[Step, ...]) -> list[str]:
    found: list[str] = []
    for number, step in enumerate(steps, start=1):
        if step.do in ("open", "wait"):
            driver.do(step, number)
        elif step.do == "page":
            driver.expect_page(step)
        elif step.at is not None and not step.when:  # what depends on other answers may not be there yet
            driver.the_one(step.at, f"Step {number} ({step.do} {step.at})", many=step.do == "choose")
            found.append(step.at)
        if step.do in ("next", "submit", "click"):
            break
    return found


def _search(driver: Driver, form: Form) -> list[str]:
    lookup = form.lookup
    if lookup is None or (lookup.signed_in and not form.signed_in):
        return []
    return _first_page(driver, lookup.steps)


def _lookup_steps(form: Form) -> tuple[Step, ...]:
    return form.lookup.steps if form.lookup else ()
