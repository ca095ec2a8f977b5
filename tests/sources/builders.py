"""Small invented copies of each public record, in the record's own format. For any test that needs one.

Names, people and numbers are made up; phones are 555-01xx, addresses of mail end in `.example`.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter

from pw_pipelines.sources.bundle import BundleWriter, Member
from pw_pipelines.sources.fcc_rmd import LAYOUTS as RMD_LAYOUTS
from pw_pipelines.sources.form499_workbook import HEADER as WORKBOOK_HEADER
from pw_pipelines.sources.form499_workbook import JURISDICTIONS

BOM = b"\xef\xbb\xbf"
MAINTENANCE = b"<!DOCTYPE html>\n<html><head><title>Site Maintenance</title></head><body>Back soon.</body></html>"


# --- Robocall Mitigation Database -----------------------------------------------------------------


def rmd_filing(position: int = 1, **changed: str) -> dict[str, str]:
    """One healthy filing; `position` makes number, FRN, name and URL distinct."""
    return {
        "number": f"RMD{position:07d}",
        "frn": f"{20_000_000 + position:010d}",
        "business_name": f"Invented Telephone {position} LLC",
        "business_address": f"{position} Example Street\nSuite 2\nSpringfield ZZ 00000",
        "foreign_voice_provider": "No",
        "country": "United States of America",
        "other_frns": "",
        "other_dba_names": "",
        "previous_dba_names": "",
        "robocall_mitigation_contact_name": "Robin Example",
        "contact_title": "Counsel",
        "contact_department": "Legal",
        "contact_business_address": f"{position} Example Street\nSpringfield ZZ 00000",
        "contact_country": "United States of America",
        "contact_telephone_number": "202-555-0100",
        "contact_phone_extension": "",
        "implementation": "Complete STIR/SHAKEN Implementation",
        "voice_service_provider_choice": "Yes",
        "gateway_provider_choice": "No",
        "intermediate_provider_choice": "No",
        "last_updated": "2026-02-10",
        "last_recertified": "2026-02-10",
        "filing_url": f"https://rmd.example/rmd?id=rmd_form&sys_id={position:032x}&view=sp",
        **changed,
    }


def rmd_csv(
    filings: Iterable[Mapping[str, str]],
    *,
    layout: str = "2026",
    header: Sequence[str] | None = None,
    bom: bool = True,
    line_end: str = "\r\n",
) -> bytes:
    """The export of `filings`. `header` replaces the header line alone; the 2025 layout drops last_recertified."""
    columns = RMD_LAYOUTS[layout]
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator=line_end)
    writer.writerow(header or columns)
    for filing in filings:
        writer.writerow([filing[column] for column in columns])
    return (BOM if bom else b"") + sink.getvalue().encode()


# --- Form 499 -------------------------------------------------------------------------------------


def form499_filer(position: int = 1, **changed: Any) -> dict[str, Any]:
    """One healthy, active filer. None leaves an element out; lists repeat it."""
    return {
        "Form_499_ID": f"{800_000 + position:06d}",
        "Registration_Current_as_of": "2026-04-01",
        "start_date": "2015-01-12",
        "end_date": None,
        "end_reason_desc": None,
        "USF_Contributor": "Yes",
        "Legal_Name": f"INVENTED TELEPHONE {position} LLC",
        "doing_business_as": None,
        "Principal_Communications_Type": "Interconnected VoIP",
        "holding_company": "INVENTED HOLDINGS INC",
        "management_company": None,
        "FRN": f"{20_000_000 + position:010d}",
        "hq_address": {
            "address_line": [f"{position} Example Street", "Suite 2"],
            "city": "Springfield",
            "state": "ZZ",
            "zip_code": "00000",
        },
        "Customer_Inquiries_telephone": "2025550100",
        "other_trade_name": [f"Trade Name {position}"],
        "dc_agent": "Agents Example Inc",
        "dc_agent_telephone": "2025550101",
        "dc_agent_email": "agent@agents.example",
        "dc_agent_address": {"address_line": ["1 Example Avenue NW"], "city": "Washington", "state": "DC"},
        "jurisdiction_state": ["alabama", "north_carolina"],
        **changed,
    }


_AGENT = ("dc_agent", "dc_agent_telephone", "dc_agent_fax", "dc_agent_email", "dc_agent_address")


def _element(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    inner = "".join(_element(*item) for item in value.items()) if isinstance(value, dict) else escape(value)
    return f"<{name}>{inner}</{name}>\n"


def _filer(fields: Mapping[str, Any]) -> str:
    outer = ("Form_499_ID", "jurisdiction_state")
    info = "".join(_element(*item) for item in fields.items() if item[0] not in (*outer, *_AGENT))
    agent = "".join(_element(name, fields.get(name)) for name in _AGENT)
    return (
        f"<Filer>\n{_element('Form_499_ID', fields['Form_499_ID'])}<Filer_ID_Info>\n{info}</Filer_ID_Info>\n"
        f"<Agent_for_Service_Of_Process>\n{agent}</Agent_for_Service_Of_Process>\n"
        f"{_element('jurisdiction_state', fields['jurisdiction_state'])}</Filer>\n"
    )


def form499_xml(
    filers: Iterable[Mapping[str, Any]],
    *,
    updated: str = "2026-07-21",
    count: int | str | None = None,
    prolog: str = "",
) -> bytes:
    """The filer database's XML. `count`: RecordCount, the true one when None; `prolog` stands before the root."""
    texts = [_filer(filer) for filer in filers]
    stated = len(texts) if count is None else count
    return (
        f'<?xml version="1.0" encoding="ISO-8859-1"?>\n{prolog}<Filer499QueryResults Updated="{updated}" '
        f'RecordCount="{stated}" >\n{"".join(texts)}</Filer499QueryResults>\n'
    ).encode("latin-1", "xmlcharrefreplace")


def workbook_filer(position: int = 1, **changed: Any) -> dict[str, Any]:
    """One healthy, active filer of the workbook; columns not named are blank, jurisdictions FALSE but Alabama."""
    return {
        **dict.fromkeys(WORKBOOK_HEADER, ""),
        **dict.fromkeys(JURISDICTIONS, "FALSE"),
        "Filer_499_ID": f"{800_000 + position:06d}",
        "LastFiling": "4/1/2025",
        "USF_Contributor_1": "Yes",
        "Legal_Name_of_Carrier": f"Invented Telephone {position} LLC",
        "Principal_Comm_Type_1": "Incumbent LEC",
        "CORESID": f"{20_000_000 + position:010d}",
        "DC_Agent1": "Robin Example",
        "DC_Agent2": "Agents Example Inc",
        "DC_Agent_City": "Washington",
        "DC_Agent_State": "DC",
        "Alabama": "TRUE",
        **changed,
    }


def form499_workbook(filers: Iterable[Mapping[str, Any]], *, header: Sequence[str] = WORKBOOK_HEADER) -> bytes:
    """The 122-column workbook; texts stay texts, numbers become number cells."""
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink, {"in_memory": True, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, header)
        for line, filer in enumerate(filers, start=1):
            for column, name in enumerate(WORKBOOK_HEADER):
                sheet.write(line, column, filer[name])
    return sink.getvalue()


# --- ECFS docket 06-36 -----------------------------------------------------------------------------------------------


def ecfs_filing(position: int = 1, **changed: Any) -> dict[str, Any]:
    """One certification as the API gives it, private data of the sender included."""
    return {
        "id_submission": f"10{position:012d}",
        "proceedings": [{"name": "06-36", "id_proceeding": "1", "description": "CPNI"}],
        "submissiontype": {"id": 7, "description": "CERTIFICATION", "short": "CERTIFICATION", "abbreviation": "CE"},
        "date_received": "2026-02-20T15:04:05.602Z",
        "filingstatus": {"id": 30, "description": "DISSEMINATED"},
        "filers": [{"name": f"Invented Telephone {position}, LLC"}],
        "documents": [{"filename": f"CPNI {position}.pdf", "src": f"https://ecfs.example/{position}/1"}],
        "addressentity": {"address_line_1": "99 Private Lane", "city": "Springfield"},
        "contact_email": "private@person.example",
        "text_data": None,
        **changed,
    }


def ecfs_page(filings: Iterable[Mapping[str, Any]]) -> bytes:
    return json.dumps({"filing": list(filings)}).encode()


def bundle(members: Iterable[tuple[str, bytes]], *, status: int = 200) -> bytes:
    """Replies as one raw object, as the clients write it."""
    sink = io.BytesIO()
    with BundleWriter(sink) as writer:  # type: ignore[arg-type]  # ZipFile takes a stream as well as a path
        for name, body in members:
            writer.add(Member(name, f"https://api.example/{name}", status, "text/plain"), body)
    return sink.getvalue()


def ecfs_bundle(*pages: Iterable[Mapping[str, Any]]) -> bytes:
    return bundle((f"page-{number:04d}.json", ecfs_page(page)) for number, page in enumerate(pages, start=1))


# --- Broadband Data Collection --------------------------------------------------------------------

BDC_NAME = "bdc_us_provider_list_J25_03mar2026"


def bdc_csv(rows: Iterable[Sequence[str]], header: Sequence[str] = ("frn", "provider_id", "holding_company")) -> bytes:
    sink = io.StringIO()
    csv.writer(sink).writerows([header, *rows])
    return sink.getvalue().encode()


def zipped(name: str, body: bytes) -> bytes:
    """A ZIP with one member."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), body)
    return sink.getvalue()


def bdc_list(count: int | str, name: str = BDC_NAME) -> bytes:
    """The API's list reply for one provider list."""
    entry = {
        "file_id": 1001,
        "category": "State",
        "subcategory": "Provider List",
        "file_type": "csv",
        "file_name": name,
        "record_count": count,
    }
    return json.dumps({"data": [entry], "result_count": 1, "status_code": 200, "status": "successful"}).encode()


def bdc_bundle(rows: Sequence[Sequence[str]], *, count: int | str | None = None, name: str = BDC_NAME) -> bytes:
    """What the client keeps: the list reply and the ZIP. `count`: the stated records, the true one when None."""
    stated = len(rows) if count is None else count
    return bundle([("list.json", bdc_list(stated, name)), (f"{name}.zip", zipped(f"{name}.csv", bdc_csv(rows)))])


# --- CORES ----------------------------------------------------------------------------------------

CORES_NOT_FOUND = (
    b"<html>\n\t<head>\n\t\t<title>FCC Registration System</title>\n\t\t<script src='/cores/x.js'></script>\n\t</head>"
    b"\n\n\t<body></body>\n</html>\n"
)


def cores_fields(frn: str = "0020000001", **changed: str) -> dict[str, str]:
    """Label -> cell of a registration page; the labels are the page's own, missing blanks included."""
    return {
        "FRN:": frn,
        "Registration Date:": "09/12/2000 04:16:13 PM",
        "Last Updated:": "05/18/2026 10:13:28 AM",
        "Entity Name:": "INVENTED TELEPHONE 1 LLC",
        "Entity Type:": "Private Sector , Corporation",
        "Contact Organization:": "Invented Telephone",
        "Contact Position:": "Counsel",
        "Contact Name:": "Robin Example",
        "Contact Address:": "1 Example Street<br />\n\n\t\tSpringfield, ZZ 00000<br />\n\nUnited States",
        "Contact Email:": "robin@invented.example",
        "ContactPhone:": "(202) 555-0100",
        "ContactFax:": "",
        **changed,
    }


def cores_page(fields: Mapping[str, str] | None = None) -> bytes:
    rows = "".join(
        f'\n<tr>\n\t<th scope="col">{label}</th>\n\t<td>\n\t\t{cell}\n\t</td>\n</tr>\n<!-- <##dba##> -->'
        for label, cell in (fields or cores_fields()).items()
    )
    return (
        "<html>\n<head><title>FCC Registration System</title></head>\n<body><div id='srchDetailContent'>"
        f"<div id='srchDetailHeader'>Registration Detail</div><table role='table'>{rows}</table></div></body>\n"
        "</html>\n"
    ).encode()


def cores_bundle(pages: Mapping[str, bytes]) -> bytes:
    """FRN -> page, as the client keeps them."""
    return bundle((f"{frn}.html", page) for frn, page in pages.items())
