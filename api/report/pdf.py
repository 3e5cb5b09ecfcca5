"""The report as PDF, A4: the same blocks, set by fpdf2 in DejaVu, which has the letters of Europe's street names.

The fonts are those that matplotlib brings with it, so that it is the same on every machine.
"""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib
from fpdf import FPDF
from fpdf.enums import TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace

from api.report.document import Block, Document, Drawing, Heading, Paragraph, Points, Sheet

MARGIN_MM = 18.0
INK, PALE_INK, RULE = (29, 41, 57), (71, 84, 103), (228, 231, 236)
DPI = 200
FAMILY = "DejaVu"


class _Sheets(FPDF):
    """Pages with the report's footer and number."""

    def __init__(self, footer: str) -> None:
        super().__init__(format="A4")
        self._said = footer
        fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        self.add_font(FAMILY, "", fonts / "DejaVuSans.ttf")
        self.add_font(FAMILY, "B", fonts / "DejaVuSans-Bold.ttf")
        self.set_margins(MARGIN_MM, MARGIN_MM)
        self.set_auto_page_break(True, margin=MARGIN_MM)

    def footer(self) -> None:
        """Called by fpdf2 at the end of each page."""
        self.set_y(-12)
        self.set_font(FAMILY, size=7)
        self.set_text_color(*PALE_INK)
        self.cell(0, 5, self._said)
        self.cell(0, 5, f"{self.page_no()} / {{nb}}", align="R")


def pdf(document: Document) -> bytes:
    """The whole file."""
    sheets = _Sheets(document.footer)
    sheets.set_title(document.title)
    sheets.set_subject(document.subtitle)
    sheets.set_lang("en-GB")
    sheets.set_creator("busyness")
    sheets.add_page()
    _words(sheets, document.title, size=20, style="B", line_mm=9)
    _words(sheets, document.subtitle, size=9.5, colour=PALE_INK)
    for block, following in zip(document.blocks, (*document.blocks[1:], None), strict=True):
        if isinstance(block, Heading) and sheets.will_page_break(_room(sheets, following)):
            sheets.add_page()  # a heading does not stand alone at the foot of a page
        _block(sheets, block)
    return bytes(sheets.output())


def _block(sheets: _Sheets, block: Block) -> None:
    match block:
        case Heading(text):
            sheets.ln(4)
            sheets.start_section(text)
            _words(sheets, text, size=13, style="B", line_mm=7)
        case Paragraph(text):
            _words(sheets, text)
        case Points(items, numbered):
            for place, item in enumerate(items, start=1):
                _words(sheets, item, mark=f"{place}." if numbered else "•")
        case Sheet():
            _sheet(sheets, block)
        case Drawing():
            _drawing(sheets, block)


def _room(sheets: _Sheets, following: Block | None) -> float:
    """Millimetres that a heading and the beginning of what follows it take."""
    return 18.0 + (_high_mm(sheets, following) if isinstance(following, Drawing) else 22.0)


def _high_mm(sheets: _Sheets, drawing: Drawing) -> float:
    wide_in, high_in = drawing.figure.get_size_inches()
    return sheets.epw * float(high_in / wide_in) + 12


def _words(
    sheets: _Sheets,
    text: str,
    *,
    size: float = 9.5,
    style: str = "",
    colour: tuple[int, int, int] = INK,
    line_mm: float = 5.0,
    mark: str | None = None,
) -> None:
    sheets.set_font(FAMILY, style=style, size=size)
    sheets.set_text_color(*colour)
    if mark is not None:
        sheets.cell(6, line_mm, mark)
    sheets.multi_cell(0, line_mm, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    sheets.ln(1)


def _sheet(sheets: _Sheets, sheet: Sheet) -> None:
    _words(sheets, sheet.title, size=8.5, colour=PALE_INK)
    sheets.set_font(FAMILY, size=7.5)
    sheets.set_text_color(*INK)
    sheets.set_draw_color(*RULE)
    align = tuple("LEFT" if at < sheet.texts else "RIGHT" for at in range(len(sheet.columns)))
    with sheets.table(
        col_widths=sheet.widths, text_align=align, line_height=4.2, padding=0.8,
        borders_layout=TableBordersLayout.HORIZONTAL_LINES, headings_style=FontFace(emphasis="BOLD"),
    ) as table:  # fmt: skip
        for row in (sheet.columns, *sheet.rows):
            table.row(row)
    sheets.ln(2)


def _drawing(sheets: _Sheets, drawing: Drawing) -> None:
    picture = io.BytesIO()
    drawing.figure.savefig(picture, format="png", dpi=DPI)
    picture.seek(0)
    if sheets.will_page_break(_high_mm(sheets, drawing)):
        sheets.add_page()
    sheets.image(picture, w=sheets.epw, alt_text=drawing.alt)
    _words(sheets, drawing.caption, size=8, colour=PALE_INK, line_mm=4.2)
