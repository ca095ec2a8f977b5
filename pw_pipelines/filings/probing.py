"""Looks whether a portal still is as its file says. Nothing that files is filled in or pressed.

Seen are: the way in, the first page of each form with the elements of its steps, and the search of the look-up, which
is asked for something that nobody has filed. What lies behind a first page is seen only when a form is filled; those
selectors are named with the reason. What the elements are today is kept with them (`sights`); what they were before
knows only whoever remembers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pw_pipelines.errors import OutsideUnavailable, PwError
from pw_pipelines.filings.driving import Driver, page_changes
from pw_pipelines.filings.looking import Watch, is_seen, selectors_of
from pw_pipelines.filings.masking import take
from pw_pipelines.filings.material import Shot
from pw_pipelines.filings.portal import Form, Portal
from pw_pipelines.filings.probe_plan import A_LATER_PAGE, Leg, errors_of, legs_of, login_leg, unseen_of
from pw_pipelines.filings.sights import Sight, Traits, Use, sights
from pw_pipelines.filings.steps import Step
from pw_pipelines.filings.stopped import Challenged, PageChanged, PortalSaid

if TYPE_CHECKING:
    from playwright.sync_api import Page

EXCERPT = 4_000
# What a look-up is asked for: something that nobody filed.
NOBODYS = "PW PROBE ZQXJ"
_ASKED = {"frn": "0000000000"}
_MISSING = "(something is missing)"
NO_WAY = "The way to it has changed."
SOME_ANSWERS = "It shows only for some answers."


@dataclass
class ProbeReport:
    """What a probe saw.

    sights   every selector it looked for, with what it stands on
    unseen   those it could not look for, with the reason
    changes  a sentence each, by form, of what can be told without memory
    away     why no page came: nothing is said of the selectors then
    person   what the portal asks a person for; nobody answers it here
    shots    every page looked at; excerpt: the beginning of the HTML of the last one that had changed
    """

    portal: str
    sights: list[Sight] = field(default_factory=list)
    unseen: list[tuple[Use, str]] = field(default_factory=list)
    changes: dict[str, list[str]] = field(default_factory=dict)
    away: str | None = None
    person: str | None = None
    shots: list[Shot] = field(default_factory=list)
    excerpt: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether everything it could see stands."""
        return self.away is None and self.person is None and not self.changes

    @property
    def found(self) -> dict[str, int]:
        """How many selectors stand, by form."""
        counted: dict[str, int] = {}
        for sight in self.sights:
            counted[sight.use.form] = counted.get(sight.use.form, 0) + (not sight.wrong)
        return counted

    def as_detail(self) -> dict[str, Any]:
        """For pw.filing_portals."""
        return {
            "found": self.found, "changes": self.changes, "away": self.away or self.person, "excerpt": self.excerpt,
        }  # fmt: skip

    def add(self, form: str, changes: Iterable[str]) -> None:
        """Keeps sentences about a form, each once."""
        known = self.changes.setdefault(form, [])
        known += [one for one in changes if one not in known]


def probe(
    page: Page,
    portal: Portal,
    base: str,
    account: Mapping[str, str],
    *,
    pause: Callable[[], None] = lambda: None,
) -> ProbeReport:
    """Looks at every form of the portal; `pause` is called between two pages."""
    return _Probe(page, portal, base, account, pause).run()


class _Probe:
    def __init__(
        self, page: Page, portal: Portal, base: str, account: Mapping[str, str], pause: Callable[[], None]
    ) -> None:
        self.page, self.portal, self.account, self.pause = page, portal, account, pause
        self.report = ProbeReport(portal.portal)
        self.hidden = [value for name, value in account.items() if name != "username" and len(value) > 3]
        steps = [step for form in portal.forms.values() for step in (*form.steps, *_lookup_steps(form))]
        login = portal.login.steps if portal.login else ()
        patterns = [form.lookup.nothing for form in portal.forms.values() if form.lookup]
        self.watch = Watch(page, portal, selectors_of(portal, (*login, *steps), patterns))
        values = {name: NOBODYS for form in portal.forms.values() if form.lookup for name in form.lookup.names}
        self.driver = Driver(page, self.watch, base, {**values, **_ASKED, **account})
        self.is_in: bool | None = None
        self.pages = 0
        page.set_default_timeout(portal.timeout_seconds * 1000)

    def run(self) -> ProbeReport:
        report = self.report
        for code, form in self.portal.forms.items():
            try:
                if not form.signed_in or self._sign_in():
                    self._form(code, form)
            except OutsideUnavailable as away:
                report.away = str(away)
                return report
            except Challenged as challenged:
                report.person = str(challenged)
                self._shoot(f"{self.portal.title}: {form.title}")
                return report
            except PageChanged as changed:
                report.add(code, changed.changes)
                self._shoot(f"{self.portal.title}: {form.title}", is_changed=True)
            except PwError as other:
                if isinstance(other, PortalSaid) and other.error.then == "later":
                    report.away = str(other)
                    return report
                report.add(code, [str(other)])
                self._shoot(f"{self.portal.title}: {form.title}", is_changed=True)
            seen = {sight.use.key for sight in report.sights} | {use.key for use, _ in report.unseen}
            why = A_LATER_PAGE if code not in report.changes else NO_WAY
            report.unseen += [(use, reason or why) for use, reason in unseen_of(code, form) if use.key not in seen]
        report.unseen += errors_of(self.portal)
        return report

    def _sign_in(self) -> bool:
        """Whether we are signed in. Tried once for all forms."""
        login = self.portal.login
        if self.is_in is not None or login is None:
            return bool(self.is_in) or login is None
        self.is_in = False
        leg = login_leg(login)
        for number, step in enumerate(login.steps, start=1):
            if step.do in ("open", "wait"):
                self._go(step, number)
            elif not self._look_at(leg, f"{self.portal.title}: Sign-in"):
                return False
            else:
                break
        for number, step in enumerate(login.steps, start=1):
            if step.do not in ("open", "wait"):
                self.driver.do(step, number)
        signed = Use("login", "", "signed in", login.signed_in.selector or "", meant="sight")
        try:
            self.driver.expect_signed_in(login.signed_in)
        except PageChanged as changed:
            self.report.add("login", changed.changes)
            self._shoot(f"{self.portal.title}: Sign-in", is_changed=True)
            if login.signed_in.selector:
                self.report.sights.append(Sight(signed, 0, None, ("The sign of being signed in is not there.",)))
            return False
        if login.signed_in.selector:
            self.report.sights += sights(self.page, [signed], self.hidden)
        self.is_in = True
        return True

    def _form(self, code: str, form: Form) -> None:
        for leg in legs_of(code, form):
            if leg.is_lookup and leg.signed_in and not form.signed_in and not self._sign_in():
                continue
            for number, step in leg.way:
                self._go(step, number)
            stands = self._look_at(leg, f"{self.portal.title}: {form.title}{', ' + leg.page if leg.page else ''}")
            if leg.is_lookup and stands and leg.asks:
                self._ask(code, form, leg)
            elif not stands and leg.then is not None:
                return
            elif leg.then is not None:
                self.pause()
                self.driver.do(*leg.then)

    def _ask(self, code: str, form: Form, leg: Leg) -> None:
        """Asks the look-up for what nobody filed, and looks how it says so."""
        lookup = form.lookup
        assert lookup is not None
        assert lookup.nothing is not None
        nothing = lookup.nothing
        self.pause()
        for number, step in leg.asks:
            self.driver.do(step, number)
        self.watch.until(
            lambda look: look["complete"] and is_seen(nothing, look),
            lambda _: [f"The search does not say that it found nothing ({nothing.selector or nothing.text})."],
        )
        uses = [Use(code, "Look-up", "nothing found", nothing.selector, meant="sight")] if nothing.selector else []
        uses += [
            Use(code, "Look-up", "until", step.until.selector, meant="sight")
            for _, step in leg.asks
            if step.until and step.until.selector
        ]
        self.report.sights += sights(self.page, uses, self.hidden)
        self._shoot(f"{self.portal.title}: {form.title}, answer of the look-up")

    def _go(self, step: Step, number: int) -> None:
        if step.do == "open":
            if self.pages:
                self.pause()
            self.pages += 1
        self.driver.do(step, number)

    def _look_at(self, leg: Leg, title: str) -> bool:
        """Looks at what a leg's page should have, once it is there or the page stands still. Whether all is there."""
        wanted = [use.expression for use in leg.uses if not use.is_optional and use.meant != "fields"]
        fields = [step for step in leg.steps if step.do == "page"]
        try:
            self.watch.until(lambda look: all(look["found"][one]["count"] for one in wanted), lambda _: [_MISSING])
            for step in fields:
                self.driver.expect_page(step)
        except PageChanged as changed:
            if list(changed.changes) != [_MISSING] and not any(_is_about(step, changed) for step in fields):
                raise
        seen = [
            judged(sight)
            for sight in sights(self.page, [use for use in leg.uses if use.meant != "fields"], self.hidden)
            if sight.found or not sight.use.is_optional
        ]
        for step in fields:
            seen.append(self._fields(leg, step))
        found = {sight.use.key for sight in seen}
        self.report.unseen += [(use, SOME_ANSWERS) for use in leg.uses if use.key not in found]
        self.report.sights += seen
        wrong = [one for sight in seen for one in sight.wrong]
        if wrong:
            self.report.add(leg.form, wrong)
        self._shoot(title, is_changed=bool(wrong))
        return all(sight.found or sight.use.meant == "fields" for sight in seen)

    def _fields(self, leg: Leg, step: Step) -> Sight:
        """The fields of the page against those of its step."""
        look = self.watch.look(step.at)
        names = [str(control["name"]) for control in look["controls"]]
        use = next(use for use in leg.uses if use.meant == "fields" and use.page == str(step.name))
        shown = Traits("page", choices=", ".join(names))
        controls = next((sight.controls for sight in sights(self.page, (), self.hidden)), ())
        return Sight(use, len(names), shown, tuple(page_changes(step, look)), controls)

    def _shoot(self, title: str, *, is_changed: bool = False) -> None:
        shot = take(self.page, title, self.hidden)
        if all(one.html != shot.html for one in self.report.shots):
            self.report.shots.append(shot)
        if is_changed:
            self.report.excerpt = shot.html.decode()[:EXCERPT]


def judged(sight: Sight) -> Sight:
    """With what can be said of it at once."""
    use, wrong = sight.use, []
    if not sight.found:
        wrong.append(f"{use.name}: nothing of that kind is there.")
    elif sight.found > 1 and use.meant == "control":
        wrong.append(f"{use.name}: {sight.found} of that kind are there, where one was.")
    elif use.says and sight.traits and not re.search(use.says, sight.traits.label):
        wrong.append(f"{use.name}: the button says “{sight.traits.label[:40]}”, not “{use.says}”.")
    return replace(sight, wrong=tuple(wrong))


def _is_about(step: Step, changed: PageChanged) -> bool:
    return any(change.startswith(f"{step.name}: ") for change in changed.changes)


def _lookup_steps(form: Form) -> tuple[Step, ...]:
    return form.lookup.steps if form.lookup else ()
