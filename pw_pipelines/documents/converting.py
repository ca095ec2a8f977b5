"""DOCX to PDF: by Word while its worker is alive, by LibreOffice otherwise, never by both for one document."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pw_pipelines import faults
from pw_pipelines.documents.docserver import NOBODY, WAITING, DocServer
from pw_pipelines.documents.jobs import failure_of, hand_in, job_name, result_of
from pw_pipelines.documents.office import SUPERVISED, OfficeAway, OfficeFailed, WarmOffice, cold_pdf
from pw_pipelines.documents.pdf import BadPdf, pages_of
from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import Settings

LOOK_SECONDS = (0.1, 1.0)  # between two looks for a result: the first, the longest
ALIVE_SECONDS = 5.0  # for which an answer about the worker holds
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Converted:
    """A PDF with its number of pages, and by what it was made."""

    pdf: bytes
    pages: int
    converted_by: Literal["word", "libreoffice"]


class Converter:
    """Makes PDFs. One per process is enough; all processes of a home share one warm LibreOffice."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.stale_seconds = float(settings.word_stale_seconds)
        self._alive_until, self._alive = 0.0, False

    def to_pdf(self, docx: bytes, job: str) -> Converted:
        """The PDF of a DOCX. job: a plain name for it, ours, such as the order's number and the template.

        Raises OutsideRefused when neither Word nor LibreOffice can, OutsideUnavailable when the object store is away,
        ConfigError when LibreOffice is needed and not installed. Asked again after a crash it goes on where it was.
        """
        return self.to_pdfs([(docx, job)])[0]

    def to_pdfs(self, documents: Sequence[tuple[bytes, str]]) -> list[Converted]:
        """Several at once, as `to_pdf`: Word is given all of them before the first is waited for."""
        named = [(job_name(job, docx), docx) for docx, job in documents]
        if self.settings.word == "auto" and self._is_word_alive():
            for name, docx in named:
                self._hand_in(name, docx)
        return [self._one(name, docx) for name, docx in named]

    @cached_property
    def server(self) -> DocServer:
        return DocServer(self.settings.docserver_url or (self.settings.home / "docserver").resolve().as_uri())

    @cached_property
    def office(self) -> WarmOffice:
        home = self.settings.home.resolve()
        supervised = os.environ.get(SUPERVISED)
        lock = home / "run" / "up.lock" if supervised and Path(supervised).resolve() == home else None
        return WarmOffice(home / "office", lock)

    def _one(self, name: str, docx: bytes) -> Converted:
        if self.settings.word == "auto" and self._word_was_ever_there():
            found = self._by_word(name, docx)
            if found is not None:
                self.server.clear(name)
                return found
            made = self._by_office(docx)
            self.server.clear(name)
            return made
        return self._by_office(docx)

    def _hand_in(self, name: str, docx: bytes) -> None:
        """Gives it to Word, unless that was done, or LibreOffice had begun with it, before we were killed."""
        if self.server.exists(f"{WAITING}/{name}.docx") or self._is_claimed_by_us(name):
            return
        if result_of(self.server, name, docx) is None:
            hand_in(self.server, name, docx)
            faults.point("documents.convert.handed_in")

    def _is_claimed_by_us(self, name: str) -> bool:
        claim = self.server.claim_of(name)
        return claim is not None and claim.by == "libreoffice"

    def _by_word(self, name: str, docx: bytes) -> Converted | None:
        """Word's PDF; None when the document is ours to convert, its claim included."""
        if self._is_claimed_by_us(name):
            return None
        pause, waited_since = LOOK_SECONDS[0], time.monotonic()
        while True:
            waits = self.server.exists(f"{WAITING}/{name}.docx")  # asked first: a result is there before it goes
            if found := result_of(self.server, name, docx):
                return Converted(found.pdf, found.pages, "word")
            reason = failure_of(self.server, name, docx)
            if reason is not None:
                log.warning("Word could not convert %s: %s", name, reason)
            elif not waits:
                return None
            is_late = time.monotonic() - waited_since > self.stale_seconds and self._is_forgotten(name)
            if (reason is not None or is_late or not self._is_word_alive()) and self._take(name):
                found = result_of(self.server, name, docx)  # it came in the last moment: nothing is made twice
                return Converted(found.pdf, found.pages, "word") if found else None
            time.sleep(pause)
            pause = min(pause * 1.5, LOOK_SECONDS[1])

    def _is_forgotten(self, name: str) -> bool:
        """Whether the living worker is not at it: nobody holds it, or has held it for as long as makes one dead."""
        claim = self.server.claim_of(name)
        if claim is None or claim.by == NOBODY:
            return True
        age = self.server.age_seconds(claim.key)
        return age is not None and age > self.stale_seconds

    def _take(self, name: str) -> bool:
        """Claims a document for LibreOffice, from a worker that died too. False when somebody else was quicker."""
        before = self.server.claim_of(name)
        if before is not None and before.by == "libreoffice":
            return True  # ours, before we were killed: a document has one caller at a time
        taken = self.server.claim(name, by="libreoffice", worker=socket.gethostname(), after=before)
        faults.point("documents.convert.claimed")
        return taken is not None

    def _is_word_alive(self) -> bool:
        if time.monotonic() >= self._alive_until:
            self._alive = self.server.worker_alive(self.stale_seconds)
            self._alive_until = time.monotonic() + min(ALIVE_SECONDS, self.stale_seconds / 2)
        return self._alive

    def _word_was_ever_there(self) -> bool:
        return self._is_word_alive() or self.server.heartbeat() is not None

    def _by_office(self, docx: bytes) -> Converted:
        ways: list[Callable[[bytes], bytes]] = [self.office.to_pdf, cold_pdf]
        for number, way in enumerate(ways, start=1):
            try:
                pdf = way(docx)
                return Converted(pdf, pages_of(pdf), "libreoffice")
            except (OfficeFailed, OfficeAway, BadPdf, ConfigError) as error:
                if number == len(ways):
                    raise
                log.warning("the warm LibreOffice failed (%s); a cold one is tried", error)
        raise AssertionError
