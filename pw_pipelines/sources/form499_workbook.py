"""Form 499 filer database, Excel: one sheet of 122 columns, header row first. States no total and no vintage."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import BinaryIO

from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources import cells
from pw_pipelines.sources.body import match_header
from pw_pipelines.sources.form499_row import COLUMNS, Filer, as_row
from pw_pipelines.sources.form499_terms import read_notes
from pw_pipelines.sources.report import ReadReport
from pw_pipelines.sources.tally import Tally

SOURCE = "fcc_form499"
JURISDICTIONS = tuple(
    """Alabama Alaska American_Samoa Arizona Arkansas California Colorado Connecticut Delaware District_of_Columbia
    Florida Georgia Guam Hawaii Idaho Illinois Indiana Iowa Johnston_Atoll Kansas Kentucky Louisiana Maine Maryland
    Massachusetts Michigan Midway_Atoll Minnesota Mississippi Missouri Montana Nebraska Nevada New_Hampshire New_Jersey
    New_Mexico New_York North_Carolina North_Dakota Northern_Mariana_Islands Ohio Oklahoma Oregon Pennsylvania
    Puerto_Rico Rhode_Island South_Carolina South_Dakota Tennessee Texas Utah US_Virgin_Islands Vermont Virginia
    Wake_Island Washington West_Virginia Wisconsin Wyoming""".split()
)
HEADER = (
    *"""Filer_499_ID LastFiling USF_Contributor_1 Legal_Name_of_Carrier Doing_Business_As Principal_Comm_Type_1
    Holding_Company CORESID Management_Company HQ_Address1 HQ_Address2 HQ_Address3 HQ_City HQ_State HQ_Zip_Code
    Customer_Inquiries_Address1 Customer_Inquiries_Address2 Customer_Inquiries_Address3 Customer_Inquiries_City
    Customer_Inquiries_State Customer_Inquiries_Zip_Code Customer_Inquiries_Telephone Customer_Inquiries_Ext""".split(),
    *(f"Other_Trade_Name{number}" for number in range(1, 14)),
    *"""DC_Agent1 DC_Agent2 DC_Agent_Telephone DC_Agent_Ext DC_Agent_Fax DC_Agent_EMail DC_Agent_Address1
    DC_Agent_Address2 DC_Agent_Address3 DC_Agent_City DC_Agent_State DC_Agent_Zip Alternate_Agent1 Alternate_Agent2
    Alternate_Agent_Telephone Alternate_Agent_Ext Alternate_Agent_Fax Alternate_Agent_EMail Alternate_Agent_Address1
    Alternate_Agent_Address2 Alternate_Agent_Address3 Alternate_Agent_City Alternate_Agent_State
    Alternate_Agent_Zip_Code""".split(),
    *JURISDICTIONS,
    "note1",
    "note2",
    "note3",
)
_VINTAGE = re.compile(r"(?<!\d)(20\d\d-[01]\d-[0-3]\d)(?!\d)")


def read(raw: BinaryIO, report: ReadReport) -> Iterator[tuple[object, ...]]:
    """Rows of the workbook. Raises SourceRejected when it cannot be opened or its header is not the known one.

    proves_absence is false: nothing in it says that it is whole. The vintage is a date in the file's name, if any.
    """
    import python_calamine

    report.layout, report.proves_absence = "workbook", False
    named = _VINTAGE.search(report.file_name or "")
    report.vintage = named[1] if named else None
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(raw)
        sheet = book.get_sheet_by_index(0)
    except (python_calamine.CalamineError, IndexError, OSError) as error:
        raise SourceRejected(
            f"The workbook cannot be opened ({error}): damaged, cut short, or not Excel.", source=SOURCE
        ) from error
    rows = sheet.iter_rows()
    header = [str(cell).strip() for cell in next(rows, [])]
    match_header(header, {"workbook": HEADER}, SOURCE, "Form 499 workbook", "sources/form499_workbook.py")
    tally = Tally(report, COLUMNS, ("filer_id",))
    for line, values in enumerate(rows, start=2):
        if all(value == "" for value in values):
            continue
        cell = dict(zip(HEADER, values, strict=True))
        try:
            row = as_row(_filer(cell, tally), tally)
        except ValueError as error:
            report.reject(line, str(error), " | ".join(_text(value) for value in values if value != ""))
            continue
        yield tally.take(row)
    tally.close()


def _text(value: object) -> str:
    """A cell as text; whole numbers lose the `.0` that Excel gives them."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _day(value: object, column: str) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else cells.us_date(_text(value), column)


def _filer(cell: Mapping[str, object], tally: Tally) -> Filer:
    def one(column: str) -> str:
        return _text(cell[column])

    def joined(columns: Sequence[str], separator: str) -> str | None:
        return separator.join(text for column in columns if (text := cells.text(one(column))) is not None) or None

    status = read_notes(one(column) for column in ("note1", "note2", "note3"))
    for note in status.unknown:
        tally.mend(f"{{n}} note(s) match no known template, such as {note[:60].replace('{', '(').replace('}', ')')!r}")
    return Filer(
        filer_id=one("Filer_499_ID"),
        frn=one("CORESID"),
        legal_name=one("Legal_Name_of_Carrier"),
        doing_business_as=one("Doing_Business_As"),
        trade_names=[one(f"Other_Trade_Name{number}") for number in range(1, 14)],
        holding_company=one("Holding_Company"),
        management_company=one("Management_Company"),
        comm_type=one("Principal_Comm_Type_1"),
        registration_current_as_of=_day(cell["LastFiling"], "LastFiling"),
        usf_contributor=one("USF_Contributor_1"),
        ended_on=status.ended_on,
        end_reason=status.end_reason,
        is_ended=status.is_ended,
        replaced_by=status.replaced_by,
        is_consolidated=status.is_consolidated,
        hq_lines=[one(f"HQ_Address{number}") for number in (1, 2, 3)],
        hq_city=one("HQ_City"),
        hq_state=one("HQ_State"),
        hq_zip=one("HQ_Zip_Code"),
        phone=joined(("Customer_Inquiries_Telephone", "Customer_Inquiries_Ext"), " ext. ") or "",
        dc_agent=joined(("DC_Agent1", "DC_Agent2"), ", "),
        dc_agent_email=one("DC_Agent_EMail"),
        dc_agent_phone=joined(("DC_Agent_Telephone", "DC_Agent_Ext"), " ext. ") or "",
        dc_agent_city=one("DC_Agent_City"),
        dc_agent_state=one("DC_Agent_State"),
        alternate_agent_email=one("Alternate_Agent_EMail"),
        jurisdictions=[state.lower() for state in JURISDICTIONS if _text(cell[state]).upper() == "TRUE"],
        notes=status.notes,
    )
