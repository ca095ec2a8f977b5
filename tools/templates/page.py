"""A Word document in the firm's typography, built up block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docx import Document
from docx.enum.section import WD_SECTION
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_ROW_HEIGHT_RULE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Inches, Pt, RGBColor

BODY, HEAD = "Times New Roman", "Arial"  # LibreOffice has metrically equal fonts, so pages break alike
NAVY, GREY, WHITE = RGBColor(0x12, 0x3A, 0x5A), RGBColor(0x51, 0x60, 0x6F), RGBColor(0xFF, 0xFF, 0xFF)
LINE = "C5CED6"
MARKER = "[[signature]]"  # where documents/signing puts the signer's mark; white on white
MADE = datetime(2026, 1, 1, tzinfo=UTC)
WIDTH = Inches(6.5)


# Of the blank document: what Word offers a lawyer beside the styles of ours, and what nobody needs.
_OFFERED = {
    "Heading 3", "List Bullet 2", "List Bullet 3", "List Number", "List Number 2", "List Number 3", "Table Grid",
}  # fmt: skip
_SPARE_PARTS = {"stylesWithEffects", "thumbnail", "customXml"}


def _joined(text: str) -> str:
    """A section sign stays with its number."""
    return text.replace("\u00a7 ", "\u00a7\u00a0")


class Page:
    """One template. subject: the fact that names whom it is about, printed in the header; about: its title
    among the properties, where `title` holds a condition."""

    def __init__(
        self,
        title: str,
        *,
        subject: str = "carrier_name",
        under: str = "",
        articles: str = "%1.",
        firm: bool = False,
        about: str | None = None,
    ) -> None:
        self.document = Document()
        self.title = title
        self._own: set[str] = set()
        self._styles()
        self._numbers = self._numbering(articles)
        section = self.document.sections[0]
        section.start_type = WD_SECTION.NEW_PAGE
        section.page_width, section.page_height = Inches(8.5), Inches(11)
        section.left_margin = section.right_margin = Inches(1)
        section.top_margin, section.bottom_margin = Inches(1.05), Inches(0.95)
        section.header_distance = section.footer_distance = Inches(0.5)
        self._header(section, subject, firm=firm)
        self._footer(section, firm=firm)
        self._add(title, "Title")
        if under:
            self._add(under, "Subtitle")
        properties = self.document.core_properties
        properties.title, properties.author, properties.comments = about or title, "Performance West", ""
        properties.created = properties.modified = MADE.replace(tzinfo=None)
        properties.last_modified_by, properties.revision = "Performance West", 1

    # --- blocks

    def heading(self, text: str) -> None:
        """A section without a number."""
        self._add(text, "Heading 2")

    def article(self, text: str) -> None:
        """A numbered section; Word counts."""
        self._numbered(self._add(text, "Heading 1"), 0)

    def clause(self, text: str) -> None:
        """A numbered paragraph of the section above."""
        self._numbered(self._add(text, "Clause"), 1)

    def step(self, text: str) -> None:
        """A numbered paragraph where there are no numbered sections."""
        self._numbered(self._add(text, "Clause"), 2)

    def say(self, *paragraphs: str) -> None:
        for text in paragraphs:
            self._add(text, "Body Text")

    def note(self, text: str) -> None:
        """Small print."""
        self._add(text, "Small Print")

    def banner(self, text: str) -> None:
        """A sentence nobody shall overlook."""
        self._add(text, "Banner")

    def points(self, *texts: str) -> None:
        for text in texts:
            self._add(text, "List Bullet")

    def boxes(self, *lines: tuple[str, str]) -> None:
        """Boxes to tick: a condition in the template's words, and what it says."""
        for condition, text in lines:
            box = f"{{% if {condition} %}}\u2612{{% else %}}\u2610{{% endif %}}"
            self._add(f"{box}  {text}", "Tick")

    def quote(self, text: str) -> None:
        """What a customer wrote, set off: it may be long and have lines of its own."""
        self._keep_last_with_next()
        self._add(text, "Stated")

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """Blocks only where the condition holds."""
        self.document.add_paragraph(f"{{%p if {condition} %}}")
        yield
        self.document.add_paragraph("{%p endif %}")

    def otherwise(self, condition: str = "") -> None:
        self.document.add_paragraph(f"{{%p elif {condition} %}}" if condition else "{%p else %}")

    def table(self, *rows: tuple[str, str] | tuple[str, str, str]) -> None:
        """Facts: label, value, and for a row that may be missing the condition under which it stands."""
        made = self._table((Inches(2.15), WIDTH - Inches(2.15)))
        for row in rows:
            if len(row) == 3:
                made.add_row().cells[0].text = f"{{%tr if {row[2]} %}}"
            cells = made.add_row().cells
            self._fill(cells[0], row[0], "Label")
            self._fill(cells[1], row[1], "Value")
            self._ruled(made.rows[-1])
            if len(row) == 3:
                made.add_row().cells[0].text = "{%tr endif %}"
        self.document.add_paragraph(style="Gap")

    def columns(self, head: Sequence[str], *rows: Sequence[str], widths: Sequence[float]) -> None:
        """A table with a head."""
        made = self._table([Inches(width) for width in widths])
        for number, row in enumerate([head, *rows]):
            cells = made.add_row().cells
            for cell, text in zip(cells, row, strict=True):
                self._fill(cell, text, "Label" if number == 0 else "Value")
            self._ruled(made.rows[-1])
        made.rows[0]._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {nsdecls('w')}/>"))
        self.document.add_paragraph(style="Gap")

    def signature(self, name: str = "{{ signer_name }}", title: str = "{{ signer_title }}", *, whose: str = "") -> None:
        """Where the signer's mark goes, by machine or by hand, kept together on one page."""
        self._sign_block(name, title, whose, marked=True)

    def hand_signature(self, name: str, title: str, *, whose: str = "") -> None:
        """A line to be signed on paper or by ourselves; no request is sent for it."""
        self._sign_block(name, title, whose, marked=False)

    def page_break(self) -> None:
        self.document.add_page_break()

    def save(self, path: Path) -> None:
        self._lighten()
        self.document.save(str(path))

    # --- inside

    def _lighten(self) -> None:
        """Takes out what came with the blank document and is of no use: a hundred table styles, styles for Word 2010, a
        thumbnail. Reading them took LibreOffice longer than the document itself."""
        root = self.document.styles.element
        styles = {style.get(qn("w:styleId")): style for style in root.findall(qn("w:style"))}
        offered = {name.lower() for name in (*_OFFERED, *self._own)}  # Word's own names are in small letters there
        wanted = [
            key
            for key, style in styles.items()
            if style.get(qn("w:default")) == "1" or style.find(qn("w:name")).get(qn("w:val")).lower() in offered
        ]
        kept: set[str] = set()
        while wanted:
            name = wanted.pop()
            if name in styles and name not in kept:
                kept.add(name)
                ties = (styles[name].find(qn(f"w:{tie}")) for tie in ("basedOn", "link", "next"))
                wanted += [tie.get(qn("w:val")) for tie in ties if tie is not None]
        for name, style in styles.items():
            if name not in kept:
                root.remove(style)
        part = self.document.part
        for owner in (part, part.package):
            for key, tie in list(owner.rels.items()):
                if tie.reltype.rpartition("/")[2] in _SPARE_PARTS:
                    del owner.rels[key]

    def _add(self, text: str, style: str) -> Any:
        return self.document.add_paragraph(_joined(text), style=style)

    def _keep_last_with_next(self) -> None:
        """The sentence that leads to something does not stay behind on the page before it."""
        last = self.document.paragraphs[-1]
        if last._p is self.document.element.body.findall(qn("w:p"))[-1] and "{%p" not in last.text:
            last.paragraph_format.keep_with_next = True

    def _sign_block(self, name: str, title: str, whose: str, *, marked: bool) -> None:
        self._keep_last_with_next()
        if whose:
            paragraph = self.document.add_paragraph(whose, style="Label")
            paragraph.paragraph_format.space_before = Pt(14)
            paragraph.paragraph_format.keep_with_next = True
        made = self._table((Inches(3.6), WIDTH - Inches(3.6)))
        caption = made.add_row().cells
        self._fill(caption[0], "Signature and date" if marked else "Signature", "Label")
        self._fill(caption[1], "" if marked else "Date", "Label")
        line = made.add_row()
        line.height, line.height_rule = Pt(44), WD_ROW_HEIGHT_RULE.EXACTLY
        line.cells[0].vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.BOTTOM
        if marked:
            run = self._fill(line.cells[0], MARKER, "Value").runs[0]
            run.font.size, run.font.color.rgb = Pt(6), WHITE
        for cell in line.cells[:1] if marked else line.cells:
            self._rule_below(cell, "17222E")
        below = made.add_row()
        below.height, below.height_rule = Pt(20), WD_ROW_HEIGHT_RULE.EXACTLY
        for label, value in (("Name", name), ("Title", title)):
            if value:
                cells = made.add_row().cells
                self._fill(cells[0], f"{label}: {value}", "Value")
        for row in made.rows:
            row._tr.get_or_add_trPr().append(parse_xml(f"<w:cantSplit {nsdecls('w')}/>"))
            for cell in row.cells:
                for paragraph in cell.paragraphs:
                    paragraph.paragraph_format.keep_with_next = row is not made.rows[-1]
        self.document.add_paragraph(style="Gap")

    def _table(self, widths: Sequence[Any]) -> Any:
        made = self.document.add_table(rows=0, cols=len(widths))
        made.autofit = False
        for column, width in zip(made.columns, widths, strict=True):
            column.width = width
        properties = made._tbl.tblPr
        properties.append(
            parse_xml(
                f'<w:tblCellMar {nsdecls("w")}><w:left w:w="0" w:type="dxa"/><w:right w:w="115" w:type="dxa"/>'
                "</w:tblCellMar>"
            )
        )
        return made

    def _fill(self, cell: Any, text: str, style: str) -> Any:
        paragraph = cell.paragraphs[0]
        paragraph.style = self.document.styles[style]
        paragraph.add_run(_joined(text))
        return paragraph

    def _ruled(self, row: Any) -> None:
        row._tr.get_or_add_trPr().append(parse_xml(f"<w:cantSplit {nsdecls('w')}/>"))
        for cell in row.cells:
            self._rule_below(cell, LINE)

    def _rule_below(self, cell: Any, colour: str) -> None:
        cell._tc.get_or_add_tcPr().append(
            parse_xml(
                f'<w:tcBorders {nsdecls("w")}><w:bottom w:val="single" w:sz="4" w:space="0" w:color="{colour}"/>'
                "</w:tcBorders>"
            )
        )

    def _numbered(self, paragraph: Any, level: int) -> None:
        properties = paragraph._p.get_or_add_pPr()
        properties.append(
            parse_xml(f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{level}"/><w:numId w:val="{self._numbers}"/></w:numPr>')
        )

    def _numbering(self, articles: str) -> int:
        """One list with two levels: sections, and clauses counted within them."""
        numbering = self.document.part.numbering_part.element
        long = len(articles) > 4
        first, hang = (0, 0) if long else (360, 360)
        after = "space" if long else "tab"
        abstract = parse_xml(
            f'<w:abstractNum {nsdecls("w")} w:abstractNumId="90"><w:multiLevelType w:val="multilevel"/>'
            f'<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/>'
            f'<w:suff w:val="{after}"/>'
            f'<w:lvlText w:val="{articles}"/><w:lvlJc w:val="left"/>'
            f'<w:pPr><w:ind w:left="{first}" w:hanging="{hang}"/></w:pPr></w:lvl>'
            '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1.%2"/>'
            '<w:lvlJc w:val="left"/><w:pPr><w:ind w:left="560" w:hanging="560"/></w:pPr></w:lvl>'
            '<w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%3."/>'
            '<w:lvlJc w:val="left"/><w:pPr><w:ind w:left="360" w:hanging="360"/></w:pPr></w:lvl></w:abstractNum>'
        )
        first_number = numbering.find(qn("w:num"))
        first_number.addprevious(abstract)
        number = parse_xml(f'<w:num {nsdecls("w")} w:numId="90"><w:abstractNumId w:val="90"/></w:num>')
        numbering.append(number)
        return 90

    def _header(self, section: Any, subject: str, *, firm: bool) -> None:
        paragraph = section.header.paragraphs[0]
        paragraph.style = self.document.styles["Header"]
        run = paragraph.add_run("Performance West" if firm else f"{{{{ {subject} }}}}")
        run.bold = True
        run.font.color.rgb = NAVY
        paragraph.add_run(f"\t{self.title}")
        self._rule(paragraph, "bottom")

    def _footer(self, section: Any, *, firm: bool) -> None:
        paragraph = section.footer.paragraphs[0]
        paragraph.style = self.document.styles["Footer"]
        left = "{{ firm_name }} \u00b7 " if firm else "Prepared by {{ firm_name }} \u00b7 "
        paragraph.add_run(left + "Order {{ order_number }}\tPage ")
        self._field(paragraph, "PAGE")
        paragraph.add_run(" of ")
        self._field(paragraph, "NUMPAGES")
        self._rule(paragraph, "top")

    def _field(self, paragraph: Any, code: str) -> None:
        paragraph._p.append(
            parse_xml(f'<w:fldSimple {nsdecls("w")} w:instr=" {code} "><w:r><w:t>1</w:t></w:r></w:fldSimple>')
        )

    def _rule(self, paragraph: Any, side: str) -> None:
        paragraph._p.get_or_add_pPr().append(
            parse_xml(
                f'<w:pBdr {nsdecls("w")}><w:{side} w:val="single" w:sz="4" w:space="4" w:color="{LINE}"/></w:pBdr>'
            )
        )

    def _styles(self) -> None:
        self._style("Normal", BODY, 11, after=6, line=1.12)
        self._style("Body Text", BODY, 11, after=7, line=1.15)
        self._style("Title", HEAD, 19, bold=True, colour=NAVY, after=3, keep=True)
        self._style("Subtitle", HEAD, 10.5, colour=GREY, after=16, keep=True)
        self._style("Heading 1", HEAD, 12, bold=True, colour=NAVY, before=15, after=5, keep=True)
        self._style("Heading 2", HEAD, 11, bold=True, colour=NAVY, before=13, after=4, keep=True)
        self._style("Clause", BODY, 11, after=6, line=1.15, based="Body Text")
        self._style("List Bullet", BODY, 11, after=4, line=1.12)
        self._style("Tick", BODY, 11, after=3, based="Body Text", left=0.28, first=-0.28)
        self._style("Stated", BODY, 11, after=8, line=1.15, based="Body Text", left=0.25)
        self._style("Label", HEAD, 8.5, colour=GREY, before=4, after=3, based="Normal")
        self._style("Value", BODY, 11, before=2, after=3, line=1.05, based="Normal")
        self._style("Small Print", HEAD, 8.5, colour=GREY, before=6, after=4, based="Normal")
        self._style("Banner", HEAD, 10, bold=True, colour=NAVY, before=4, after=12, based="Normal")
        self._style("Gap", BODY, 5, after=2, based="Normal")
        self._style("Header", HEAD, 8.5, colour=GREY)
        self._style("Footer", HEAD, 8, colour=GREY)
        for name in ("Header", "Footer"):
            stops = self.document.styles[name].paragraph_format.tab_stops
            for _ in list(stops):
                del stops[0]
            stops.add_tab_stop(WIDTH, WD_TAB_ALIGNMENT.RIGHT)

    def _style(
        self,
        name: str,
        font: str,
        size: float,
        *,
        bold: bool = False,
        colour: RGBColor | None = None,
        before: float = 0,
        after: float = 0,
        line: float = 1.0,
        keep: bool = False,
        based: str | None = None,
        left: float = 0,
        first: float = 0,
    ) -> None:
        self._own.add(name)
        styles = self.document.styles
        style = styles[name] if name in [one.name for one in styles] else styles.add_style(name, 1)
        if based:
            style.base_style = styles[based]
        style.font.name, style.font.size, style.font.bold, style.font.italic = font, Pt(size), bold, False
        style.font.color.rgb = colour or RGBColor(0x17, 0x22, 0x2E)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for which in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            fonts.attrib.pop(qn(which), None)
        for which in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
            fonts.set(qn(which), font)
        spacing = style.element.rPr.find(qn("w:spacing"))
        if spacing is not None:
            style.element.rPr.remove(spacing)
        borders = style.element.get_or_add_pPr().find(qn("w:pBdr"))
        if borders is not None:
            style.element.pPr.remove(borders)
        form = style.paragraph_format
        form.space_before, form.space_after, form.line_spacing = Pt(before), Pt(after), line
        form.keep_with_next, form.widow_control, form.alignment = keep, True, WD_ALIGN_PARAGRAPH.LEFT
        if left:
            form.left_indent, form.first_line_indent = Inches(left), Inches(first)
