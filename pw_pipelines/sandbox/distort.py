"""What a source's reply looks like when the source is broken: pure functions over bodies.

Works on the formats that the stand-ins answer with: CSV, the Form 499 XML, JSON lists, zipped CSV, CORES HTML.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

TINY_BYTES = 130
SHRUNK_SHARE = 0.7
GROWN_TIMES = 4
DUPLICATED = 25
_BOM = b"\xef\xbb\xbf"


class Shape(ABC):
    """A body as a list of rows, and the ways to spoil it. Rows are whatever the format has."""

    rows: list[Any]

    @abstractmethod
    def render(self, rows: list[Any]) -> bytes:
        """The body with these rows."""

    @abstractmethod
    def rekeyed(self, row: Any, turn: int) -> Any:
        """The row under another key."""

    @abstractmethod
    def without_zeros(self, row: Any) -> Any:
        """The row with its FRN's leading zeros gone, as a spreadsheet leaves it."""

    @abstractmethod
    def rename_header(self) -> None:
        """Gives the FRN's (or the list's) name another spelling."""

    @abstractmethod
    def drop_column(self) -> None:
        """Takes a needed column away."""


class CsvShape(Shape):
    """CSV with a header; the key is the first column."""

    def __init__(self, body: bytes) -> None:
        self._bom = _BOM if body.startswith(_BOM) else b""
        text = body.decode("utf-8-sig")
        self._ending = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
        self._header, *self.rows = list(csv.reader(io.StringIO(text, newline="")))
        self._frn = self._header.index("frn")

    def render(self, rows: list[Any]) -> bytes:
        sink = io.StringIO()
        csv.writer(sink, lineterminator=self._ending).writerows([self._header, *rows])
        return self._bom + sink.getvalue().encode()

    def rekeyed(self, row: list[str], turn: int) -> list[str]:
        digits = re.sub(r"\d", lambda found: str((int(found.group()) + turn) % 10), row[0][-4:])
        key = f"RMD9{turn}{row[0][5:]}" if row[0].startswith("RMD") else f"{row[0][:2]}9{turn}{row[0][4:-4]}{digits}"
        return [key, *row[1:]]

    def without_zeros(self, row: list[str]) -> list[str]:
        return [cell.lstrip("0") if position == self._frn else cell for position, cell in enumerate(row)]

    def rename_header(self) -> None:
        self._header[self._frn] = "FRN Number"

    def drop_column(self) -> None:
        del self._header[self._frn]
        for row in self.rows:
            del row[self._frn]


class XmlShape(Shape):
    """The Form 499 reply; rows are `<Filer>` elements as text."""

    def __init__(self, body: bytes) -> None:
        text = body.decode("iso-8859-1")
        start, end = text.find("<Filer>"), text.rfind("</Filer>") + len("</Filer>")
        if start < 0:
            start = end = text.find("</Filer499QueryResults>")
        self._head, self._tail = text[:start], text[end:]
        self.rows = re.findall(r"<Filer>.*?</Filer>\s*", text[start:end], re.DOTALL)

    def render(self, rows: list[Any]) -> bytes:
        head = re.sub(r'RecordCount="\d+"', f'RecordCount="{len(rows)}"', self._head)
        return (head + "".join(rows) + self._tail).encode("iso-8859-1")

    def rekeyed(self, row: str, turn: int) -> str:
        return re.sub(r"<Form_499_ID>\d", f"<Form_499_ID>{turn}", row, count=1)

    def without_zeros(self, row: str) -> str:
        return re.sub(r"<FRN>0+", "<FRN>", row)

    def rename_header(self) -> None:
        self.rows = [row.replace("Form_499_ID>", "Filer_499_Identifier>") for row in self.rows]

    def drop_column(self) -> None:
        self.rows = [re.sub(r"<Legal_Name>.*?</Legal_Name>\s*", "", row) for row in self.rows]


class JsonShape(Shape):
    """An object with one list of records: ECFS `filing`, the RMD's `result`, BDC `data`."""

    def __init__(self, body: bytes) -> None:
        self._whole: dict[str, Any] = json.loads(body)
        self._name = next(name for name in ("filing", "result", "data") if name in self._whole)
        self.rows = self._whole.pop(self._name)

    def render(self, rows: list[Any]) -> bytes:
        if "result_count" in self._whole:
            self._whole["result_count"] = len(rows)
        return json.dumps({self._name: rows, **self._whole}, ensure_ascii=False).encode()

    def rekeyed(self, row: dict[str, Any], turn: int) -> dict[str, Any]:
        return {name: f"{value}{turn}" if name in ("id_submission", "number") else value for name, value in row.items()}

    def without_zeros(self, row: dict[str, Any]) -> dict[str, Any]:
        return {name: value.lstrip("0") if name == "frn" else value for name, value in row.items()}

    def rename_header(self) -> None:
        self._name = f"{self._name}s"

    def drop_column(self) -> None:
        self.rows = [
            {name: value for name, value in row.items() if name not in ("filers", "frn", "file_id")}
            for row in self.rows
        ]


class ArrayShape(Shape):
    """A bare JSON list of rows, as SODA answers; the key and the name are each row's first two columns."""

    def __init__(self, body: bytes) -> None:
        self.rows = json.loads(body)

    def render(self, rows: list[Any]) -> bytes:
        return json.dumps(rows, ensure_ascii=False).encode()

    def rekeyed(self, row: dict[str, Any], turn: int) -> dict[str, Any]:
        key = next(iter(row))
        return row | {key: f"{row[key]}{turn}"}

    def without_zeros(self, row: dict[str, Any]) -> dict[str, Any]:
        key = next(iter(row))
        return row | {key: str(row[key]).lstrip("0")}

    def rename_header(self) -> None:
        self.rows = [{f"{name}_1": value for name, value in row.items()} for row in self.rows]

    def drop_column(self) -> None:
        self.rows = [dict(list(row.items())[1:]) for row in self.rows]


class ZipShape(CsvShape):
    """One zipped CSV."""

    def __init__(self, body: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            self._entry = archive.infolist()[0]
            super().__init__(archive.read(self._entry))

    def render(self, rows: list[Any]) -> bytes:
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w") as archive:
            entry = zipfile.ZipInfo(self._entry.filename, self._entry.date_time)
            archive.writestr(entry, super().render(rows), zipfile.ZIP_DEFLATED)
        return sink.getvalue()


class HtmlShape(Shape):
    """A CORES page; rows are the `<tr>` of its table. It has no key to repeat under."""

    def __init__(self, body: bytes) -> None:
        text = body.decode()
        self.rows = re.findall(r"<tr>.*?</tr>\s*", text, re.DOTALL)
        self._head, _, rest = text.partition(self.rows[0]) if self.rows else (text, "", "")
        self._tail = rest[rest.rfind("</tr>") + len("</tr>") :] if self.rows else ""

    def render(self, rows: list[Any]) -> bytes:
        return (self._head + "".join(rows) + self._tail).encode()

    def rekeyed(self, row: str, turn: int) -> str:
        return row

    def without_zeros(self, row: str) -> str:
        return re.sub(r"<td>0+(\d+</td>)", r"<td>\1", row) if "FRN:" in row else row

    def rename_header(self) -> None:
        self.rows = [row.replace("FRN:", "Number:") for row in self.rows]

    def drop_column(self) -> None:
        self.rows = [row for row in self.rows if "Entity Name:" not in row]


def _shape(body: bytes, media_type: str) -> Shape:
    if "json" in media_type and body.startswith(b"["):
        return ArrayShape(body)
    for word, shape in (("csv", CsvShape), ("xml", XmlShape), ("json", JsonShape), ("zip", ZipShape)):
        if word in media_type:
            return shape(body)
    return HtmlShape(body)


def _renamed(body: bytes, media_type: str) -> bytes:
    shape = _shape(body, media_type)
    shape.rename_header()
    return shape.render(shape.rows)


def _missing(body: bytes, media_type: str) -> bytes:
    shape = _shape(body, media_type)
    shape.drop_column()
    return shape.render(shape.rows)


def _empty(body: bytes, media_type: str) -> bytes:
    return _shape(body, media_type).render([])


def _doubled(body: bytes, media_type: str) -> bytes:
    shape = _shape(body, media_type)
    return shape.render([*shape.rows, *shape.rows[:DUPLICATED]])


def _shrunk(body: bytes, media_type: str) -> bytes:
    shape = _shape(body, media_type)
    return shape.render(shape.rows[: int(len(shape.rows) * SHRUNK_SHARE)])


def _grown(body: bytes, media_type: str) -> bytes:
    shape = _shape(body, media_type)
    more = [shape.rekeyed(row, turn) for turn in range(1, GROWN_TIMES) for row in shape.rows]
    return shape.render([*shape.rows, *more])


def _zeros_lost(body: bytes, media_type: str) -> bytes:
    shape = _shape(body, media_type)
    return shape.render([shape.without_zeros(row) for row in shape.rows])


def _wrong_encoding(body: bytes, media_type: str) -> bytes:
    """Latin-1 where UTF-8 is promised (a letter is accented if none is), UTF-16 where the XML says ISO-8859-1."""
    if "xml" in media_type:
        return body.decode("iso-8859-1").encode("utf-16")
    if "zip" in media_type:
        shape = ZipShape(body)
        shape.rows[0] = [*shape.rows[0][:-1], "Ñandú"]
        plain = CsvShape.render(shape, shape.rows).decode().encode("iso-8859-1", "replace")
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w") as archive:
            archive.writestr("provider_list.csv", plain)
        return sink.getvalue()
    text = body.decode("utf-8-sig")
    if text.isascii():
        text = (
            re.sub(r"(?<=[a-z])a(?=[a-z])", "á", text, count=1)
            if "html" in media_type
            else text.replace("LLC", "LLÇ", 1)
        )
    return text.encode("iso-8859-1", "replace")


DISTORTIONS: dict[str, Callable[[bytes, str], bytes]] = {
    "renamed_header": _renamed,
    "missing_column": _missing,
    "wrong_encoding": _wrong_encoding,
    "zero_rows": _empty,
    "duplicate_keys": _doubled,
    "shrunk": _shrunk,
    "grown": _grown,
    "frn_without_zeros": _zeros_lost,
}


def tiny_gzip(body: bytes) -> bytes:
    """The first 130 bytes, inside valid gzip."""
    return gzip.compress(body[:TINY_BYTES], mtime=0)
