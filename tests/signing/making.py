"""Items with documents to be signed, a mailbox, and the ways a signer or an attacker may act."""

from __future__ import annotations

import io
import re
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from pw_pipelines.documents.signing import ceremony, chain, requests
from pw_pipelines.documents.signing.ceremony import Signing
from pw_pipelines.documents.signing.keys import LinkKeys, link_keys
from pw_pipelines.documents.signing.requests import Request
from pw_pipelines.fulfillment import engine, items
from pw_pipelines.fulfillment.stages import signature
from tests.fulfillment.conftest import House

NAME, EMAIL, TITLE = "Ada Q. Lovelace", "ada@example.com", "Chief Executive Officer"
STROKES = "100,200 150,100 200,220 250,80 300,200 350,150 420,210 500,120 600,180;620,90 640,200 700,150"


def make_pdf(text: str = "A certificate", *, pages: int = 1, marker: bool = True) -> bytes:
    """A PDF with lines of text and, on its last page, the place for the signature in white."""
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(612, 792), invariant=1)
    for number in range(pages):
        canvas.setFont("Helvetica", 12)
        canvas.drawString(72, 700, f"{text}, page {number + 1}")
        if marker and number == pages - 1:
            canvas.line(72, 300, 300, 300)
            canvas.setFillGray(1)
            canvas.drawString(72, 302, "[[signature]]")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


@dataclass
class Mailbox:
    """A mail server that keeps what it was given. `breaks`: how many of the next mails it takes without saying so."""

    sent: list[EmailMessage] = field(default_factory=list)
    breaks: int = 0
    domain: str = "performancewest.example"

    def send(self, message: EmailMessage) -> str:
        from pw_pipelines.resources.mail import MailUncertain

        self.sent.append(message)
        if self.breaks:
            self.breaks -= 1
            raise MailUncertain("The connection broke.")
        return str(message["Message-ID"])

    def was_sent(self, message_id: str) -> Any:
        from pw_pipelines.resources.mail import MailSeen

        return MailSeen(any(one["Message-ID"] == message_id for one in self.sent), "The mailbox was looked into.")

    def text(self, number: int = -1) -> str:
        body = self.sent[number].get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    def token(self, number: int = -1) -> str:
        [token] = re.findall(r"/sign/(\S+)", self.text(number))
        return token

    def subjects(self) -> list[str]:
        return [str(one["Subject"]).split(":")[0] for one in self.sent]


@dataclass
class Scene:
    """One paid CPNI item whose documents are drawn up and whose signer is known."""

    house: House
    item_id: int
    mailbox: Mailbox

    @property
    def keys(self) -> LinkKeys:
        return link_keys(self.house.ground.settings)

    @property
    def now(self) -> datetime:
        return self.house.ground.clock.now()

    def move(self, **span: float) -> None:
        """Moves the clock on."""
        clock = self.house.ground.clock
        clock.set_offset(clock.offset() + timedelta(**span))

    def put_signer(self, name: str = NAME, email: str = EMAIL, title: str = TITLE) -> None:
        vault = self.house.ground.vault
        with self.house.connect() as connection:
            vault.put(connection, self.item_id, "signer_name", name, now=self.now)
            vault.put(connection, self.item_id, "signer_email", email, now=self.now)
            connection.execute(
                """insert into pw.item_answers (item_id, name, value, source, given_at, given_by)
                   values (%s, 'signer_title', %s, 'customer', %s, 'test')
                   on conflict (item_id, name) do update set value = excluded.value""",
                (self.item_id, title, self.now),
            )

    def draw_up(self, template: str, title: str, pdf: bytes) -> int:
        """A document's next edition."""
        digest = self.put(pdf)
        with self.house.connect() as connection:
            row = connection.execute(
                """insert into pw.item_documents (item_id, template, title, edition, template_digest, values_digest,
                     docx_digest, pdf_digest, is_signed_by_customer, pages, converted_by, made_at)
                   select %(item)s, %(template)s, %(title)s,
                     coalesce((select max(edition) from pw.item_documents
                               where item_id = %(item)s and template = %(template)s), 0) + 1,
                     %(none)s, %(none)s, %(none)s, %(pdf)s, true, %(pages)s, 'libreoffice', %(now)s
                   returning document_id""",
                {
                    "item": self.item_id, "template": template, "title": title, "pdf": digest, "now": self.now,
                    "none": self.put(b"a DOCX"), "pages": pdf.count(b"/Type /Page\n") or 1,
                },
            ).fetchone()  # fmt: skip
        return int(row["document_id"])

    def put(self, content: bytes) -> str:
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            return self.house.ground.objects.put(Path(file.name))

    def object(self, digest: str) -> bytes:
        with self.house.ground.objects.open(digest) as file:
            return file.read()

    def work(self) -> engine.Outcome:
        """One run of the stage, as the engine works it."""
        return self.house.advance(self.item_id, "signature")

    def reopen(self) -> None:
        """A person, or a clock, lets the item go on."""
        with self.house.connect() as connection:
            items.retry(connection, self.item_id, by="test", why="Go on.", now=self.now)

    def asked(self) -> str:
        """The token of the link in the mail, after a run that asked."""
        outcome = self.work()
        assert outcome.came == "gate", outcome
        assert outcome.text.startswith("signature:"), outcome
        return self.mailbox.token()

    def request(self) -> Request:
        with self.house.connect() as connection:
            found = requests.latest(connection, self.item_id)
        assert found is not None
        return found

    def sign(self, token: str, **changed: Any) -> str:
        sent = Signing(
            **{
                "typed_name": NAME, "strokes": "", "consents": True, "declares": True, "ip": "203.0.113.7",
                "user_agent": "Browser/1.0", **changed,
            }
        )  # fmt: skip
        with self.house.connect() as connection:
            _, outcome = ceremony.sign(connection, self.keys, self.house.ground.vault, token, sent, now=self.now)
        return outcome

    def decline(self, token: str, reason: str = "") -> None:
        with self.house.connect() as connection:
            ceremony.decline(connection, self.keys, self.house.ground.vault, token, reason, now=self.now)

    def open(self, token: str) -> Request:
        with self.house.connect() as connection:
            return ceremony.open_link(connection, self.keys, token, now=self.now)

    def chain(self) -> list[chain.Event]:
        with self.house.connect() as connection:
            return chain.read_chain(connection, self.item_id)

    def types(self) -> list[str]:
        return [one.type for one in self.chain()]

    def documents(self) -> list[dict[str, Any]]:
        return self.house.rows("select * from pw.item_documents where item_id = %s order by document_id", self.item_id)


def make_scene(house: House, *, moment: datetime | None = None) -> Scene:
    """A scene at the stage `signature`, whose clock stands at `moment`."""
    moment = moment or datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
    house.ground.clock.set_offset(moment - datetime.now(UTC))
    mailbox = house.ground.__dict__.setdefault("mail", Mailbox())
    house.stages["signature"] = signature.run
    scene = Scene(house, house.paid_item(), mailbox)
    scene.put_signer()
    scene.draw_up("cpni_certificate", "CPNI certificate", make_pdf(f"The certificate {scene.item_id}"))
    scene.draw_up("cpni_statement", "CPNI statement", make_pdf("The statement", pages=2))
    with house.connect() as connection:
        connection.execute("update pw.item_work set stage = 'signature' where item_id = %s", (scene.item_id,))
    return scene
