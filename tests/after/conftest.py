"""What these tests share: a mail server on a port of its own, with its faults and its Maildirs; filed items."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from pydantic import SecretStr

from pw_pipelines.commerce.orders import ComplianceDetails, Details, NewCustomer, NewOrder, place
from pw_pipelines.commerce.quote import Basket
from pw_pipelines.db.connection import Database
from pw_pipelines.fulfillment import items
from pw_pipelines.fulfillment.ground import Ground
from pw_pipelines.fulfillment.playbook import playbook_of
from pw_pipelines.resources.objects import Objects
from pw_pipelines.sandbox.faults import Fault, FaultBook
from pw_pipelines.sandbox.mail import MailDrop, SandboxMail, drop_of
from pw_pipelines.settings import Settings, with_sandbox_addresses
from tests.commerce.making import CPNI, NOW, pay, price
from tests.fixtures_sandbox import SANDBOX_DAY, set_sandbox_day
from tests.fulfillment.conftest import House


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


@dataclass
class AfterHouse(House):
    """Books and ground whose stages are the real ones, and a post office."""

    post: PostOffice | None = None

    @property
    def post_office(self) -> PostOffice:
        assert self.post is not None
        return self.post

    def object(self, content: bytes) -> str:
        """Keeps bytes in the object store."""
        path = self.ground.settings.home / uuid.uuid4().hex
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return self.ground.objects.put(path)

    def ordered(
        self,
        basket: Basket = CPNI,
        details: Details | None = None,
        *,
        email: str | None = None,
        cures: tuple[str, ...] = (),
    ) -> list[int]:
        """A paid order, its items opened."""
        with self.connect() as connection:
            customer = NewCustomer(email or f"{uuid.uuid4().hex}@example.com", "Ada", "Northern Telephone LLC")
            new = NewOrder(
                customer, details or ComplianceDetails(frn="0012345678", carrier_name="Northern Telephone LLC")
            )
            placed = place(connection, new, price(basket), now=NOW)
            connection.execute(
                "update pw.order_items set cures = %s where order_id = %s", (list(cures), placed.order_id)
            )
            pay(connection, placed.order_id)
            return items.open_items(connection, now=NOW, order_id=placed.order_id)

    def filed(self, item_id: int, *, uploads_other: bool = False, confirmation: str = "CONF-77") -> None:
        """The item's documents signed, its filing confirmed, and the item at the stage `deliver`."""
        now = self.ground.clock.now()
        with self.connect() as connection:
            item = items.read_item(connection, item_id)
            uploads = {}
            for document in playbook_of(item.service).documents:
                signed = self.object(f"%PDF signed {document.template} {item_id}".encode())
                other = self.object(f"%PDF {document.template} {item_id}".encode())
                uploads[document.template] = hashlib.sha256(b"other").hexdigest() if uploads_other else signed
                connection.execute(
                    """insert into pw.item_documents (item_id, template, title, edition, template_digest, values_digest,
                         docx_digest, pdf_digest, signed_digest, is_signed_by_customer, pages, converted_by, made_at)
                       values (%s, %s, %s, 1, %s, %s, %s, %s, %s, true, 1, 'libreoffice', %s)""",
                    (item_id, document.template, document.title, "a" * 64, "b" * 64, other, other, signed, now),
                )
            row = connection.execute(
                """insert into pw.effects (key, item_id, kind, payload_digest, state, owner, intended_at, deadline_at)
                   values (%s, %s, 'filing', %s, 'intended', 'test', %s, %s) returning effect_id""",
                (f"filing:{item_id}", item_id, "c" * 64, now, now),
            ).fetchone()
            connection.execute(
                "update pw.effects set state = 'done', owner = null, done_at = %s, reference = %s, detail = %s "
                "where effect_id = %s",
                (now, confirmation, Jsonb({"uploads": uploads}), row["effect_id"]),
            )
            connection.execute("update pw.item_work set stage = 'deliver' where item_id = %s", (item_id,))

    def after(self, item_id: int) -> list[str]:
        """Delivers and books the item; what came of each stage."""
        return [self.advance(item_id, "deliver").came, self.advance(item_id, "book").came]

    def done(self, basket: Basket = CPNI, details: Details | None = None, **more: Any) -> int:
        """An item that was filed, delivered and booked."""
        [item_id] = self.ordered(basket, details, **more)
        self.filed(item_id)
        assert self.after(item_id) == ["done", "done"]
        return item_id

    def email(self, item_id: int) -> str:
        [row] = self.rows(
            "select email from pw.customers join pw.orders using (customer_id) join pw.item_work using (order_id) "
            "where item_id = %s",
            item_id,
        )
        return str(row["email"])

    def calendar(self) -> list[dict[str, Any]]:
        return self.rows("select * from pw.compliance_calendar order by entry_id")


@pytest.fixture
def house(db: Database, post_office: PostOffice, tmp_path: Path) -> AfterHouse:
    objects = (tmp_path / "objects").as_uri()
    seen = post_office.settings.model_copy(
        update={"database_url": SecretStr(db.url), "objects_url": objects, "settle_seconds": 0.0, "retry_minutes": 1.0,
                "word": "never"}
    )  # fmt: skip
    return AfterHouse(db, Ground(seen, db, Objects(objects)), post=post_office)
