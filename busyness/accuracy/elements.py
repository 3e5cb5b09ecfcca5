"""What the pages of figures are made of: tables and drawings, as HTML."""

from __future__ import annotations

from html import escape

from busyness.table import Table


def figure(svg: str, alt: str, caption: str) -> str:
    """A drawing, what it shows for who cannot see it, and what is to be said of it."""
    drawing = svg.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1)
    return f"<figure>\n{drawing}\n<figcaption>{escape(caption)}</figcaption>\n</figure>\n"


def folded(table: Table) -> str:
    """A table to unfold."""
    return f"<details><summary>{escape(table.title)}: the numbers</summary>\n{table_of(table)}</details>\n"


def table_of(table: Table) -> str:
    """A table that may be wider than the page."""
    head = "".join(f'<th scope="col"{_text(at, table)}>{escape(name)}</th>' for at, name in enumerate(table.columns))
    rows = []
    for at, row in enumerate(table.rows):
        before = table.rows[at - 1] if at else row
        opens = ' class="first"' if before[: table.texts - 1] != row[: table.texts - 1] else ""
        shades = table.shades[at] if table.shades else ()
        cells = "".join(
            _cell(column, value, table, shades, again=bool(at) and not opens and column < table.texts - 1)
            for column, value in enumerate(row)
        )
        rows.append(f"<tr{opens}>{cells}</tr>\n")
    note = f'<p class="note">{escape(table.note)}</p>\n' if table.note else ""
    return (
        f'<div class="wide"><table>\n<caption>{escape(table.title)}</caption>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{''.join(rows)}</tbody>\n</table></div>\n{note}"
    )


def _cell(column: int, value: str, table: Table, shades: tuple[float, ...], *, again: bool) -> str:
    """`again`: a word that the row above says too stands back."""
    if column < table.texts:
        return f'<th scope="row" class="text{" again" if again else ""}">{escape(value)}</th>'
    kind = f' class="text {value}"' if value in ("better", "worse") else ""
    shade = shades[column - table.texts] if shades else 0.0
    colour = f' style="background: rgba(var(--heat), {0.55 * shade:.2f})"' if shade else ""
    return f"<td{kind}{colour}>{escape(value)}</td>"


def _text(column: int, table: Table) -> str:
    return ' class="text"' if column < table.texts else ""
