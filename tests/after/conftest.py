"""What these tests share: a mail server on a port of its own, with its faults and its Maildirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from pw_pipelines.sandbox.faults import Fault, FaultBook
from pw_pipelines.sandbox.mail import MailDrop, SandboxMail, drop_of
from pw_pipelines.settings import Settings, with_sandbox_addresses
from tests.fixtures_sandbox import SANDBOX_DAY, set_sandbox_day


@dataclass(frozen=True)
class PostOffice:
    """A running mail server and the settings that lead to it."""

    settings: Settings
    book: FaultBook
    drop: MailDrop

    def misbehave(self, fault: str, **more: Any) -> None:
        self.book.add(Fault(system="smtp", fault=fault, **more))

    def mails(self, address: str) -> list[EmailMessage]:
        """What lies in an inbox, oldest first."""
        parser = BytesParser(policy=default)
        return [parser.parsebytes(path.read_bytes()) for _, path in reversed(self.drop.mails(address))]

    @property
    def archived(self) -> list[Path]:
        return sorted((self.drop.folder / "archive" / "new").iterdir())


@pytest.fixture
def post_office(tmp_path: Path) -> Iterator[PostOffice]:
    """A mail server of this test's own, and a home at SANDBOX_DAY."""
    settings = Settings(home=tmp_path / "home")
    set_sandbox_day(settings, SANDBOX_DAY)
    book = FaultBook()
    drop = drop_of(settings.home, with_sandbox_addresses(settings).mail_archive)
    server = SandboxMail(drop, book)
    port = server.start(0)
    try:
        yield PostOffice(with_sandbox_addresses(settings.model_copy(update={"sandbox_smtp_port": port})), book, drop)
    finally:
        server.stop()
