"""The machine that converts: looks for documents in the object store, claims, converts, publishes, and beats its heart.

Started by `python -m docserver run` (docserver/), which gives it Word, or LibreOffice in Word's place.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress

from pw_pipelines.documents.docserver import NOBODY, PROTOCOL, WAITING, Claim, DocServer, Heartbeat, is_job, now_text
from pw_pipelines.documents.jobs import publish_failure, publish_result, published
from pw_pipelines.errors import OutsideUnavailable, PwError

POLL_SECONDS = 12.0
BEAT_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 60.0  # between two tries while the store or Word is away, for hours if need be
DRAFTS_SECONDS = 3600.0
RESULTS_SECONDS = 7 * 86400.0
SWEEP_POLLS = 100
SYNCHRONIZE, ACCESS_DENIED = 0x0010_0000, 5  # of Windows
log = logging.getLogger(__name__)


class Worker:
    """One converting machine.

    convert       makes a PDF of a DOCX; what it raises is the document's fault, but for OutsideUnavailable: then
                  nothing can be converted now, and the heart says so
    ready         raises OutsideUnavailable while nothing can be converted; asked at the start and after such trouble
    stale_seconds after which a document that another worker claimed is taken over
    """

    def __init__(
        self,
        server: DocServer,
        convert: Callable[[bytes], bytes],
        *,
        word_version: str,
        stale_seconds: float,
        ready: Callable[[], None] = lambda: None,
        version: str = PROTOCOL,
        poll_seconds: float = POLL_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
        name: str | None = None,
    ) -> None:
        self.server = server
        self.convert, self.ready = convert, ready
        self.machine = name or socket.gethostname()
        self.name = f"{self.machine}/{os.getpid()}/{uuid.uuid4().hex[:8]}"  # another one after each start
        self.version, self.word_version = version, word_version
        self.stale_seconds = stale_seconds
        self.poll_seconds, self.beat_seconds = poll_seconds, beat_seconds
        self.stopping = threading.Event()
        self.trouble: str | None = None
        self._last_job: str | None = None
        self._current: tuple[str, str] | None = None
        self._kept: tuple[str, bytes] | None = None  # a claim's token, and its PDF that could not be published

    def run(self) -> None:
        """Until `stopping` is set. The heart beats in a thread of its own, and says what is being worked.

        A store or a Word that is away is waited for. Raises OutsideRefused when the store says no.
        """
        self.trouble = "starting"
        heart = threading.Thread(target=self._beat_on, daemon=True)
        heart.start()
        polls = failures = 0
        while not self.stopping.is_set():
            try:
                if self.trouble:
                    self._get_ready()
                worked = self.run_once()
                failures = 0
                if polls % SWEEP_POLLS == 0:
                    self.server.sweep(drafts_seconds=DRAFTS_SECONDS, results_seconds=RESULTS_SECONDS)
                polls += 1
                pause = 0.0 if worked else self.poll_seconds
            except OutsideUnavailable as away:
                failures += 1
                pause = min(self.poll_seconds * 2 ** min(failures - 1, 10), LONGEST_PAUSE_SECONDS)
                log.warning("%s Tried again in %.0f s.", away, pause)
            if pause:
                self.stopping.wait(pause)
        heart.join(self.beat_seconds)
        self.trouble = "stopped"
        with suppress(PwError):
            self.beat()

    def run_once(self) -> int:
        """Works what waits now; returns how many documents were claimed."""
        worked = 0
        for file in self.server.names(WAITING):
            job = file.removesuffix(".docx")
            if self.stopping.is_set():
                break
            if file == job or not is_job(job):
                continue
            if claim := self._claim(job):
                worked += 1
                self._work(claim)
        return worked

    def beat(self) -> None:
        """One heartbeat."""
        job, since = self._current or (None, None)
        self.server.beat(
            Heartbeat(
                self.name, os.getpid(), now_text(), self.version, self.word_version,
                self._last_job, job, since, self.trouble,
            )
        )  # fmt: skip

    def _get_ready(self) -> None:
        try:
            self.ready()
        except OutsideUnavailable as away:
            self._in_trouble(away)
            raise
        self.trouble = None
        self.beat()

    def _in_trouble(self, away: OutsideUnavailable) -> None:
        """Told at once, so that nobody waits for us."""
        self.trouble = str(away)
        with suppress(OutsideUnavailable):
            self.beat()

    def _claim(self, job: str) -> Claim | None:
        """Ours when nobody has it, when we had it before, or when another's is long dead."""
        before = self.server.claim_of(job)
        if before is not None and before.worker == self.name and before.by == "word":
            return before  # the store went away while we worked it
        if before is not None and not self._is_abandoned(before):
            return None
        return self.server.claim(job, by="word", worker=self.name, after=before)

    def _is_abandoned(self, claim: Claim) -> bool:
        if claim.by != "word":
            return claim.by == NOBODY
        machine, _, process = claim.worker.partition("/")
        pid = process.split("/")[0]
        if machine == self.machine and pid.isdecimal() and (int(pid) == os.getpid() or not is_running(int(pid))):
            return True  # we ourselves, before we were started anew
        age = self.server.age_seconds(claim.key)
        return age is not None and age > self.stale_seconds

    def _work(self, claim: Claim) -> None:
        source = f"{WAITING}/{claim.job}.docx"
        docx = self.server.get(source)
        if docx is None:  # done and taken away between our look and our claim
            self.server.delete(claim.key)
            return
        if published(self.server, claim.job, docx):  # before a crash
            self.server.delete(source)
            return
        self._current = (claim.job, now_text())
        try:
            self._convert(claim, docx)
        finally:
            self._last_job, self._current = claim.job, None
        with suppress(OutsideUnavailable):
            self.beat()

    def _convert(self, claim: Claim, docx: bytes) -> None:
        """Raises OutsideUnavailable when the store or Word goes away; the claim and a PDF that is there are kept."""
        self.beat()
        try:
            pdf = self._kept[1] if self._kept and self._kept[0] == claim.token else self.convert(docx)
        except OutsideUnavailable as away:
            self._in_trouble(away)
            if self.server.holds(claim):
                self.server.give_back(claim)  # not the document's fault: somebody may try
            raise
        except Exception as error:  # noqa: BLE001 - Word raises whatever it likes
            log.warning("%s can't be converted: %s", claim.job, error)
            publish_failure(self.server, claim, docx, f"{type(error).__name__}: {error}")
            return
        self._kept = (claim.token, pdf)
        try:
            if not publish_result(self.server, claim, docx, pdf):
                log.warning("%s was taken over by another meanwhile", claim.job)
        except OutsideUnavailable:
            raise
        except PwError as error:  # no whole PDF
            publish_failure(self.server, claim, docx, f"{type(error).__name__}: {error}")
        self._kept = None

    def _beat_on(self) -> None:
        while not self.stopping.is_set():
            try:
                self.beat()
            except PwError as error:
                log.warning("no heartbeat: %s", error)
            self.stopping.wait(self.beat_seconds)


def is_running(pid: int) -> bool:
    """Whether a process of this machine has the id."""
    if sys.platform == "win32":  # where os.kill(pid, 0) would end it
        import ctypes

        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        handle = kernel.OpenProcess(SYNCHRONIZE, False, pid)
        if not handle:
            return ctypes.get_last_error() == ACCESS_DENIED
        ended = kernel.WaitForSingleObject(handle, 0) == 0
        kernel.CloseHandle(handle)
        return not ended
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
