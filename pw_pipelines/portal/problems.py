"""How the API says no: RFC 9457 problem+json that names the field and the remedy."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from pw_pipelines.errors import UsageError

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 10
IDEMPOTENCY = "Idempotency-Key"
_MEANS = {
    400: "No Idempotency-Key or none that is sound, or a body that is no text",
    404: "There is nothing of this name or behind this link",
    413: "The body is larger than any sound request",
    422: "A field is wrong: `field` and `remedy` say which, and what to give instead",
    502: "The payment provider refused or could not be understood",
    503: "Our own books or the payment provider cannot be reached now; try again later",
}

# What a field of this name must look like, where a pattern says it: the fault and the remedy.
_FORMS = {
    "email": ("this is no email address", "Give an address such as name@company.com."),
    "phone": ("this is no phone number", "Give a number such as 202-555-0100."),
    "frn": ("this is no FRN", "Give the ten digits of the FRN."),
    "state": ("this is no state", "Give two letters: a state, DC or BC."),
    "referral_code": ("this is no referral code", "Give a code such as REF-AB123."),
}
_PLAIN = ("it holds signs that can't stand in it", "Give plain text without control characters.")
_REMEDIES = {
    "missing": "Send `{field}` too.",
    "extra_forbidden": "Leave `{field}` out; there is no such field here.",
}


class NotFound(UsageError):
    """What was asked for by its name or link is not there."""


class Problem(BaseModel):
    """What was wrong with a request, and what to do about it."""

    type: str = Field(default="about:blank", description="Kind of problem; about:blank means the status says it all.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What happened, in one sentence.")
    field: str | None = Field(default=None, description="The parameter at fault, if one is.")
    remedy: str | None = Field(default=None, description="What to do about it.")


def problem(status: HTTPStatus, detail: str, *, field: str | None = None, remedy: str | None = None) -> JSONResponse:
    """A problem as a reply. A remedy that ends the sentence too is taken off it: it has a field of its own."""
    if remedy and detail.endswith(remedy) and detail != remedy:
        detail = detail.removesuffix(remedy).rstrip()
    body = Problem(title=status.phrase, status=status, detail=detail, field=field, remedy=remedy)
    headers = {"Retry-After": str(RETRY_SECONDS)} if status is HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse(body.model_dump(), status_code=status, media_type=MEDIA_TYPE, headers=headers)


def says_no(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route, for its OpenAPI document."""
    return {
        status: {"model": Problem, "description": _MEANS[status], "content": {MEDIA_TYPE: {}}} for status in statuses
    }


def fault_of(error: RequestValidationError) -> tuple[HTTPStatus, str, str, str]:
    """(status, sentence, field, remedy) of the first thing wrong with a request.

    A missing or malformed Idempotency-Key is 400, anything else 422. The field of a body is its path: items.0.service.
    """
    fault = error.errors()[0]
    where = [str(part) for part in fault["loc"]]
    if where[0] == "header":
        detail = f"{IDEMPOTENCY} is missing." if fault["type"] == "missing" else f"This is no sound {IDEMPOTENCY}."
        remedy = "Send a fresh random value, such as a UUID (16 to 128 printable characters), with each new request."
        return HTTPStatus.BAD_REQUEST, detail, where[-1], remedy
    if fault["type"] == "json_invalid":
        return HTTPStatus.UNPROCESSABLE_ENTITY, f"The body is no JSON: {fault['ctx']['error']}.", "body", "Send JSON."
    if where == ["body"] and isinstance(fault.get("input"), bytes):
        detail = "The body was not read: its Content-Type does not say that it is JSON."
        return HTTPStatus.UNPROCESSABLE_ENTITY, detail, "Content-Type", "Send it with `Content-Type: application/json`."
    field = ".".join(where[1:]) or where[0]
    if fault["type"] == "string_pattern_mismatch":
        words, remedy = _FORMS.get(where[-1], _PLAIN)
        return HTTPStatus.UNPROCESSABLE_ENTITY, f"{field}: {words}.", field, remedy
    remedy = _REMEDIES.get(fault["type"], "Correct `{field}`; /api/v1/openapi.json says what it may be.")
    return HTTPStatus.UNPROCESSABLE_ENTITY, f"{field}: {fault['msg']}.", field, remedy.format(field=field)


def refusal_of(error: HTTPException) -> tuple[str, str | None, str | None]:
    """(sentence, field, remedy) of what was refused before any route saw it."""
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return error.detail, "body", "Send less at once."
    if error.status_code != HTTPStatus.BAD_REQUEST or error.__cause__ is None:
        return error.detail, None, None
    if isinstance(error.__cause__, UnicodeDecodeError):
        return "The body is no text in UTF-8.", "body", "Send JSON in UTF-8."
    if isinstance(error.__cause__, ValueError):  # Python reads no number of more than 4,300 digits
        return "A number in the body has more digits than can be read.", "body", "Send numbers of a sound length."
    return "The body can't be read as JSON.", "body", "Send JSON in UTF-8, not too deeply nested."
