"""/segments: the lead segments with counts and a chart, what is in each, and exports."""

from __future__ import annotations

import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import FileResponse, HTMLResponse
from starlette.background import BackgroundTask

from pw_pipelines.compliance.rules import rules
from pw_pipelines.db.connection import Database
from pw_pipelines.leads.segments import SegmentSpec, read_segments
from pw_pipelines.portal.chart import Bar, bars
from pw_pipelines.portal.site import Site, site_of
from pw_pipelines.portal.staff import staff_only

PREVIEW_ROWS = 25
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
Row = dict[str, Any]

router = APIRouter(prefix="/segments", include_in_schema=False, dependencies=[Depends(staff_only)])


def known_segment(name: str) -> SegmentSpec:
    """The segment of that name; 404 for any other (a FastAPI dependency)."""
    for spec in read_segments():
        if spec.name == name:
            return spec
    raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such segment.")


@router.get("")
def segments_page(site: Annotated[Site, Depends(site_of)]) -> HTMLResponse:
    """Every segment with its count, as chart and table."""
    counted = {row["segment"]: row for row in summary(site.db)}
    rows = [{"spec": spec, **counted.get(spec.name, {"leads": None, "as_of": None})} for spec in read_segments()]
    chart = bars(
        "Leads in each segment",
        [Bar(row["spec"].title, row["leads"] or 0, f"/segments/{row['spec'].name}") for row in rows],
    )
    return site.page("segments.html", rows=rows, chart=chart, built=bool(counted), formats=list(MEDIA_TYPES))


@router.get("/{name}")
def segment_page(
    site: Annotated[Site, Depends(site_of)], spec: Annotated[SegmentSpec, Depends(known_segment)]
) -> HTMLResponse:
    """One segment: what its leads lack, and the first of them."""
    found = next((row for row in summary(site.db) if row["segment"] == spec.name), None)
    codes = sorted((found["by_code"] if found else {}).items(), key=lambda item: (-item[1], item[0]))
    titles = {code: rule.title for code, rule in rules().items()}
    chart = bars(f"Findings in {spec.title}", [Bar(titles.get(code, code), count) for code, count in codes])
    return site.page(
        "segment.html",
        spec=spec,
        found=found,
        codes=[(code, titles.get(code, code), count) for code, count in codes],
        chart=chart,
        leads=preview(site.db, spec.name) if found else [],
        shown=PREVIEW_ROWS,
        formats=list(MEDIA_TYPES),
    )


@router.get("/{name}/export")
def export(
    site: Annotated[Site, Depends(site_of)],
    spec: Annotated[SegmentSpec, Depends(known_segment)],
    format: Literal["csv", "xlsx", "parquet"] = "csv",  # the word the links carry
) -> FileResponse:
    """The segment as a file. It is written to a temporary folder and removed once sent."""
    from pw_pipelines.leads.export import export_segment  # brings the frame libraries; only an export needs them

    folder = tempfile.TemporaryDirectory(prefix="pw-export-")
    out = Path(folder.name) / f"{spec.name}.{format}"
    try:
        export_segment(site.db, spec.name, format, out)
    except BaseException:
        folder.cleanup()
        raise
    return FileResponse(
        out, media_type=MEDIA_TYPES[format], filename=out.name, background=BackgroundTask(folder.cleanup)
    )


def summary(db: Database) -> list[Row]:
    """segments.segment_summary; empty before the first build."""
    with db.connect() as connection:
        there = connection.execute("select to_regclass('segments.segment_summary') is not null as there").fetchone()
        if there is None or not there["there"]:
            return []
        return connection.execute("select segment, leads, by_code, as_of from segments.segment_summary").fetchall()


def preview(db: Database, name: str) -> list[Row]:
    """The first leads of a segment, worst first."""
    with db.connect() as connection:
        return connection.execute(
            """select l.frn, l.name, l.email, l.contact_source, l.hq_state, l.comm_type, l.top_severity, l.codes
                 from segments.segment_members m join marts.deficiency_leads l using (frn)
                where m.segment = %s order by l.severity_rank, l.name, l.frn limit %s""",
            (name, PREVIEW_ROWS),
        ).fetchall()
