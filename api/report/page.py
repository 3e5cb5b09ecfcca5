"""The report as one HTML file: everything in it, nothing fetched, printable."""

from __future__ import annotations

from html import escape

from aggregate.drawing import svg
from api.report.document import Block, Document, Drawing, Heading, Paragraph, Points, Sheet

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.55 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: #1d2939; background: #fff; margin: 0; }
main { max-width: 48rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; border-top: 1px solid #e4e7ec; padding-top: 1.25rem; }
.subtitle { color: #475467; margin: .4rem 0 0; }
figure { margin: 1rem 0; } figure svg { width: 100%; height: auto; }
figcaption, footer, caption { color: #475467; font-size: .875rem; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; margin: .5rem 0 1rem; }
.wide { overflow-x: auto; }
caption { text-align: left; padding-bottom: .25rem; }
th, td { text-align: right; padding: .35rem .5rem; border-bottom: 1px solid #e4e7ec; }
td { font-variant-numeric: tabular-nums; }
th { font-weight: 600; vertical-align: bottom; } .text { text-align: left; font-weight: 400; }
thead .text { font-weight: 600; }
li { margin: .35rem 0; }
footer { margin-top: 3rem; border-top: 1px solid #e4e7ec; padding-top: 1rem; }
@media print { main { padding: 0; } h2 { break-after: avoid; } figure, tr { break-inside: avoid; } }
"""


def page(document: Document) -> str:
    """The whole file."""
    body = "\n".join(_block(block) for block in document.blocks)
    return (
        '<!doctype html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(document.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<header><h1>{escape(document.title)}</h1>\n<p class="subtitle">{escape(document.subtitle)}</p></header>\n'
        f"{body}\n<footer>{escape(document.footer)}</footer>\n</main>\n</body>\n</html>\n"
    )


def _block(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h2>{escape(text)}</h2>"
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Points(items, numbered):
            kind = "ol" if numbered else "ul"
            return f"<{kind}>{''.join(f'<li>{escape(item)}</li>' for item in items)}</{kind}>"
        case Sheet():
            return _sheet(block)
        case Drawing():
            drawing = svg(block.figure, block.key).replace(
                "<svg", f'<svg role="img" aria-label="{escape(block.alt)}"', 1
            )
            return f"<figure>{drawing}<figcaption>{escape(block.caption)}</figcaption></figure>"


def _sheet(sheet: Sheet) -> str:
    def cell(tag: str, at: int, value: str, scope: str = "") -> str:
        kind = ' class="text"' if at < sheet.texts else ""
        return f"<{tag}{scope}{kind}>{escape(value)}</{tag}>"

    head = "".join(cell("th", at, name, ' scope="col"') for at, name in enumerate(sheet.columns))
    rows = "".join(
        "<tr>"
        + "".join(
            cell("th" if at == 0 else "td", at, value, ' scope="row"' if at == 0 else "")
            for at, value in enumerate(row)
        )
        + "</tr>\n"
        for row in sheet.rows
    )
    return (
        f'<div class="wide"><table><caption>{escape(sheet.title)}</caption>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>{rows}</tbody></table></div>"
    )
