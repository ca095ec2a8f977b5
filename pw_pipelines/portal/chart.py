"""Bar charts as SVG, drawn on the server: no scripts, sharp on paper, always beside a table of the same figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

ROW = 34  # pixels of height of one bar with its gap
BAR = 20
WIDTH = 720
LABEL = 290
FIGURE = 70


@dataclass(frozen=True)
class Bar:
    """One bar. `value` is a count; `url` makes its label a link."""

    label: str
    value: int
    url: str | None = None


def bars(title: str, data: Sequence[Bar]) -> Markup:
    """Horizontal bars, longest value across the full width. `title` is read out by screen readers.

    Labels longer than the space are cut with an ellipsis; the table beside holds them whole.
    """
    most = max((bar.value for bar in data), default=0) or 1
    height = ROW * len(data)
    rows = Markup("").join(_row(index, bar, most) for index, bar in enumerate(data))
    return Markup(
        '<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{title}" '
        'preserveAspectRatio="xMinYMin meet"><title>{title}</title>{rows}</svg>'
    ).format(width=WIDTH, height=height, title=title, rows=rows)


def _row(index: int, bar: Bar, most: int) -> Markup:
    top = index * ROW + (ROW - BAR) // 2
    length = round((WIDTH - LABEL - FIGURE) * bar.value / most)
    label = Markup('<text class="label" x="{x}" y="{y}">{text}</text>').format(
        x=LABEL - 12, y=top + BAR - 5, text=_cut(bar.label, 38)
    )
    if bar.url is not None:
        label = Markup('<a href="{url}">{label}</a>').format(url=bar.url, label=label)
    return Markup(
        '{label}<rect class="bar" x="{x}" y="{top}" width="{width}" height="{height}" rx="2"></rect>'
        '<text class="figure" x="{end}" y="{y}">{value}</text>'
    ).format(
        label=label,
        x=LABEL,
        top=top,
        width=max(length, 1 if bar.value else 0),
        height=BAR,
        end=LABEL + length + 8,
        y=top + BAR - 5,
        value=f"{bar.value:,}",
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
