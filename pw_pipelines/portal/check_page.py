"""/tools/fcc-compliance-check: the free check as a page. Works without scripts, on a phone and from a mail's link."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from pw_pipelines.commerce.catalogue import Service, catalogue
from pw_pipelines.compliance.check_result import CheckResult, Finding
from pw_pipelines.errors import BadFrn
from pw_pipelines.portal import words
from pw_pipelines.portal.site import Site, address, site_of, utm_of

PATH = "/tools/fcc-compliance-check"
CHECKOUT = "/checkout"
FEW = 5  # findings that stand open on the page together; of more, only the most severe do
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Group:
    """The findings of one severity. `is_open`: whether the page shows them before anybody asks."""

    severity: str
    findings: list[Finding]
    is_open: bool


@router.api_route(PATH, methods=["GET", "HEAD"])
async def compliance_check_page(
    request: Request,
    site: Annotated[Site, Depends(site_of)],
    frn: Annotated[str, Query()] = "",
    live: Annotated[str, Query()] = "",
) -> HTMLResponse:
    """The empty form, or the answer for `frn`. `live=1` reads the public record now."""
    utm = utm_of(request)
    if not frn.strip():
        return await site.check_page("check.html", **_context(None, utm, asked=""))
    try:
        result = await site.check(frn, channel="page", utm=utm, live=live == "1")
    except BadFrn as error:
        context = _context(None, utm, asked=frn.strip()[:40], error=str(error))
        return await site.check_page("check.html", status=HTTPStatus.BAD_REQUEST, **context)
    return await site.check_page("check.html", **_context(result, utm, asked=result.frn))


def total_of(services: list[Service]) -> Decimal:
    """Sum of the published prices, US dollars; services by quote count nothing."""
    return sum((service.price_usd for service in services if service.price_usd is not None), Decimal(0))


def groups_of(findings: Sequence[Finding]) -> list[Group]:
    """Findings, most severe first as a check gives them, by severity. The most severe is open, all are if few."""
    by_severity = [(severity, list(found)) for severity, found in groupby(findings, lambda one: one.severity)]
    return [
        Group(severity, found, is_open=place == 0 or len(findings) <= FEW)
        for place, (severity, found) in enumerate(by_severity)
    ]


def _context(result: CheckResult | None, utm: dict[str, str], *, asked: str, error: str = "") -> dict[str, Any]:
    to_fix = [catalogue()[code] for code in (result.services if result else []) if code in catalogue()]
    codes = ",".join(service.code for service in to_fix)
    return {
        "result": result,
        "asked": asked,
        "error": error,
        "utm": utm,
        "path": PATH,
        "answer": words.ANSWER[result.answer] if result else "",
        "counts": list(Counter(one.severity for one in result.findings if not one.is_aged).items()) if result else [],
        "groups": groups_of(result.findings) if result else [],
        "tone": words.TONE[result.answer] if result else "",
        "to_fix": {service.code: service for service in to_fix},
        "total": total_of(to_fix),
        "quotes": sum(service.price_usd is None for service in to_fix),
        "fix_link": address(CHECKOUT, {"frn": result.frn, "services": codes, "check": str(result.check_id)}, utm)
        if result and to_fix
        else "",
    }
