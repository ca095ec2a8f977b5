"""One Chromium per process, in a thread of its own: opened when first needed, closed when it has rested a while.

Playwright's plain interface works in one thread only, and in none that has an event loop running; whoever needs the
browser hands over a piece of work and waits for it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from pw_pipelines.errors import PwError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REST_SECONDS = 15.0
STUCK_SECONDS = 900.0  # longer than any visit: each step of one has a limit of its own
T = TypeVar("T")
_Job = tuple[Callable[["Browser"], Any], "Future[Any]"]


class BrowserStuck(PwError):
    """The browser did not come to an end and was killed; what it did last is not known."""


class Browsers:
    """The way to a browser. Safe to share between threads; a forked process opens its own."""

    def __init__(self, *, rest_seconds: float = REST_SECONDS, stuck_seconds: float = STUCK_SECONDS) -> None:
        self._rest, self._stuck = rest_seconds, stuck_seconds
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()

    def run(self, work: Callable[[Browser], T]) -> T:
        """What `work` returns or raises. Raises ConfigError when this machine has no Chromium, BrowserStuck when the
        work does not end: whatever it may have done, it does nothing more."""
        future: Future[T] = Future()
        with self._lock if self._pid == os.getpid() else self._renewed():
            self._jobs.put((work, future))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._live, args=(self._jobs,), name="filing-browser", daemon=True
                )
                self._thread.start()
            thread = self._thread
        try:
            return future.result(self._stuck)
        except TimeoutError:
            if future.done():
                raise  # the work's own
            self._give_up(thread)
            raise BrowserStuck(f"The browser did not end within {self._stuck:g} s and was killed.") from None

    def _give_up(self, thread: threading.Thread) -> None:
        """Ends the driver with its Chromium; who comes next gets another thread."""
        with self._lock:
            left, is_ours = self._jobs, self._thread is thread
            if is_ours:
                self._thread, self._jobs = None, queue.SimpleQueue()
        while is_ours and not left.empty():
            if (job := left.get()) is not None:
                job[1].set_exception(BrowserStuck("The visit before this one did not end; this one did not begin."))
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.Error):
                if any("playwright" in word for word in child.cmdline()):
                    for one in (*child.children(recursive=True), child):
                        one.kill()

    def close(self) -> None:
        """Closes the browser now, if it is open."""
        if self._pid == os.getpid() and (thread := self._thread) is not None and thread.is_alive():
            self._jobs.put(None)
            thread.join(timeout=20)

    def _renewed(self) -> threading.Lock:
        """In a forked process: the thread was left behind, and the lock may have been held."""
        self._lock, self._jobs, self._thread, self._pid = threading.Lock(), queue.SimpleQueue(), None, os.getpid()
        return self._lock

    def _live(self, jobs: queue.SimpleQueue[_Job | None]) -> None:
        while True:
            job = jobs.get()
            while job is not None:
                job = self._with_a_browser(job, jobs)
            with self._lock:
                if self._jobs is not jobs:  # given up
                    return
                if jobs.empty():
                    self._thread = None
                    return

    def _with_a_browser(self, job: _Job, jobs: queue.SimpleQueue[_Job | None]) -> _Job | None:
        from pw_pipelines.resources.browser_search import a_browser

        try:
            with a_browser() as browser:
                return self._work(browser, job, jobs)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the browser gets it
            if not job[1].done():
                job[1].set_exception(error)
            return None

    def _work(self, browser: Browser, first: _Job, jobs: queue.SimpleQueue[_Job | None]) -> _Job | None:
        """Works jobs until the browser may rest or is gone; returns a job that is left for another browser."""
        job: _Job | None = first
        while job is not None:
            if not browser.is_connected():
                return job
            work, future = job
            try:
                future.set_result(work(browser))
            except BaseException as error:  # noqa: BLE001 - it is the caller's
                future.set_exception(error)
            try:
                job = jobs.get(timeout=self._rest)
            except queue.Empty:
                job = None
        return None
