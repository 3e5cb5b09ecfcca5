"""Figures as a plain table: one source for the terminal and for pages."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

NOTHING = "–"

Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """`texts` columns hold words, the rest numbers. `shades` (0..1) colour the numbers of a confusion, by row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""
    texts: int = 1
    shades: tuple[tuple[float, ...], ...] = field(default=())


def print_table(table: Table, console: Console) -> None:
    """A group of rows is named once. The last column of words may fold, everything else may not."""
    drawn = RichTable(
        title=table.title, title_justify="left", title_style="bold", caption=escape(table.note), caption_justify="left",
        box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0),
    )  # fmt: skip
    groups = table.texts - 1
    for at, name in enumerate(table.columns):
        folds = at == groups
        width = max(map(len, (*name.split(), *(row[at] for row in table.rows if not folds))), default=1)
        drawn.add_column(name, justify="left" if at <= groups else "right", overflow="fold", min_width=width)
    before: tuple[str, ...] = ()
    for row in table.rows:
        opens = row[:groups] != before
        if before and opens:
            drawn.add_section()
        before = row[:groups]
        drawn.add_row(*(before if opens else ("",) * groups), *map(escape, row[groups:]))
    console.print(drawn)
    console.print()
