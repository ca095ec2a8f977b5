"""Filled forms as they are kept, and what a reviewer said of each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pw_pipelines.filings.material import Filled
from pw_pipelines.fulfillment.filing import Plan, keep_shots
from pw_pipelines.fulfillment.work import Work

FILLED = "filled_form"


@dataclass(frozen=True)
class KeptForm:
    """One filled form, by the digest that is approved, and its pictures."""

    digest: str
    pictures: tuple[str, ...]

    def shown(self) -> dict[str, Any]:
        """What the gate shows."""
        return {"form_digest": self.digest, "picture": next(iter(self.pictures[-1:]), None),
                "pictures": list(self.pictures)}  # fmt: skip


def keep_form(work: Work, plan: Plan, filled: Filled) -> KeptForm:
    """Keeps a filled form: its content, whose SHA-256 is the form's digest, its pages and what was done on them."""
    pictures = keep_shots(work, filled.shots, kind=FILLED)
    title = f"Filled form: {plan.material.form.title}"
    work.keep(filled.trace, kind="trace", title=title, media_type="application/x-ndjson")
    kept = work.keep(filled.content, kind=FILLED, title=title, media_type="application/json")
    assert kept == filled.digest, "the object store's digest is the form's"
    with work.connect() as connection:  # an old edition that came again is the newest, and of this run
        connection.execute(
            "update pw.evidence set at = %s, run_id = %s where item_id = %s and kind = %s and digest = any(%s)",
            (work.now(), work.run_id, work.item.item_id, FILLED, [kept, *pictures]),
        )
    return KeptForm(kept, tuple(pictures))


def last_form(work: Work, plan: Plan) -> KeptForm | None:
    """The form filled last, if what would go into it now is still the same."""
    rows = work.rows(
        """select digest, run_id, at from pw.evidence
           where item_id = %s and kind = %s and media_type = 'application/json'
           order by at desc, evidence_id desc limit 1""",
        work.item.item_id, FILLED,
    )  # fmt: skip
    if not rows:
        return None
    content = json.loads(work.object(rows[0]["digest"]))
    if content.get("material") != plan.material.digest:
        return None
    pictures = work.rows(
        """select digest from pw.evidence where item_id = %s and kind = %s and media_type = 'image/png' and run_id = %s
           order by evidence_id""",
        work.item.item_id, FILLED, rows[0]["run_id"],
    )  # fmt: skip
    return KeptForm(str(rows[0]["digest"]), tuple(row["digest"] for row in pictures))


def decision_on(work: Work, digest: str) -> str | None:
    """The reviewer's last word on the form with this digest, of this item: approved, returned or None."""
    rows = work.rows(
        "select decision from pw.approvals where item_id = %s and form_digest = %s order by approval_id desc limit 1",
        work.item.item_id, digest,
    )  # fmt: skip
    return str(rows[0]["decision"]) if rows else None


def differences(work: Work, before: str | None, filled: Filled) -> list[str]:
    """Names of the fields in which a filled form differs from the one kept under `before`; no values."""
    if before is None:
        return []
    old, new = (_fields(json.loads(content)) for content in (work.object(before), filled.content))
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def _fields(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for page in content["pages"]:
        for name, field in page["fields"].items():
            found[f"{page['page']}: {name}"] = field
        found |= {f"{page['page']}: files at {where}": digests for where, digests in page["uploads"].items()}
        found[f"{page['page']}: button and address"] = [page["button"], page["address"]]
    return found
