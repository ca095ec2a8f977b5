"""Writes templates that do not exist yet: `python -m tools.templates`. Those edited since stay as they are.

`--anew NAME …` writes these again from here, and loses what was changed in Word.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tools.templates import broadband, carriers, companies, fcc, letters, programmes

FOLDER = Path(__file__).resolve().parents[2] / "pw_pipelines" / "documents" / "templates"
MAKERS = {
    **fcc.MAKERS,
    **carriers.MAKERS,
    **broadband.MAKERS,
    **companies.MAKERS,
    **programmes.MAKERS,
    **letters.MAKERS,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--anew", nargs="*", default=[], metavar="NAME", help="templates to write again; `all`: all")
    anew = parser.parse_args().anew
    for name, make in MAKERS.items():
        path = FOLDER / f"{name}.docx"
        if not path.exists() or name in anew or anew == ["all"]:
            make().save(path)
            print(path.name)  # noqa: T201 - a command


if __name__ == "__main__":
    main()
