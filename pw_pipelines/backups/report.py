"""The report of a drill: one HTML page that needs nothing else, for a phone, a screen reader and a printer alike."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Any

from pw_pipelines.backups.drill_model import Check, Drill

_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;padding:1rem;max-width:60rem}
h1{font-size:1.4rem;margin:.2rem 0}
.verdict{font-weight:700;border-inline-start:.4rem solid #2e7d32;padding:.4rem .8rem}
.verdict.bad{border-color:#c62828}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.75rem;margin:1rem 0}
dl div{border:1px solid #8888;border-radius:.4rem;padding:.6rem}
dt{font-size:.85rem}
dd{margin:0;font-size:1.25rem;font-weight:600;overflow-wrap:anywhere}
ol{padding:0;list-style:none}
li{border-inline-start:.4rem solid #2e7d32;padding:.4rem .8rem;margin:.5rem 0;overflow-wrap:anywhere}
li.bad{border-color:#c62828}
li p{margin:.1rem 0}
"""


def report_of(drill: Drill, *, drill_id: int | None = None) -> str:
    """The page. Order numbers, digests and counts are on it; no name, no address."""
    bad = [one for one in drill.checks if not one.ok]
    verdict = "The house can be restored." if drill.ok else f"{len(bad)} of {len(drill.checks)} checks failed."
    number = f" {drill_id}" if drill_id is not None else ""
    title = f"Restore drill{number} of {drill.started_at:%Y-%m-%d %H:%M} UTC"
    figures = {
        "Would be lost (RPO)": "not measured" if drill.rpo_seconds is None else duration(drill.rpo_seconds),
        "Back in (RTO)": duration(drill.rto_seconds),
        "Checks": f"{len(drill.checks) - len(bad)} of {len(drill.checks)} ok",
        **dict(_figure(name, value) for name, value in drill.figures.items()),
    }
    boxes = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in figures.items())
    listed = "".join(_item(one) for one in sorted(drill.checks, key=lambda one: one.ok))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>"
        f'<p class="verdict{"" if drill.ok else " bad"}" role="status">{escape(verdict)}</p>'
        "<p>Restored from the off-site copy and the journal’s store alone; the live database was asked only at the "
        "end, for what it has that the copies have not.</p>"
        f"<p>Sets restored: {escape(', '.join(drill.set_ids) or 'none')}.</p>"
        f"<dl>{boxes}</dl><h2>Checks</h2><ol>{listed}</ol></main></body></html>\n"
    )


def duration(seconds: float) -> str:
    """As people say it: `0 s`, `12.3 s`, `4 min 10 s`, `3 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds else "0 s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"


def _item(one: Check) -> str:
    mark, kind = ("ok", "good") if one.ok else ("FAILED", "bad")
    return f'<li class="{kind}"><p><strong>{escape(one.name)}: {mark}</strong></p><p>{escape(one.detail)}</p></li>'


def _figure(name: str, value: Any) -> tuple[str, str]:
    """A figure's words and value, as people read them."""
    if name == "dump_age_seconds":
        return "Age of the dump", duration(value)
    if name == "newest_change_at":
        return "Newest change there", f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M:%S} UTC"
    return name.replace("_", " ").capitalize(), f"{value:,}" if isinstance(value, int) else str(value)
