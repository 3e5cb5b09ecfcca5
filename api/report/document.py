"""What a report consists of, whatever it is written as: blocks in the order that they are read in."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Heading:
    text: str


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Points:
    """Sentences that stand under each other; with numbers where their order means something."""

    items: tuple[str, ...]
    numbered: bool = False


@dataclass(frozen=True)
class Sheet:
    """A table: the first `texts` columns are words, the others figures. `widths` are shares of the page's width."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]
    texts: int = 1


@dataclass(frozen=True, eq=False)
class Drawing:
    """A picture drawn from figures. `alt` says what it shows to who cannot see it; `key` is its own in the report."""

    key: str
    figure: Figure
    alt: str
    caption: str


Block = Heading | Paragraph | Points | Sheet | Drawing


@dataclass(frozen=True)
class Document:
    title: str
    subtitle: str
    blocks: tuple[Block, ...]
    footer: str
