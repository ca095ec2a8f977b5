"""A register's search as one page over a JSON service (British Columbia's): nothing is in the page until it asks.

The page waits for the typing to stop, asks, and draws; its service answers like the real one
(`POST registry-search/api/v2/search/businesses`).
"""

from __future__ import annotations

from importlib import resources

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pw_pipelines.sandbox.portals.companies import Listed, find
from pw_pipelines.sandbox.portals.mood import Moods, moody, page

MOST_ROWS = 100
_TYPES = {"llc": "BC", "corporation": "BEN", "nonprofit": "S", "partnership": "GP"}


def routes(seed: int, moods: Moods) -> list[Route]:
    """Below `/portals/bc`."""
    script = (resources.files("pw_pipelines.sandbox.portals") / "templates" / "bc.js").read_text(encoding="utf-8")

    async def show(request: Request) -> Response:
        if moods.of("bc") == "error":  # the page stands; it is its service that fails
            moods.calls["bc"] += 1
            return page("bc.html", changed=False)
        return await moody(moods, "bc", _page)(request)

    async def _page(request: Request) -> Response:
        return page("bc.html", changed=moods.of("bc") == "changed")

    async def app(request: Request) -> Response:
        return Response(script, media_type="text/javascript")

    async def search(request: Request) -> Response:
        try:
            asked = await request.json()
            value, start, rows = str(asked["query"]["value"]), int(asked["start"]), int(asked["rows"])
        except (KeyError, TypeError, ValueError):
            return JSONResponse({"message": "Invalid query."}, status_code=400)
        mood = moods.of("bc")
        if mood == "silent":
            return JSONResponse({"searchResults": {}})
        found = find(seed, "BC", value)
        shown = found[:1] if mood == "truncated" else found
        part = shown[start : start + min(rows, MOST_ROWS)]
        return JSONResponse(
            {
                "facets": {},
                "searchResults": {
                    "queryInfo": {"query": {"value": value}, "rows": rows, "start": start},
                    "results": [_result(one) for one in part],
                    "totalResults": len(found),
                },
            }
        )

    return [
        Route("/search", show),
        Route("/app.js", app),
        Route(
            "/registry-search/api/v2/search/businesses",
            moody(moods, "bc", search, challenges=False),
            methods=["POST"],
        ),
    ]


def _result(one: Listed) -> dict[str, str]:
    prefix = "FM" if one.form == "partnership" else "S" if one.form == "nonprofit" else "BC"
    return {
        "identifier": f"{prefix}{100_000 + one.index:07d}",
        "name": one.name.upper(),
        "legalType": _TYPES[one.form],
        "status": "ACTIVE" if one.is_live else "HISTORICAL",
    }
