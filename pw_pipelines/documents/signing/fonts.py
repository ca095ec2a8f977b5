"""Fonts for what is stamped: the first one at hand that has every letter of a text."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Literal

from pw_pipelines.errors import ConfigError

Style = Literal["plain", "bold", "hand", "mono"]
_SYSTEM = Path("/usr/share/fonts/truetype")
# Metric look-alikes first, then wide coverage; the last of each comes with reportlab itself.
_FILES: dict[Style, tuple[str, ...]] = {
    "plain": ("liberation/LiberationSans-Regular.ttf", "dejavu/DejaVuSans.ttf", "Vera.ttf"),
    "bold": ("liberation/LiberationSans-Bold.ttf", "dejavu/DejaVuSans-Bold.ttf", "VeraBd.ttf"),
    "hand": ("liberation/LiberationSerif-Italic.ttf", "dejavu/DejaVuSerif-Italic.ttf", "VeraIt.ttf"),
    "mono": ("liberation/LiberationMono-Regular.ttf", "dejavu/DejaVuSansMono.ttf", "Vera.ttf"),
}
_FURTHER = ("*/NotoSans*-Regular.*", "*/*.ttf")  # for scripts those do not have
_lock = Lock()


def font_for(text: str, style: Style = "plain") -> str:
    """The registered name of a font that has every letter of `text`.

    Raises ConfigError naming the letters that no font of this machine has.
    """
    wanted = {ord(one) for one in text if not one.isspace()}
    lacking = wanted
    for path in _candidates(style):
        name = _registered(path)
        if name is None:
            continue
        missing = wanted - _letters(name)
        if not missing:
            return name
        lacking = missing if len(missing) < len(lacking) else lacking
    shown = " ".join(f"U+{one:04X}" for one in sorted(lacking)[:8])
    raise ConfigError(f"No font of this machine has {shown}. Install one that has, such as fonts-noto-core.")


def _candidates(style: Style) -> list[str]:
    found = [str(_SYSTEM / file) if "/" in file else file for file in _FILES[style]]
    for pattern in _FURTHER:
        found += [str(path) for path in sorted(_SYSTEM.glob(pattern)) if str(path) not in found]
    return found


def _registered(path: str) -> str | None:
    """The font's name, registered once per process; None where the file is not there or can't be read."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    name = f"pw-{Path(path).stem}"
    with _lock:
        if name in pdfmetrics.getRegisteredFontNames():
            return name
        try:
            pdfmetrics.registerFont(TTFont(name, path))
        except (TTFError, OSError):
            return None
    return name


def _letters(name: str) -> frozenset[int]:
    from reportlab.pdfbase import pdfmetrics

    return frozenset(pdfmetrics.getFont(name).face.charToGlyph)
