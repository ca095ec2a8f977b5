"""The machine that converts: looks for documents in the object store, claims, converts, publishes, and beats its heart.

    python -m pw_pipelines.documents.word_worker [--poll 12] [--once]

Here with LibreOffice in Word's place, for the sandbox. What drives Word itself gives `Worker` another `convert`.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version

import psutil

from pw_pipelines.documents.docserver import WAITING, Claim, DocServer, Heartbeat, is_job, now_text
from pw_pipelines.documents.jobs import publish_failure, publish_result, result_of
from pw_pipelines.errors import OutsideUnavailable, PwError
from pw_pipelines.settings import Settings, load_settings

POLL_SECONDS = 12.0
BEAT_SECONDS = 60.0
DRAFTS_SECONDS = 3600.0
RESULTS_SECONDS = 7 * 86400.0
SWEEP_POLLS = 100
log = logging.getLogger(__name__)


class Worker:
    """One converting machine.

    convert       makes a PDF of a DOCX; what it raises is the document's fault, but for OutsideUnavailable
    stale_seconds after which a document that another worker claimed is taken over
    """

    def __init__(
        self,
        server: DocServer,
        convert: Callable[[bytes], bytes],
        *,
        word_version: str,
        stale_seconds: float,
        poll_seconds: float = POLL_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
        name: str | None = None,
    ) -> None:
        self.server = server
        self.convert = convert
        self.machine = name or socket.gethostname()
        self.name = f"{self.machine}/{os.getpid()}/{uuid.uuid4().hex[:8]}"  # another one after each start
        self.word_version = word_version
        self.stale_seconds = stale_seconds
        self.poll_seconds, self.beat_seconds = poll_seconds, beat_seconds
        self.stopping = threading.Event()
        self._last_job: str | None = None
        self._current: tuple[str, str] | None = None

    def run(self) -> None:
        """Until `stopping` is set. The heart beats in a thread of its own, and says what is being worked."""
        heart = threading.Thread(target=self._beat_on, daemon=True)
        self.beat()
        heart.start()
        polls = 0
        while not self.stopping.is_set():
            try:
                worked = self.run_once()
                polls += 1
                if polls % SWEEP_POLLS == 1:
                    self.server.sweep(drafts_seconds=DRAFTS_SECONDS, results_seconds=RESULTS_SECONDS)
            except OutsideUnavailable as away:
                log.warning("%s", away)
                worked = 0
            if not worked:
                self.stopping.wait(self.poll_seconds)
        heart.join(self.beat_seconds)

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
                self.name,
                os.getpid(),
                now_text(),
                version("pw-pipelines"),
                self.word_version,
                self._last_job,
                job,
                since,
            )
        )

    def _claim(self, job: str) -> Claim | None:
        """Ours when nobody has it, when we had it before we were started anew, or when another's is long dead."""
        before = self.server.claim_of(job)
        if before is not None and not self._is_abandoned(before):
            return None
        return self.server.claim(job, by="word", worker=self.name, after=before)

    def _is_abandoned(self, claim: Claim) -> bool:
        if claim.by != "word" or claim.worker == self.name:
            return False
        machine, _, process = claim.worker.partition("/")
        pid = process.split("/")[0]
        if machine == self.machine and pid.isdecimal() and (int(pid) == os.getpid() or not psutil.pid_exists(int(pid))):
            return True  # we ourselves, before we were started anew
        age = self.server.age_seconds(claim.key)
        return age is not None and age > self.stale_seconds

    def _work(self, claim: Claim) -> None:
        source = f"{WAITING}/{claim.job}.docx"
        docx = self.server.get(source)
        if docx is None:  # done and taken away between our look and our claim
            self.server.delete(claim.key)
            return
        if result_of(self.server, claim.job, docx):  # published before a crash
            self.server.delete(source)
            return
        self._current = (claim.job, now_text())
        try:
            self.beat()
            pdf = self.convert(docx)
            if not publish_result(self.server, claim, docx, pdf):
                log.warning("%s was taken over by another meanwhile", claim.job)
        except OutsideUnavailable:
            if self.server.holds(claim):
                self.server.delete(claim.key)  # not the document's fault: somebody may try again
            raise
        except Exception as error:  # noqa: BLE001 - Word raises whatever it likes
            log.warning("%s can't be converted: %s", claim.job, error)
            publish_failure(self.server, claim, docx, f"{type(error).__name__}: {error}")
        finally:
            self._last_job, self._current = claim.job, None
        with suppress(OutsideUnavailable):
            self.beat()

    def _beat_on(self) -> None:
        while not self.stopping.wait(self.beat_seconds):
            try:
                self.beat()
            except PwError as error:
                log.warning("no heartbeat: %s", error)


def libreoffice_worker(settings: Settings, *, poll_seconds: float = POLL_SECONDS) -> Worker:
    """A worker for these settings' object store, with LibreOffice in Word's place."""
    from pw_pipelines.documents.converting import Converter

    converter = Converter(settings)
    return Worker(
        converter.server, converter.office.to_pdf, word_version="LibreOffice in Word's place",
        stale_seconds=converter.stale_seconds, poll_seconds=poll_seconds,
        beat_seconds=min(BEAT_SECONDS, converter.stale_seconds / 5),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--poll", type=float, default=POLL_SECONDS, help="seconds between two looks")
    parser.add_argument("--once", action="store_true", help="work what waits now, then end")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    worker = libreoffice_worker(load_settings(), poll_seconds=asked.poll)
    if asked.once:
        worker.run_once()
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stopping.set())
    worker.run()


if __name__ == "__main__":
    main()
