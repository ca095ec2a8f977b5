"""What is to be seen on a page: elements and fields as a person sees them, and whether the page shows a problem."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.filings.portal import Portal, PortalError
from pw_pipelines.filings.steps import Step
from pw_pipelines.filings.stopped import Challenged, PageChanged, PortalSaid
from pw_pipelines.resources.page_script import Pattern, Problem, known_problems

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, Page, Request, Response

Look = dict[str, Any]


class Place(Protocol):
    """What a Watch needs to know of whose page it is; a Portal is one."""

    @property
    def title(self) -> str: ...
    @property
    def problems(self) -> tuple[Problem, ...]: ...
    @property
    def errors(self) -> tuple[PortalError, ...]: ...
    @property
    def timeout_seconds(self) -> float: ...


LOOK_SECONDS = 0.05
STILL_SECONDS = 2.0  # a page that is whole and did not change for so long is what it is
REFUSALS = (401, 403, 407, 451)

# Elements by selector (how many are seen; words, place and state of the first), and the fields a person sees.
# A file's field is often hidden behind a button of the page's own, so it counts unless it is disabled.
# Told as one text: the browser's driver takes ten times as long to hand over an object of as many parts.
LOOK = r"""([selectors, region]) => {
  const seen = e => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== 'hidden';
  const there = e => e.type === 'file' ? !e.disabled : seen(e);
  const words = e => (e.innerText || e.value || e.textContent || e.getAttribute('aria-label') || '').trim();
  const found = {};
  for (const s of selectors) {
    const all = [...document.querySelectorAll(s)].filter(there), e = all[0];
    found[s] = {count: all.length, text: e ? words(e) : '', enabled: !!e && !e.disabled &&
                e.getAttribute('aria-disabled') !== 'true',
                file: !!e && e.type === 'file'};
  }
  const within = region ? document.querySelector(region) : document;
  const skip = ['hidden', 'submit', 'button', 'image', 'reset'];
  const groups = new Map();
  for (const e of within ? within.querySelectorAll('input, select, textarea') : []) {
    if (skip.includes(e.type) || e.disabled || !there(e)) continue;
    const name = e.name || e.id || '(without a name)';
    const required = e.required || e.getAttribute('aria-required') === 'true';
    if (e.type === 'radio') {
      const group = groups.get(name) || {name, kind: 'radio', required, value: ''};
      if (e.checked) group.value = e.value;
      groups.set(name, group);
      continue;
    }
    let key = name;
    for (let n = 2; groups.has(key); n++) key = `${name} (${n})`;
    const value = e.type === 'checkbox' ? (e.checked ? 'yes' : 'no')
      : e.type === 'file' ? [...e.files].map(f => f.name).join(', ')
      : e.tagName === 'SELECT' ? [...e.selectedOptions].map(o => o.value).join(', ') : e.value;
    groups.set(key, {name: key, kind: e.type || e.tagName.toLowerCase(), required, value});
  }
  const dialogs = [...document.querySelectorAll('dialog[open], [role=alertdialog], [aria-modal=true]')].filter(seen);
  return JSON.stringify({whole: document.readyState !== 'loading', complete: document.readyState === 'complete', found,
          controls: [...groups.values()], dialogs: dialogs.map(e => words(e).slice(0, 80)),
          title: document.title, body: document.body ? document.body.innerText : ''});
}"""


def selectors_of(portal: Portal, steps: Iterable[Step], patterns: Iterable[Pattern | None] = ()) -> list[str]:
    """Everything that is looked for while `steps` are done."""
    wanted: list[str | None] = []
    for step in steps:
        wanted += [step.at, step.until.selector if step.until else None]
    wanted += [pattern.selector for pattern in patterns if pattern]
    wanted += [error.selector for error in portal.errors]
    wanted += [problem.selector for problem in (*portal.problems, *known_problems())]
    if portal.login:
        wanted.append(portal.login.signed_in.selector)
    return sorted({selector for selector in wanted if selector})


def is_seen(pattern: Pattern, look: Look) -> bool:
    """Whether a pattern is to be seen."""
    if pattern.selector is None:
        return re.search(str(pattern.text), look["body"], re.IGNORECASE) is not None
    found = look["found"][pattern.selector]
    return bool(found["count"]) and (
        pattern.text is None or re.search(pattern.text, found["text"], re.IGNORECASE) is not None
    )


class Watch:
    """Looks at one page until something is there, and stops when the page shows a problem instead."""

    def __init__(self, page: Page, portal: Place, selectors: Collection[str]) -> None:
        self.page = page
        self._portal = portal
        self._selectors = list(selectors)
        self._status: int | None = None
        self._lost: str | None = None
        self._under_way: set[Request] = set()
        self.lost_sending: str | None = None  # why the answer to something the page sent never came
        self.said: list[str] = []  # by windows that popped up
        page.on("response", self._note)
        page.on("request", self._begun)
        page.on("requestfinished", self._finished)
        page.on("requestfailed", self._failed)
        page.on("dialog", self._dismiss)

    def look(self, region: str | None = None) -> Look:
        """What is there now."""
        look: Look = json.loads(self.page.evaluate(LOOK, [self._selectors, region]))
        look["body"] = "\n".join([look["title"], look["body"], *self.said])
        return look

    def until(
        self,
        done: Callable[[Look], bool],
        otherwise: Callable[[Look], list[str]],
        *,
        region: str | None = None,
        errors: bool = True,
    ) -> Look:
        """The look at which `done`. Raises PageChanged with `otherwise` once the page stands still or the time is up,
        Challenged, PortalSaid or OutsideUnavailable for what the page shows instead."""
        began = still_since = time.monotonic()
        before: object = None
        while True:
            look = self.look_when_there(region)
            if look is not None:
                self.raise_problem(look, errors=errors)
                if look["whole"] and done(look):
                    return look
                signature = (look["complete"], look["body"], str(look["controls"]), str(look["found"]))
                if signature != before or not look["complete"] or self._under_way:
                    before, still_since = signature, time.monotonic()
            now = time.monotonic()
            if look is not None and (now - still_since > STILL_SECONDS or now - began > self._portal.timeout_seconds):
                raise PageChanged(otherwise(look))
            if now - began > 2 * self._portal.timeout_seconds:
                raise OutsideUnavailable(f"{self._portal.title} did not show a page in time.")
            self.page.wait_for_timeout(LOOK_SECONDS * 1000)

    def look_when_there(self, region: str | None = None) -> Look | None:
        """What is there now; None while the page is just being replaced by the next one."""
        from playwright.sync_api import Error

        try:
            return self.look(region)
        except Error as error:
            if "context was destroyed" not in str(error) and "navigat" not in str(error):
                raise
            return None

    def raise_problem(self, look: Look, *, errors: bool = True) -> None:
        """Raises what the page shows instead of going on; nothing was filed by then."""
        for problem in (*self._portal.problems, *known_problems()):
            if is_seen(Pattern(selector=problem.selector, text=problem.text), look):
                if problem.kind in ("challenge", "refused"):
                    raise Challenged(_TOLD[problem.kind])
                raise OutsideUnavailable(f"{self._portal.title}: {_TOLD[problem.kind]}")
        if errors and (error := self.error_seen(look)):
            raise PortalSaid(told(error, self._portal), error)
        if self._status is not None and self._status >= 400:
            if self._status in REFUSALS:
                raise Challenged(f"The portal refuses us (status {self._status}).")
            if self._status in (404, 410):
                raise PageChanged([f"The portal has no page there any more (status {self._status})."])
            raise OutsideUnavailable(f"{self._portal.title} answered with status {self._status}.")
        if self._lost:
            raise OutsideUnavailable(f"{self._portal.title} did not answer ({self._lost}).")
        if look["dialogs"]:
            raise PageChanged([f"A window stands over the page: “{look['dialogs'][0]}”."])
        if self.said:
            raise PageChanged([f"The page opened a window: “{self.said[-1][:80]}”."])

    def error_seen(self, look: Look) -> PortalError | None:
        """The error of the portal's own that is shown now."""
        return next((error for error in self._portal.errors if is_seen(error.pattern, look)), None)

    def trouble(self) -> str | None:
        """What became of the page itself, where no page with words came; None while nothing is wrong."""
        if self._lost or self.lost_sending:
            return f"the connection was lost ({self._lost or self.lost_sending})"
        if self._status is not None and self._status >= 400:
            return f"the portal answered with status {self._status}"
        return None

    def _begun(self, request: Request) -> None:
        self._under_way.add(request)
        if self._is_the_page(request):
            self._status, self._lost = None, None

    def _note(self, response: Response) -> None:
        if self._is_the_page(response.request) and not 300 <= response.status < 400:
            self._status = response.status

    def _finished(self, request: Request) -> None:
        self._under_way.discard(request)

    def _failed(self, request: Request) -> None:
        self._under_way.discard(request)
        if request.method not in ("GET", "HEAD"):
            self.lost_sending = request.failure
        # What a page of its own accord stops asking for, since it goes to another one, was not lost.
        if self._is_the_page(request) and request.failure and "ERR_ABORTED" not in request.failure:
            self._lost = request.failure

    def _is_the_page(self, request: Request) -> bool:
        return request.is_navigation_request() and request.frame == self.page.main_frame

    def _dismiss(self, dialog: Dialog) -> None:
        self.said.append(dialog.message)
        dialog.dismiss()


def told(error: PortalError, portal: Place) -> str:
    """One of the portal's own errors in a sentence."""
    reference = f" (reference {error.reference})" if error.reference else ""
    return f"{portal.title} says{reference}: {error.means}"


_TOLD = {
    "challenge": "The portal asks whether a human is there; a person has to go on.",
    "refused": "The portal refuses programs; a person has to file this.",
    "maintenance": "closed for maintenance.",
    "error": "reports an error of its own.",
}
