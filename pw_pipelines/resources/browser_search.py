"""Asks one question of one search page with a real browser, and says what a person would have seen.

Honest on purpose: it says who it is, tries nothing twice, answers no challenge, and takes nothing for an answer that
the page does not plainly say. Every page seen is kept as evidence: its HTML and a picture.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pw_pipelines.resources.page_script import NAME, PageScript, Pattern, Problem, Reading, Step, known_problems

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page, Response

Seen = Literal[
    "rows", "nothing", "too_many", "challenge", "refused", "maintenance", "error", "changed", "unreachable"
]  # fmt: skip
"""How a search ended. Only `rows` and `nothing` are answers.

too_many: the list is cut short or too long; changed: the page is not as the script says; unreachable: no page came.
"""
LOOK_SECONDS = 0.12
PAGE_HEIGHT = 1400
REFUSALS = (401, 403, 407, 429, 451)

# What is to be seen of each selector: how many, and the text of the first.
_LOOK = """selectors => {
  const seen = e => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== 'hidden';
  const found = {};
  for (const s of selectors) {
    const all = [...document.querySelectorAll(s)].filter(seen);
    const first = all[0];
    found[s] = {count: all.length, text: first ? first.innerText || first.textContent || '' : '',
                enabled: !!first && !first.disabled && first.getAttribute('aria-disabled') !== 'true',
                value: first && 'value' in first ? String(first.value) : ''};
  }
  return {whole: document.readyState !== 'loading', found,
          title: document.title, body: document.body ? document.body.innerText : ''};
}"""
_READ = """([rows, fields]) => {
  const seen = e => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== 'hidden';
  return [...document.querySelectorAll(rows)].filter(seen).map(row => Object.fromEntries(fields.map(
    ([name, selector, attribute]) => {
      const e = selector ? row.querySelector(selector) : row;
      return [name, e === null ? null : attribute ? e.getAttribute(attribute) : e.innerText];
    })));
}"""


@dataclass(frozen=True)
class Kept:
    """One page as it was seen: files that hold its HTML and its picture (None: it could not be taken)."""

    url: str
    html: Path
    picture: Path | None


@dataclass
class Answer:
    """What came of one question. `rows`: field -> value (None: not told), in the page's order; `total` as stated."""

    seen: Seen
    detail: str
    rows: list[dict[str, str | None]] = field(default_factory=list)
    pages: int = 0
    total: int | None = None
    kept: list[Kept] = field(default_factory=list)

    @property
    def is_answer(self) -> bool:
        return self.seen in ("rows", "nothing")


class _End(Exception):
    """The search is over; no error of ours."""

    def __init__(self, seen: Seen, detail: str) -> None:
        super().__init__(detail)
        self.seen: Seen = seen
        self.detail = detail


@contextmanager
def a_browser() -> Iterator[Browser]:
    """A Chromium of its own for one visit. Raises ConfigError when this machine has none.

    To be entered in a thread without a running event loop: Playwright's plain interface refuses one.
    """
    from playwright.sync_api import sync_playwright

    from pw_pipelines.runtime.browser import launch

    with sync_playwright() as playwright:
        browser = launch(playwright)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def a_visit(browser: Browser, *, user_agent: str) -> Iterator[Page]:
    """One visitor's page; its cookies live as long as it does."""
    context = browser.new_context(
        user_agent=user_agent, viewport={"width": 1280, "height": 900}, accept_downloads=False, service_workers="block"
    )
    try:
        yield context.new_page()
    finally:
        context.close()


def ask(
    page: Page,
    script: PageScript,
    url: str,
    name: str,
    *,
    into: Path,
    clock: Callable[[], float] = time.monotonic,
) -> Answer:
    """Asks the search at `url` for `name`, beginning anew. Evidence goes to the folder `into`."""
    search = _Search(page, script, url, name, into=into, clock=clock)
    page.set_default_timeout(script.timeout_seconds * 1000)
    page.on("response", search.note)
    page.on("dialog", search.dismiss)
    try:
        return search.run()
    finally:
        page.remove_listener("response", search.note)
        page.remove_listener("dialog", search.dismiss)


class _Search:
    """One question on one page."""

    def __init__(
        self, page: Page, script: PageScript, url: str, name: str, *, into: Path, clock: Callable[[], float]
    ) -> None:
        self._page, self._script, self._url, self._name, self._into = page, script, url, name, into
        self._clock = clock
        self._answer = Answer("changed", "")
        self._status: int | None = None
        self._failed: str | None = None
        self._dialogs: list[str] = []
        self._problems = (*script.problems, *known_problems())
        results = script.results
        readings = [reading for reading in (results.total, results.asked, results.page) if reading]
        patterns = [results.nothing, results.too_many, *self._problems, *(step.until for step in script.steps)]
        wanted = [results.rows, results.busy, results.following, *(step.at for step in script.steps)]
        wanted += [pattern.selector for pattern in patterns if pattern]
        wanted += [reading.selector for reading in readings]
        self._selectors = sorted({selector for selector in wanted if selector})

    def run(self) -> Answer:
        from playwright.sync_api import Error

        try:
            self._open()
            for number, step in enumerate(self._script.steps, start=1):
                self._do(step, number)
            self._read_pages()
        except _End as end:
            self._answer.seen, self._answer.detail = end.seen, end.detail
        except Error as error:
            first = str(error).splitlines()[0]
            self._answer.seen, self._answer.detail = "changed", f"The browser could not go on: {first}"
        if not self._answer.is_answer:
            self._keep()
        return self._answer

    def _open(self) -> None:
        from playwright.sync_api import Error

        try:
            self._page.goto(self._url, wait_until="domcontentloaded")
        except Error as error:
            raise _End("unreachable", f"{self._url} did not open: {str(error).splitlines()[0]}") from error

    def _do(self, step: Step, number: int) -> None:
        where = f"step {number} ({step.do}{f' {step.at}' if step.at else ''})"
        if step.at:
            self._until(lambda look: look["found"][step.at]["count"] > 0, f"{where}: nothing there to be seen")
            target = self._page.locator(step.at).locator("visible=true").first
            value = (step.value or "").replace(NAME, self._name)
            if step.do == "fill":
                target.fill(value)
            elif step.do == "select":
                target.select_option(value)
            elif step.do == "check":
                target.check()
            elif step.do == "press":
                target.press(value)
            else:
                target.click(no_wait_after=True)
        if step.until:
            wanted = step.until
            self._until(lambda look: _fits(wanted, look), f"{where}: what should show then did not")

    def _read_pages(self) -> None:
        results, answer = self._script.results, self._answer
        while True:
            rows = self._settled_rows(answer.pages + 1)
            if rows is None:
                answer.seen, answer.detail = "nothing", "The portal says that it has no such name."
                self._keep()
                return
            answer.rows += rows
            answer.pages += 1
            self._keep()
            if answer.pages == 1 and answer.total is not None and answer.total > len(rows) * results.most_pages:
                raise _End("too_many", f"The portal states {answer.total:,} results; a narrower name is needed.")
            look = self._look()
            if results.following is None or not look["found"][results.following]["enabled"]:
                break
            if answer.pages == results.most_pages:
                raise _End("too_many", f"More than {answer.pages} pages of results; a narrower name is needed.")
            self._page.locator(results.following).locator("visible=true").first.click(no_wait_after=True)
        if answer.total is not None and answer.total != len(answer.rows):
            raise _End(
                "too_many", f"The portal states {answer.total:,} results and shows {len(answer.rows):,} of them."
            )
        answer.seen, answer.detail = "rows", f"{len(answer.rows):,} results on {answer.pages:,} pages."

    def _settled_rows(self, number: int) -> list[dict[str, str | None]] | None:
        """The rows of page `number` once they stand still; None when the page says that there is nothing."""
        results = self._script.results
        before: list[dict[str, str | None]] | None = None
        said_nothing = False

        def settled(look: dict[str, Any]) -> bool:
            nonlocal before, said_nothing
            if not look["whole"] or (results.busy and look["found"][results.busy]["count"]):
                return False
            if results.too_many and _fits(results.too_many, look):
                raise _End("too_many", "The portal cuts the list short: too many names fit.")
            nothing, there = _fits(results.nothing, look), look["found"][results.rows]["count"]
            if nothing and there:
                raise _End("changed", "The page shows results and says that there are none.")
            if nothing and number == 1:
                said_nothing, settled_before = True, said_nothing
                return settled_before  # seen twice: not a flash before the answer comes
            said_nothing = False
            if not there or (number > 1 and self._number(results.page, look) != number):
                return False
            rows = self._rows()
            same, before = rows == before, rows
            return same

        look = self._until(settled, "neither results nor the words for no result came")
        self._check_asked(look)
        if said_nothing:
            return None
        if number == 1 and results.page and results.following and look["found"][results.following]["count"]:
            shown = self._number(results.page, look)
            if shown != 1:
                raise _End("changed", f"The first page of results says it is page {shown}.")
        if results.total:
            self._answer.total = self._number(results.total, look)
            if self._answer.total is None:
                raise _End("changed", f"The number of results is not where it was ({results.total.selector}).")
        return before

    def _check_asked(self, look: dict[str, Any]) -> None:
        asked = self._script.results.asked
        if asked is None:
            return
        shown = asked.cut(_text(asked, look))
        if shown is None or shown.casefold() != self._name.strip().casefold():
            raise _End("changed", f"The page answers for {shown!r}, not for {self._name!r}.")

    def _rows(self) -> list[dict[str, str | None]]:
        results = self._script.results
        fields = [[name, reading.selector, reading.attribute] for name, reading in results.fields.items()]
        found: list[dict[str, str | None]] = self._page.evaluate(_READ, [results.rows, fields])
        rows = []
        for number, raw in enumerate(found, start=1):
            row = {name: reading.cut(raw[name]) for name, reading in results.fields.items()}
            for name, reading in results.fields.items():
                if row[name] is None and reading.required:
                    raise _End("changed", f"Result {number} has no {name} where it was ({reading.selector or 'row'}).")
            rows.append(row)
        return rows

    def _until(self, done: Callable[[dict[str, Any]], bool], otherwise: str) -> dict[str, Any]:
        """Looks until `done`; ends the search when the page shows a problem or the time is up."""
        from playwright.sync_api import Error

        deadline = self._clock() + self._script.timeout_seconds
        while True:
            try:
                look = self._look()
                self._raise_problem(look)
                if done(look):
                    return look
            except Error as error:  # the page is just being replaced by the next one
                if "context was destroyed" not in str(error) and "navigat" not in str(error):
                    raise
            if self._clock() > deadline:
                said = f' The page said: "{self._dialogs[-1]}"' if self._dialogs else ""
                raise _End("changed", f"{otherwise} in {self._script.timeout_seconds:g} s.{said}")
            self._page.wait_for_timeout(LOOK_SECONDS * 1000)

    def _look(self) -> dict[str, Any]:
        look: dict[str, Any] = self._page.evaluate(_LOOK, self._selectors)
        look["body"] = "\n".join([look["title"], look["body"], *self._dialogs])
        return look

    def _raise_problem(self, look: dict[str, Any]) -> None:
        for problem in self._problems:
            if _fits(problem, look):
                told = _TOLD[problem.kind]
                raise _End(problem.kind, f"{told} ({problem.selector or problem.text}).")
        if self._status is not None and self._status >= 400:
            seen: Seen = "refused" if self._status in REFUSALS else "unreachable"
            raise _End(seen, f"The portal answered with status {self._status}.")
        if self._failed:
            raise _End("unreachable", f"The page's own request failed: {self._failed}.")

    def _number(self, reading: Reading | None, look: dict[str, Any]) -> int | None:
        text = reading.cut(_text(reading, look)) if reading else None
        digits = re.sub(r"[,\s]", "", text or "")
        return int(digits) if digits.isdecimal() else None

    def note(self, response: Response) -> None:
        """Remembers the status of the page itself, and requests of the page to its own house that failed."""
        request = response.request
        if request.is_navigation_request() and response.frame == self._page.main_frame:
            if not 300 <= response.status < 400:
                self._status = response.status
        elif request.resource_type in ("xhr", "fetch") and response.status >= 400:
            here, there = urlsplit(self._url), urlsplit(response.url)
            if here.netloc == there.netloc:
                self._failed = f"{there.path} was answered {response.status}"

    def dismiss(self, dialog: Dialog) -> None:
        """Closes what pops up; its words count as the page's."""
        self._dialogs.append(dialog.message)
        dialog.dismiss()

    def _keep(self) -> None:
        from playwright.sync_api import Error

        number = len(self._answer.kept) + 1
        html = self._into / f"page-{number}.html"
        picture: Path | None = self._into / f"page-{number}.png"
        try:
            html.write_text(self._page.content(), encoding="utf-8")
            height = min(PAGE_HEIGHT, int(self._page.evaluate("document.documentElement.scrollHeight")) or PAGE_HEIGHT)
            self._page.screenshot(
                path=picture, full_page=True, clip={"x": 0, "y": 0, "width": 1280, "height": max(height, 100)}
            )
        except Error as error:
            if not html.exists():
                html.write_text(f"<!-- {str(error).splitlines()[0]} -->", encoding="utf-8")
            picture = None
        self._answer.kept.append(Kept(self._page.url, html, picture))


_TOLD = {
    "challenge": "The portal asks whether a human is there",
    "refused": "The portal refuses programs",
    "maintenance": "The portal is closed for now",
    "error": "The portal reports an error of its own",
}


def _fits(pattern: Pattern | Problem, look: dict[str, Any]) -> bool:
    if pattern.selector is None:
        return re.search(str(pattern.text), look["body"], re.IGNORECASE) is not None
    found = look["found"][pattern.selector]
    if not found["count"]:
        return False
    return pattern.text is None or re.search(pattern.text, found["text"], re.IGNORECASE) is not None


def _text(reading: Reading, look: dict[str, Any]) -> str | None:
    if reading.selector is None:
        return str(look["body"])
    found = look["found"][reading.selector]
    if not found["count"]:
        return None
    return str(found["value"] if reading.attribute == "value" else found["text"])
