"""Which day a stand-in answers for: the sandbox clock's, read anew at each request, or a day back for an old copy."""

from __future__ import annotations

from datetime import date, timedelta

from starlette.requests import Request

DAYS_BACK = "pw.sandbox.days_back"  # set in the scope by the fault `old_copy`


def day_asked(request: Request) -> date:
    """The day in America/New_York that this request sees."""
    today: date = request.app.state.clock.today()
    return today - timedelta(days=int(request.scope.get(DAYS_BACK, 0)))
