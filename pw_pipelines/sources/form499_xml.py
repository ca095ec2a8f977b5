"""Form 499 filer database, XML: the whole list (63.8 MB, 20,669 filers in July 2026) or one query's reply.

Read as a stream: each filer is forgotten once it was yielded. The root element states the vintage
(`Updated`) and the number of filers (`RecordCount`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any, BinaryIO, cast

from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources import cells
from pw_pipelines.sources.body import refuse_html
from pw_pipelines.sources.form499_row import COLUMNS, Filer, as_row
from pw_pipelines.sources.form499_terms import is_consolidation, replaced_by
from pw_pipelines.sources.report import ReadReport
from pw_pipelines.sources.tally import Tally

SOURCE = "fcc_form499"
ROOT = "Filer499QueryResults"
QUERY_ERRORS = {
    1: "invalid state",
    2: "the query could not be executed",
    3: "no results",
    4: "invalid FRN",
    5: "invalid Filer ID",
    6: "invalid communications type",
    7: "wrong request method",
}
NO_RESULTS = 3
_ERROR_WORDS = {
    "invalid state": 1,
    "could not execute query": 2,
    "no results found": 3,
    "invalid value for frn": 4,
    "invalid value for filer id": 5,
    "invalid value for communications type": 6,
    "wrong request method": 7,
}
_ERROR_CODE = re.compile(rb"(?i)(?:error|code)[^0-9<]{0,24}[>\"'=:\s#]([1-7])\b")
_AS_MEANT = {code: bytes((code,)).decode("cp1252", "replace") for code in range(0x80, 0xA0)}

# Paths below Filer. Elements that are absent are empty; ones not named here are told in the notes.
_INFO = "Filer_ID_Info/"
_AGENT = "Agent_for_Service_Of_Process/"
_READ = frozenset(
    f"{parent}{name}"
    for parent, known in (
        ("", "Form_499_ID Filer_ID_Info Agent_for_Service_Of_Process FCC_Registration_information jurisdiction_state"),
        (
            _INFO,
            """Registration_Current_as_of start_date end_date end_reason_desc USF_Contributor Legal_Name
            doing_business_as other_trade_name Principal_Communications_Type holding_company management_company FRN
            hq_address customer_inquiries_address Customer_Inquiries_telephone""",
        ),
        (_AGENT, "dc_agent dc_agent_telephone dc_agent_fax dc_agent_email dc_agent_address"),
    )
    for name in known.split()
)
# What every whole list holds at least once. A whole list without one of them was renamed by the source.
_EXPECTED = frozenset(
    f"{_INFO}{name}"
    for name in "Registration_Current_as_of end_date Legal_Name Principal_Communications_Type FRN".split()
) | {f"{_AGENT}dc_agent"}
WHOLE_LIST_FILERS = 1_000  # a query's reply is smaller, the list twenty times as large


def error_code(reply: bytes) -> int | None:
    """The query error (1–7, see QUERY_ERRORS) that a reply without filers states; None when it states none."""
    if f"<{ROOT}".encode() in reply[:2048]:
        return None
    words = reply[:4096].decode("latin-1").lower()
    for phrase, code in _ERROR_WORDS.items():
        if phrase in words:
            return code
    found = _ERROR_CODE.search(reply[:4096])
    return int(found[1]) if found else None


def read(stream: BinaryIO, head: bytes, report: ReadReport) -> Iterator[tuple[object, ...]]:
    """Rows of the XML in `stream`; `head`: its first bytes. Raises SourceRejected for anything else or a cut end.

    The answer "no results" to a query is a reply of 0 filers; the other query errors are SourceRejected.
    """
    from lxml import etree

    refuse_html(head, SOURCE, "XML")
    code = error_code(head)
    if code == NO_RESULTS:
        report.layout, report.proves_absence = "query reply", False
        report.control_total, report.control_source = 0, "the database's answer: no results"
        return
    if code is not None:
        raise SourceRejected(f"The filer database answered query error {code}: {QUERY_ERRORS[code]}.", source=SOURCE)
    report.layout = "xml"
    tally = Tally(report, COLUMNS, ("filer_id",))
    seen: Counter[str] = Counter()
    try:
        for element in _filers(stream, report):
            try:
                row = as_row(_filer(element, seen), tally)
            except ValueError as error:
                excerpt = " ".join(" ".join(element.itertext()).split())
                report.reject(element.sourceline or 0, str(error), excerpt)
            else:
                yield tally.take(row)
    except etree.XMLSyntaxError as error:
        read_so_far = f"after {report.rows:,} filers"
        if report.control_total is not None:
            read_so_far += f" of the {report.control_total:,} it states"
        raise SourceRejected(f"The XML is cut short or damaged {read_so_far}: {error.msg}.", source=SOURCE) from error
    if not report.vintage:
        raise SourceRejected(f"The XML's root is not <{ROOT}>: this is no list of Form 499 filers.", source=SOURCE)
    _refuse_renamed(seen, report)
    tally.close()


def _filers(stream: BinaryIO, report: ReadReport) -> Iterator[Any]:
    """Each <Filer> in turn; it and everything before it is dropped from memory when the next one is asked for."""
    from lxml import etree

    parser = etree.iterparse(
        cast("BinaryIO", _FromMarkup(stream)),
        events=("start", "end"),
        tag=(ROOT, "Filer"),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
    )
    for event, element in parser:
        if element.tag == ROOT:
            if event == "start":
                _read_root(element, report)
        elif event == "end":
            if not report.vintage:
                raise SourceRejected(f"The XML's filers do not stand in <{ROOT}>.", source=SOURCE)
            yield element
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


def _read_root(root: Any, report: ReadReport) -> None:
    if root.getroottree().docinfo.doctype:
        raise SourceRejected("The XML declares a document type, which the FCC's own copy never does.", source=SOURCE)
    updated, count = root.get("Updated", ""), root.get("RecordCount", "")
    try:
        report.newest = cells.iso_date(updated, "Updated")
    except ValueError as error:
        raise SourceRejected(f"The XML's root states no vintage: {error}.", source=SOURCE) from error
    if report.newest is None or not count.isdigit():
        raise SourceRejected(
            f"<{ROOT}> should state Updated and RecordCount; found {updated!r} and {count!r}.", source=SOURCE
        )
    report.vintage = updated
    report.control_total, report.control_source = int(count), "RecordCount in the XML's root"


def _refuse_renamed(seen: Counter[str], report: ReadReport) -> None:
    unknown = sorted(path for path in seen if path not in _READ)
    missing = sorted(_EXPECTED - set(seen))
    if report.rows >= WHOLE_LIST_FILERS and missing:
        hint = f" Unknown elements: {', '.join(unknown)}." if unknown else ""
        raise SourceRejected(f"Element missing in the whole list: {', '.join(missing)}.{hint}", source=SOURCE)
    if unknown:
        report.facts["unknown_elements"] = unknown
        report.notes.append(f"Elements nobody reads yet: {', '.join(unknown)}")


class _FromMarkup:
    """A stream without blanks before its first `<`: an XML declaration must stand at the very start."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._started = False

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        while chunk and not self._started:
            chunk = chunk.lstrip() or self._stream.read(size)
            self._started = not chunk[:1].isspace()
        return chunk


def _text(element: Any) -> str:
    """Text of one element. Windows-1252 characters sent as ISO-8859-1 (curly quotes, dashes) are read as meant."""
    found: str = element.text or ""
    return found if found.isascii() else found.translate(_AS_MEANT)


def _filer(element: Any, seen: Counter[str]) -> Filer:
    """One <Filer>. Counts the paths met in `seen`. Raises ValueError for a date that is none."""
    texts: dict[str, list[str]] = {}
    blocks: dict[str, Any] = {}
    for child in element.iterchildren("*"):
        texts.setdefault(child.tag, []).append(_text(child))
        if f"{child.tag}/" not in (_INFO, _AGENT):
            continue
        for leaf in child.iterchildren("*"):
            name = "other_trade_name" if leaf.tag.startswith("other_trade_name") else leaf.tag
            path = f"{child.tag}/{name}"
            texts.setdefault(path, []).append(_text(leaf))
            blocks[path] = leaf
    seen.update(texts.keys())

    def one(path: str) -> str:
        return texts.get(path, [""])[0]

    def day(path: str) -> date | None:
        return cells.iso_date(one(path), path.rpartition("/")[2])

    hq = _address(blocks.get(f"{_INFO}hq_address"))
    agent = _address(blocks.get(f"{_AGENT}dc_agent_address"))
    reason = cells.text(one(f"{_INFO}end_reason_desc"))
    return Filer(
        filer_id=one("Form_499_ID"),
        frn=one(f"{_INFO}FRN"),
        legal_name=one(f"{_INFO}Legal_Name"),
        doing_business_as=one(f"{_INFO}doing_business_as"),
        trade_names=texts.get(f"{_INFO}other_trade_name", []),
        holding_company=one(f"{_INFO}holding_company"),
        management_company=one(f"{_INFO}management_company"),
        comm_type=one(f"{_INFO}Principal_Communications_Type"),
        registration_current_as_of=day(f"{_INFO}Registration_Current_as_of"),
        usf_contributor=one(f"{_INFO}USF_Contributor"),
        started_on=day(f"{_INFO}start_date"),
        ended_on=day(f"{_INFO}end_date"),
        end_reason=reason,
        replaced_by=replaced_by(reason),
        is_consolidated=is_consolidation(reason),
        hq_lines=hq.get("address_line", []),
        hq_city=hq.get("city", [""])[0],
        hq_state=hq.get("state", [""])[0],
        hq_zip=hq.get("zip_code", [""])[0],
        phone=one(f"{_INFO}Customer_Inquiries_telephone"),
        dc_agent=cells.text(one(f"{_AGENT}dc_agent")),
        dc_agent_email=one(f"{_AGENT}dc_agent_email"),
        dc_agent_phone=one(f"{_AGENT}dc_agent_telephone"),
        dc_agent_city=agent.get("city", [""])[0],
        dc_agent_state=agent.get("state", [""])[0],
        jurisdictions=[state.strip() for state in texts.get("jurisdiction_state", []) if state.strip()],
        notes=[reason] if reason else [],
    )


def _address(block: Any | None) -> dict[str, list[str]]:
    parts: dict[str, list[str]] = {}
    if block is not None:
        for leaf in block.iterchildren("*"):
            parts.setdefault(leaf.tag, []).append(_text(leaf))
    return parts
