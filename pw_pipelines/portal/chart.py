"""Bar charts as SVG, drawn on the server: no scripts, sharp on paper, always beside a table of the same figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

ROW = 46  # pixels of height of one bar with its label above it
BAR = 14
LABEL_CHARACTERS = 40  # of 14 px text beside a figure, on a phone of 360 px


@dataclass(frozen=True)
class Bar:
    """One bar. `value` is a count; `url` makes its label a link."""

    label: str
    value: int
    url: str | None = None


def bars(title: str, data: Sequence[Bar]) -> Markup:
    """Horizontal bars, the longest across the full width. `title` is what screen readers say.

    Lengths are percentages and text keeps its size, so that a phone shows the same chart, only narrower. Labels
    longer than a phone holds are cut with an ellipsis; the table beside holds them whole.
    """
    most = max((bar.value for bar in data), default=0) or 1
    rows = Markup("").join(_row(index * ROW, bar, most) for index, bar in enumerate(data))
    return Markup(
        '<svg class="chart" width="100%" height="{height}" role="img" aria-label="{title}">'
        "<title>{title}</title>{rows}</svg>"
    ).format(height=ROW * len(data), title=title, rows=rows)


def _row(top: int, bar: Bar, most: int) -> Markup:
    label = Markup('<text x="0" y="{y}">{text}</text>').format(y=top + 16, text=_cut(bar.label))
    if bar.url is not None:
        label = Markup('<a href="{url}">{label}</a>').format(url=bar.url, label=label)
    return Markup(
        '{label}<text class="figure" x="100%" y="{y}">{value}</text>'
        '<rect class="track" x="0" y="{bar_top}" width="100%" height="{height}" rx="3"></rect>'
        '<rect class="bar" x="0" y="{bar_top}" width="{share:.2f}%" height="{height}" rx="3"></rect>'
    ).format(
        label=label,
        y=top + 16,
        value=f"{bar.value:,}",
        bar_top=top + 23,
        height=BAR,
        share=100 * bar.value / most,
    )


def _cut(text: str) -> str:
    return text if len(text) <= LABEL_CHARACTERS else text[: LABEL_CHARACTERS - 1].rstrip() + "…"
