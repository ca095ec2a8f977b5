"""Bar charts as HTML with SVG bars, drawn on the server: no scripts, sharp on paper, always beside a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

BAR = 14  # pixels of height


@dataclass(frozen=True)
class Bar:
    """One bar. `value` is a count; `url` makes its label a link."""

    label: str
    value: int
    url: str | None = None


def bars(title: str, data: Sequence[Bar]) -> Markup:
    """Horizontal bars, the longest across the full width, each under its label. `title` is what screen readers say.

    Labels and figures are text, which wraps as any other (text inside SVG does not); only the bars are drawn, their
    lengths in percent, so that a phone shows the same chart, only narrower.
    """
    most = max((bar.value for bar in data), default=0) or 1
    rows = Markup("").join(_row(bar, most) for bar in data)
    return Markup('<ul class="chart" aria-label="{title}">{rows}</ul>').format(title=title, rows=rows)


def _row(bar: Bar, most: int) -> Markup:
    label = escape(bar.label)
    if bar.url is not None:
        label = Markup('<a href="{url}">{label}</a>').format(url=bar.url, label=label)
    return Markup(
        '<li><span class="label">{label}</span> <span class="figure">{value}</span>'
        '<svg width="100%" height="{height}" aria-hidden="true">'
        '<rect class="track" width="100%" height="{height}" rx="3"></rect>'
        '<rect class="bar" width="{share:.2f}%" height="{height}" rx="3"></rect></svg></li>'
    ).format(label=label, value=f"{bar.value:,}", height=BAR, share=100 * bar.value / most)
