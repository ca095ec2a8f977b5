"""The desk, the order's page and the details form in a real browser without scripts, on a phone and on a desk."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from pw_pipelines.fulfillment.private_data import Vault
from pw_pipelines.portal import desk_users
from tests.commerce.making import NOW
from tests.desk.making import paid_order
from tests.portal.desk_making import PASSWORD, Desk, desk
from tests.portal.small_pdf import small_pdf
from tests.portal.test_browser import held_up, page, shot

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["desk", "page"]


def picture(text: str) -> bytes:
    """A portal's page as a picture."""
    image = Image.new("RGB", (1280, 620), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 1280, 70), fill="#123a5a")
    for line in range(6):
        draw.rectangle((60, 130 + line * 70, 900, 170 + line * 70), outline="#667")
        draw.text((72, 142 + line * 70), f"{text} {line + 1}", fill="black", font_size=18)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def log_in(page: Page, desk: Desk, role: str = "admin") -> None:
    with desk.db.connect() as connection:
        desk_users.add_user(connection, "rita", role, PASSWORD, now=desk.settings.clock.now())
    page.goto(f"{desk.web.url}/desk")
    held_up(page)
    page.get_by_label("Name").fill("rita")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    assert page.get_by_role("heading", level=1).inner_text() == "What waits"


def busy(desk: Desk) -> dict[str, int]:
    """Items at many gates."""
    found = {}
    gates = (
        ("details", "3 details are missing.", "prepare"),
        ("signature", "The signer is asked to sign 2 documents.", "signature"),
        ("packet", "The portal’s terms forbid programs; a person files it with the packet prepared.", "file"),
        ("challenge", "The portal asks for a person: a picture with letters.", "file"),
        ("pacing", "A pause between two filings.", "file"),
        ("error", "Tried 7 times; the last time: the portal is away.", "confirm"),
    )  # fmt: skip
    for number, (gate, why, stage) in enumerate(gates):
        item = desk.item(frn=f"00000000{number + 1:02}", email=f"customer{number}@example.com")
        with desk.db.connect() as connection:
            connection.execute(
                "update pw.compliance_orders set carrier_name = %s where order_id = (select order_id from pw.item_work "
                "where item_id = %s)", (f"Blue Mesa Communications & Söhne of the {number + 1}th District, LLC", item),
            )  # fmt: skip
            connection.execute(
                "insert into pw.item_answers values (%s, 'prior_year', '2025', 'firm', %s, 'prepare')", (item, NOW)
            )
        desk.waits(item, gate, why, stage=stage)
        found[gate] = item
    return found


FIELDS = {
    "Filer name": "Blue Mesa Communications, LLC", "FRN": "0012345678", "Contact email": "compliance@bluemesa.example",
    "Proceeding": "06-36", "Certification year": "2026", "Statement": "The company has procedures " * 12,
}  # fmt: skip


def test_a_reviewer_logs_in_compares_and_approves(page: Page, desk: Desk, tmp_path: Path) -> None:
    busy(desk)
    item = desk.item()
    reviewer = desk.person("reviewer", "earlier")
    first = desk.form(item, {**FIELDS, "Certification year": "2025"}, pictures=[])
    reviewer.post(f"/desk/items/{item}/review", {"do": "return", "digest": first, "note": "The year."})
    digest = desk.form(item, FIELDS, pictures=[picture("Field")])
    desk.document(item, small_pdf("Certificate"), signed=small_pdf("Certificate, signed"))
    desk.effect(item, "mail:signature_request:1", state="done", kind="signature_request_mail")
    desk.effect(item, "filing:cpni:0012345678:2026")
    log_in(page, desk)
    held_up(page)
    shot(page, tmp_path, "queue")
    page.get_by_role("link", name="Look at the form").click()
    held_up(page)
    shot(page, tmp_path, "review")
    assert page.get_by_text("1 difference").is_visible()
    approve = page.get_by_role("button", name="Approve this form")
    assert approve.bounding_box()["y"] < page.viewport_size["height"], "in sight before anything is scrolled"  # type: ignore[index]
    page.screenshot(path=tmp_path / f"review-top-{page.viewport_size['width']}.png")  # type: ignore[index]
    page.get_by_role("link", name="signed PDF").click()
    held_up(page)
    shot(page, tmp_path, "document")
    assert page.locator("figure img").first.evaluate("e => e.decode().then(() => e.naturalWidth)") > 500
    page.go_back()
    page.get_by_role("button", name="Return it").click()
    assert "Nothing was returned" in page.get_by_role("alert").inner_text()
    held_up(page)
    assert page.locator("figure img").first.evaluate("e => e.decode().then(() => e.naturalWidth)") == 1280
    page.get_by_role("button", name="Approve this form").click()
    assert page.get_by_role("status").inner_text() == "Approved. The item goes on."
    held_up(page)
    shot(page, tmp_path, "item")
    decided = desk.row('select decision, "by" from pw.approvals where form_digest = %s', digest)
    assert decided == {"decision": "approved", "by": "rita"}


def test_ops_book_a_filing_by_hand_and_a_reviewer_settles_an_effect(page: Page, desk: Desk, tmp_path: Path) -> None:
    items = busy(desk)
    effect = desk.effect(items["error"], "filing:cpni:0012345678:2026")
    desk.waits(items["error"], "duplicate", stage="prepare", shown="The CPNI filing of this FRN is on record.")
    log_in(page, desk)
    page.goto(f"{desk.web.url}/desk/items/{items['error']}")
    held_up(page)
    shot(page, tmp_path, "duplicate")
    page.goto(f"{desk.web.url}/desk/items/{items['packet']}")
    held_up(page)
    shot(page, tmp_path, "packet")
    page.get_by_label("Number of the filing").fill("RMD0012345")
    page.get_by_label("The portal’s confirmation").set_input_files(
        files={"name": "c.pdf", "mimeType": "application/pdf", "buffer": small_pdf("confirmation")}
    )
    page.get_by_role("button", name="Book as filed").click()
    assert "Booked as filed" in page.get_by_role("status").inner_text()
    page.goto(f"{desk.web.url}/desk/effects/{effect}")
    held_up(page)
    shot(page, tmp_path, "effect")
    page.get_by_label("How you know").fill("Its number stands on the portal.")
    page.get_by_label("Its reference").fill("2026112200042")
    page.get_by_role("button", name="It happened").click()
    assert page.get_by_role("status").inner_text() == "Settled."
    for path in ("/desk/effects", "/desk/portals", "/desk/payments", "/desk/log", f"/desk/items/{items['details']}"):
        page.goto(f"{desk.web.url}{path}")
        held_up(page)
        shot(page, tmp_path, path.rsplit("/", 1)[1])
    page.get_by_role("button", name="Log out").click()
    assert page.get_by_role("button", name="Log in").is_visible()


def test_a_customer_sees_where_it_stands_and_gives_the_details(page: Page, desk: Desk, tmp_path: Path) -> None:
    with desk.db.connect() as connection:
        order, (first, second) = paid_order(connection, "cpni_certification", "rmd_filing")
        connection.execute("update pw.item_work set due_on = '2027-03-01' where item_id = %s", (first,))
        Vault(desk.settings).put(connection, second, "signer_name", "Ann Example", now=NOW)
    desk.waits(second, "details")
    desk.document(first, small_pdf("plain"), signed=small_pdf("signed"))
    desk.effect(first, "filing:cpni:1", state="done")
    with desk.db.connect() as connection:
        connection.execute("update pw.item_work set stage = 'confirm' where item_id = %s", (first,))
    page.goto(f"{desk.web.url}/orders/{order.token}")
    held_up(page)
    shot(page, tmp_path, "order")
    page.get_by_role("link", name="Give the details").click()
    held_up(page)
    shot(page, tmp_path, "details")
    assert "Ann Example" not in page.content()
    page.get_by_label("Email address the signature link goes to").fill("ann@signer")
    page.get_by_label("Title of the person who signs").fill("President")
    page.get_by_role("button", name="Send the details").click()
    held_up(page)
    shot(page, tmp_path, "details-wrong")
    assert page.get_by_role("alert").is_visible()
    page.get_by_label("Email address the signature link goes to").fill("ann@signer.example")
    page.get_by_role("button", name="Send the details").click()
    assert "Kept. These are still missing." in page.get_by_role("status").inner_text()
    assert "ann@signer.example" not in page.content()
