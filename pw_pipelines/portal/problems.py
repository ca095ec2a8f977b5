"""How the API says no: RFC 9457 problem+json that names the field and the remedy."""

from __future__ import annotations

from http import HTTPStatus

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 10


class Problem(BaseModel):
    """What was wrong with a request, and what to do about it."""

    type: str = Field(default="about:blank", description="Kind of problem; about:blank means the status says it all.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What happened, in one sentence.")
    field: str | None = Field(default=None, description="The parameter at fault, if one is.")
    remedy: str | None = Field(default=None, description="What to do about it.")


def problem(status: HTTPStatus, detail: str, *, field: str | None = None, remedy: str | None = None) -> JSONResponse:
    """A problem as a reply."""
    body = Problem(title=status.phrase, status=status, detail=detail, field=field, remedy=remedy)
    headers = {"Retry-After": str(RETRY_SECONDS)} if status is HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse(body.model_dump(), status_code=status, media_type=MEDIA_TYPE, headers=headers)
