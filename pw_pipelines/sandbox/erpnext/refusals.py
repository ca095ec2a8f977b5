"""Frappe's exceptions as the REST API answers them: status by exception, JSON texts inside JSON."""

from __future__ import annotations

import json

from starlette.responses import JSONResponse, Response

# frappe/exceptions.py; whatever is not named here is a ValidationError's child
STATUS = {
    "AuthenticationError": 401,
    "PermissionError": 403,
    "DoesNotExistError": 404,
    "NameError": 409,
    "DuplicateEntryError": 409,
    "TooManyRequestsError": 429,
    "SessionStopped": 503,
}
VALIDATION = 417


class Refusal(Exception):
    """An exception of Frappe's, rolled back and answered."""

    def __init__(self, exc_type: str, message: str) -> None:
        super().__init__(message)
        self.exc_type = exc_type
        self.message = message

    def answer(self) -> Response:
        """As Frappe writes it: `exc` is a text of a list of texts, `_server_messages` a text of JSON texts."""
        line = f"frappe.exceptions.{self.exc_type}: {self.message}"
        body = {
            "exc_type": self.exc_type,
            "exception": line,
            "exc": json.dumps([f"Traceback (most recent call last):\n{line}\n"]),
            "_server_messages": json.dumps([json.dumps({"message": self.message, "indicator": "red"})]),
        }
        return JSONResponse(body, STATUS.get(self.exc_type, VALIDATION))
