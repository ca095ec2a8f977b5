"""CORES: the public registration page of one FRN. One row per look-up; an unknown FRN's page has an empty body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from pw_pipelines import frn as frns
from pw_pipelines import names
from pw_pipelines.clock import EASTERN
from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources import cells, replies
from pw_pipelines.sources.body import is_html, opened, title
from pw_pipelines.sources.report import ReadReport
from pw_pipelines.sources.tally import Tally

SOURCE = "fcc_cores"
SITE_TITLE = "FCC Registration"  # begins the title of every page of the site, found or not

# Label with blanks, colon and case removed -> field. `business…` are the labels of 2021.
_LABELS = {
    "frn": "frn",
    "registrationdate": "registered",
    "lastupdated": "updated",
    "entityname": "name",
    "businessname": "name",
    "entitytype": "type",
    "businesstype": "type",
    "contactorganization": "organization",
    "contactposition": "position",
    "contactname": "contact",
    "contactaddress": "address",
    "contactemail": "email",
    "contactphone": "phone",
    "contactfax": "fax",
}
_NEEDED = ("frn", "registered", "name")
_BREAK = re.compile(r"\s*\n\s*")


class CoresReader:
    """Reads a bundle of pages (member `<frn>.html`) or one page. Facts for the grader: `found`, `not_found`."""

    source = SOURCE
    table = "fcc_cores_registrations"
    columns = tuple(
        """frn is_found entity_name name_key entity_type registered_at_et updated_at_et contact_organization
        contact_position contact_name contact_address contact_email contact_phone contact_fax""".split()
    )

    def __call__(self, raw: BinaryIO, report: ReadReport) -> Iterator[tuple[object, ...]]:
        tally = Tally(report, self.columns, ("frn",))
        found = not_found = asked = 0
        for asked, (name, body) in enumerate(self._pages(raw, report), start=1):
            try:
                row = read_page(body, _asked_frn(name), tally)
            except ValueError as error:
                report.reject(asked, f"{name}: {error}", " ".join(body.decode("utf-8", "replace").split()))
                continue
            found, not_found = found + bool(row[1]), not_found + (not row[1])
            updated_at = row[6]
            if updated_at is not None:
                updated_on = updated_at.astimezone(EASTERN).date()
                report.newest = max(report.newest or updated_on, updated_on)
            yield tally.take(row)
        tally.close()
        report.control_total, report.control_source = asked, "pages asked for"
        report.facts.update(found=found, not_found=not_found)

    def _pages(self, raw: BinaryIO, report: ReadReport) -> Iterator[tuple[str, bytes]]:
        if replies.is_bundle(raw, SOURCE):
            report.layout = "pages"
            for member, body in replies.members(raw, SOURCE):
                yield member.name, body
            return
        if replies.is_zip(raw):
            raise SourceRejected("A ZIP that is no bundle of CORES pages: index.json is missing.", source=SOURCE)
        report.layout = "page"
        stream, head = opened(raw, SOURCE)
        if not is_html(head):
            raise SourceRejected(
                f"Not an HTML page: begins with {head[:60].decode('utf-8', 'replace')!r}.", source=SOURCE
            )
        yield report.file_name or "page", replies.whole(stream, SOURCE)


def read_page(body: bytes, asked: str | None, tally: Tally | None = None) -> tuple[Any, ...]:
    """One page as a row. `asked`: the FRN it was asked for, None when nobody knows.

    Raises ValueError for a page that is neither a registration nor the site's empty page: a page of another
    FRN, maintenance, a cut reply. Such a page never means "not found".
    """
    from lxml import html

    if not body.strip():
        raise ValueError("0 bytes came: a broken reply, which does not say that the FRN is unknown")
    page = html.document_fromstring(body, parser=html.HTMLParser(encoding="utf-8", no_network=True))
    labelled, unknown = _table(page)
    if not labelled:
        if not title(body).startswith(SITE_TITLE) or b"</html" not in body.lower():
            raise ValueError(f"neither a registration nor the site's own empty page: {title(body)}")
        if _words(page):
            raise ValueError(f"a page without a registration that says {_words(page)[:120]!r}")
        if asked is None:
            raise ValueError("an empty page, and no FRN in the file's name: call the file <frn>.html")
        return (asked, False, None, "", *[None] * 10)
    if missing := [field for field in _NEEDED if field not in labelled]:
        raise ValueError(f"the page's labels changed or it was cut short: no {', '.join(missing)}")
    frn, mended = cells.registration_number(labelled["frn"])
    if frn is None:
        raise ValueError("the page's FRN is blank")
    if asked is not None and frn != asked:
        raise ValueError(f"the page is of FRN {frn}, asked was {asked}")
    if tally is not None:
        tally.mend(mended)
        if unknown:
            tally.mend(f"{{n}} page(s) have labels nobody reads yet, such as {sorted(unknown)[0]!r}")
    name = cells.text(labelled["name"])
    entity_type = cells.text(labelled.get("type", ""))
    return (
        frn,
        True,
        name,
        names.key(name),
        entity_type.replace(" ,", ",") if entity_type else None,
        cells.eastern_moment(labelled["registered"], "Registration Date"),
        cells.eastern_moment(labelled.get("updated", ""), "Last Updated"),
        cells.text(labelled.get("organization", "")),
        cells.text(labelled.get("position", "")),
        cells.text(labelled.get("contact", "")),
        labelled.get("address") or None,
        cells.text(labelled.get("email", "")),
        cells.text(labelled.get("phone", "")),
        cells.text(labelled.get("fax", "")),
    )


def _asked_frn(name: str) -> str | None:
    """The FRN in a member's or file's name, such as `0003768165.html`."""
    found = frns.find_all(name)
    return found[0] if found else None


def _table(page: Any) -> tuple[dict[str, str], set[str]]:
    """(field -> text, unknown labels) of the page's `<th>`/`<td>` rows. An address keeps its lines."""
    labelled: dict[str, str] = {}
    unknown: set[str] = set()
    for row in page.iter("tr"):
        head, cell = row.find("th"), row.find("td")
        if head is None or cell is None:
            continue
        label = "".join(head.text_content().split()).rstrip(":").lower()
        field = _LABELS.get(label)
        if field is None:
            unknown.add(label.replace("{", "(").replace("}", ")"))
        elif field == "address":
            for line_break in cell.iter("br"):
                line_break.tail = "\n" + " ".join((line_break.tail or "").split())
            lines = (" ".join(line.split()) for line in _BREAK.split(cell.text_content()))
            labelled[field] = "\n".join(line for line in lines if line)
        else:
            labelled[field] = " ".join(cell.text_content().split())
    return labelled, unknown


def _words(page: Any) -> str:
    """What the page's body shows to a reader."""
    body = page.find("body")
    if body is None:
        return ""
    texts = body.xpath(".//text()[not(ancestor::script or ancestor::style or ancestor::noscript)]")
    return " ".join(" ".join(str(text) for text in texts).split())
