"""The letter that goes with a delivery: drawn up once, and the same one delivered at every try."""

from __future__ import annotations

import io
import zipfile

from pw_pipelines.documents.converting import Converted
from tests.after.conftest import AfterHouse


class Office:
    """Converts by keeping the words; each PDF is another one, as real ones are."""

    def __init__(self) -> None:
        self.converted: list[bytes] = []

    def to_pdf(self, docx: bytes, job: str) -> Converted:
        self.converted.append(docx)
        return Converted(f"%PDF {len(self.converted)} {job}".encode(), 1, "libreoffice")

    def words(self) -> str:
        with zipfile.ZipFile(io.BytesIO(self.converted[-1])) as archive:
            return archive.read("word/document.xml").decode()


def test_the_letter_says_what_was_done_and_is_drawn_up_once(house: AfterHouse) -> None:
    office = house.ground.__dict__["converter"] = Office()
    [item_id] = house.ordered()
    house.filed(item_id)
    house.post_office.misbehave("status", status=451)
    assert house.advance(item_id, "deliver").came == "gate"
    assert "CONF-77" in office.words() and "Northern Telephone LLC" in office.words()
    with house.connect() as connection:
        connection.execute("update pw.item_work set state = 'ready', gate = null, not_before = null")
    assert house.advance(item_id, "deliver").came == "done"

    assert len(office.converted) == 1, "the letter of the first try was delivered"
    (mail,) = house.post_office.mails(house.email(item_id))
    sent = {part.get_filename(): part.get_content() for part in mail.iter_attachments()}
    assert sent["Delivery letter.pdf"].startswith(b"%PDF 1 ")
    [row] = house.rows("select * from pw.item_documents where template = 'delivery_letter'")
    assert not row["is_signed_by_customer"] and row["signed_digest"] is None


def test_what_the_letter_lacks_is_named_before_anything_is_sent(house: AfterHouse) -> None:
    house.ground.__dict__["converter"] = Office()
    house.ground.settings = house.ground.settings.model_copy(update={"firm_address": ""})
    [item_id] = house.ordered()
    house.filed(item_id)
    assert house.advance(item_id, "deliver").came == "gate"
    row = house.row(item_id)
    assert row["gate"] == "details" and row["gate_detail"]["missing"] == ["firm_address"]
    assert house.post_office.archived == []
