"""Looks whether a state's search page still is as its adapter says: two questions are asked, as any visitor may.

One has answers, so that rows and their fields are seen; one has none, so that the words for that are seen. Nothing is
filed on these pages. A challenge or a refusal ends the visit, and is a person's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.filings.looking import Watch, is_seen
from pw_pipelines.filings.masking import take
from pw_pipelines.filings.portal import PortalError
from pw_pipelines.filings.probing import EXCERPT, NO_WAY, ProbeReport, judged
from pw_pipelines.filings.sights import Sight, Use, sights
from pw_pipelines.filings.stopped import Challenged, PageChanged
from pw_pipelines.probes.targets import Target
from pw_pipelines.resources.page_script import NAME, PageScript, Pattern, Problem, Step, known_problems

if TYPE_CHECKING:
    from playwright.sync_api import Page

HAS_ANSWERS = "BLUE FOX"
HAS_NONE = "ZQXJ PROBE"
ASKED, ANSWER = "Question", "Answer"
NOT_NOW = "The answers seen did not show it: it comes with more, or with too many, results."
_MISSING = "(something is missing)"
FORM = "search"


@dataclass(frozen=True)
class _Place:
    """What a Watch needs to know of the page."""

    title: str
    timeout_seconds: float
    problems: tuple[Problem, ...] = ()
    errors: tuple[PortalError, ...] = ()


def probe_search(page: Page, target: Target, *, pause: Callable[[], None] = lambda: None) -> ProbeReport:
    """Looks at the whole search of one state."""
    return _Search(page, target, pause).run()


class _Search:
    def __init__(self, page: Page, target: Target, pause: Callable[[], None]) -> None:
        adapter, way = target.adapter, target.road
        assert adapter is not None
        assert way is not None
        assert adapter.script is not None
        self.page, self.target, self.pause = page, target, pause
        self.script: PageScript = adapter.script
        self.url = way.url or adapter.url or way.look_url
        self.report = ProbeReport(target.code)
        self.place = _Place(target.title, self.script.timeout_seconds, self.script.problems)
        self.watch = Watch(page, self.place, sorted(self._selectors()))
        page.set_default_timeout(self.script.timeout_seconds * 1000)

    def run(self) -> ProbeReport:
        report = self.report
        try:
            if self._asked(HAS_ANSWERS):
                self._answers()
                self.pause()
                if self._asked(HAS_NONE, is_first=False):
                    self._nothing()
        except OutsideUnavailable as away:
            report.away = str(away)
            return report
        except Challenged as challenged:
            report.person = str(challenged)
            self._shoot("Asks for a person")
            return report
        except PageChanged as changed:
            report.add(FORM, changed.changes)
            self._shoot("Where it stopped", is_changed=True)
        seen = {sight.use.key for sight in report.sights}
        why = NO_WAY if report.changes else NOT_NOW
        report.unseen = [(use, why) for use in uses_of(self.script) if use.key not in seen]
        return report

    def _asked(self, question: str, *, is_first: bool = True) -> bool:
        """Does the steps; whether all of them could be done."""
        from playwright.sync_api import Error

        try:
            self.page.goto(self.url, wait_until="commit")
        except Error:
            # No page came; the next look says why.
            self.page.wait_for_timeout(0)
        self.watch.until(lambda look: bool(look["whole"]), lambda _: ["The page did not open."])
        for number, step in enumerate(self.script.steps, start=1):
            if is_first and not self._look_at([_step_use(number, step)], f"Step {number}", [step.at]):
                return False
            self._do(step, question)
            if step.until is not None:
                self._expect(step.until, f"Step {number} ({step.do} {step.at}) led nowhere.")
                if is_first and step.until.selector:
                    self._keep([_until_use(number, step.until.selector)])
        return True

    def _do(self, step: Step, question: str) -> None:
        if step.at is None:
            return
        target = self.page.locator(step.at).locator("visible=true").first
        value = (step.value or "").replace(NAME, question)
        if step.do == "fill":
            target.fill(value)
        elif step.do == "select":
            target.select_option(value)
        elif step.do == "check":
            target.check()
        elif step.do == "press":
            target.press(value)
        elif step.do == "click":
            target.click(no_wait_after=True)

    def _answers(self) -> None:
        """The rows, their fields, and what the page says of them."""
        results = self.script.results
        wanted = [results.rows, *(one.selector for one in (results.total, results.asked) if one and one.selector)]
        self._look_at([use for use in uses_of(self.script) if use.page == ANSWER], "Answers", wanted)

    def _nothing(self) -> None:
        nothing = self.script.results.nothing
        self._expect(nothing, f"The search does not say that it found nothing ({nothing.selector or nothing.text}).")
        if nothing.selector:
            self._keep([_nothing_use(nothing.selector)])
        self._shoot("No answer")

    def _expect(self, pattern: Pattern, otherwise: str) -> None:
        self.watch.until(lambda look: look["complete"] and is_seen(pattern, look), lambda _: [otherwise])

    def _look_at(self, uses: list[Use], title: str, wanted: Sequence[str | None]) -> bool:
        """Looks at these once they are there or the page stands still; whether all that must be there is."""
        try:
            self.watch.until(
                lambda look: all(look["found"][one]["count"] for one in wanted if one), lambda _: [_MISSING]
            )
        except PageChanged as changed:
            if list(changed.changes) != [_MISSING]:
                raise
        seen = self._keep(uses)
        self._shoot(title, is_changed=any(sight.wrong for sight in seen))
        return all(sight.found for sight in seen)

    def _keep(self, uses: list[Use]) -> list[Sight]:
        seen = [
            judged(sight)
            for sight in sights(self.page, [use for use in uses if use.expression or use.within])
            if sight.found or not sight.use.is_optional
        ]
        self.report.sights += seen
        if wrong := [one for sight in seen for one in sight.wrong]:
            self.report.add(FORM, wrong)
        return seen

    def _shoot(self, title: str, *, is_changed: bool = False) -> None:
        shot = take(self.page, f"{self.target.title}: {title}", ())
        if all(one.html != shot.html for one in self.report.shots):
            self.report.shots.append(shot)
        if is_changed:
            self.report.excerpt = shot.html.decode()[:EXCERPT]

    def _selectors(self) -> set[str]:
        results = self.script.results
        patterns = [*(step.until for step in self.script.steps), results.nothing, results.too_many]
        readings = [results.total, results.asked, results.page]
        wanted = [results.rows, results.busy, results.following, *(step.at for step in self.script.steps)]
        wanted += [one.selector for one in (*patterns, *readings) if one]
        wanted += [one.selector for one in (*self.script.problems, *known_problems())]
        return {one for one in wanted if one}


def uses_of(script: PageScript) -> Iterator[Use]:
    """Every selector of an adapter."""
    for number, step in enumerate(script.steps, start=1):
        if step.at:
            yield _step_use(number, step)
        if step.until and step.until.selector:
            yield _until_use(number, step.until.selector)
    results = script.results
    yield Use(FORM, ANSWER, "rows", results.rows, meant="sight")
    for name, reading in results.fields.items():
        yield Use(
            FORM, ANSWER, f"field {name}", reading.selector or "", meant="sight", within=results.rows,
            is_optional=not reading.required,
        )  # fmt: skip
    for name, one in (("total", results.total), ("asked", results.asked)):
        if one and one.selector:
            yield Use(FORM, ANSWER, name, one.selector, meant="sight")
    may = {"page": results.page.selector if results.page else None, "next page": results.following,
           "busy": results.busy, "too many": results.too_many.selector if results.too_many else None}  # fmt: skip
    for name, selector in may.items():
        if selector:
            yield Use(FORM, ANSWER, name, selector, meant="sight", is_optional=True)
    if results.nothing.selector:
        yield _nothing_use(results.nothing.selector)


def _step_use(number: int, step: Step) -> Use:
    return Use(FORM, f"{ASKED} {number}", step.do, step.at or "")


def _until_use(number: int, selector: str) -> Use:
    return Use(FORM, f"{ASKED} {number}", "until", selector, meant="sight")


def _nothing_use(selector: str) -> Use:
    return Use(FORM, "No answer", "nothing found", selector, meant="sight")
