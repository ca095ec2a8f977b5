"""GET /api/v1/compliance-check/{frn}: the compliance check for programs."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import TypeAdapter

from pw_pipelines.compliance.check_result import CheckResult
from pw_pipelines.portal.problems import MEDIA_TYPE, Problem
from pw_pipelines.portal.site import Site, site_of, utm_of

router = APIRouter(prefix="/api/v1", tags=["compliance check"])
RESULT: TypeAdapter[CheckResult] = TypeAdapter(CheckResult)

_SAYS_NO: dict[int | str, dict[str, Any]] = {
    status.value: {"model": Problem, "description": words, "content": {MEDIA_TYPE: {}}}
    for status, words in (
        (HTTPStatus.UNPROCESSABLE_ENTITY, "Not an FRN, or a day that cannot be asked about"),
        (HTTPStatus.SERVICE_UNAVAILABLE, "Our own books cannot be read now; try again later"),
    )
}


@router.get("/compliance-check/{frn}", response_model=CheckResult, responses=_SAYS_NO)
async def compliance_check(  # noqa: PLR0917  # FastAPI passes them by name
    request: Request,
    site: Annotated[Site, Depends(site_of)],
    frn: Annotated[str, Path(description="FCC Registration Number; blanks, hyphens and lost zeros are put right.")],
    as_of: Annotated[date | None, Query(description="A past day (America/New_York) to answer as of.")] = None,
    live: Annotated[bool, Query(description="Read CORES, Form 499 and ECFS now, on top of our copies.")] = False,
    utm_source: Annotated[str | None, Query(description="Noted in the log, as are the other utm_* parameters.")] = None,
) -> Response:
    """What the public record shows about one carrier: findings with evidence, sources with their age, questions.

    The answer is evidence from public data, not a legal conclusion. An FRN nobody knows is answered with 200 and
    `unknown FRN`; a source that could not be looked at with `cannot say`.
    """
    del utm_source  # documented here; read with its siblings by utm_of
    result = await site.check(frn, channel="api", utm=utm_of(request), live=live, as_of=as_of)
    return Response(RESULT.dump_json(result), media_type="application/json")
