"""Rebuilding a stand-in's pages: only of portals there are."""

from __future__ import annotations

import httpx

EDITS = [{"do": "drop", "at": "#username"}]


def test_a_portal_that_is_not_there_is_neither_rebuilt_nor_mended(sandbox_url: str) -> None:
    address = f"{sandbox_url}/_control/redesign"

    refused = httpx.post(address, json={"portal": "fcc_rdm", "edits": EDITS})

    assert refused.status_code == 422
    assert "fcc_rmd" in refused.json()["error"]
    assert httpx.delete(address, params={"portal": "fcc_rdm"}).status_code == 422
    assert httpx.get(address).json() == {"redesigns": {}}
    assert "wy" in httpx.post(address, json={"portal": "wy", "edits": EDITS}).json()["redesigns"]
    assert httpx.delete(address, params={"portal": "wy"}).json() == {"redesigns": {}}
