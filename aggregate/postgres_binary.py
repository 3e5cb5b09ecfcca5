"""PostgreSQL's binary COPY format, many rows at once: what the arrays hold crosses as it is, to the last bit.

    COPY table (one, two, word) FROM STDIN (FORMAT binary)

    header | 3 | 8 one | 8 two | 5 word | 3 | 8 one | -1 | 4 word | ... | -1    of a row its fields, with their lengths

Fields of fixed width are laid side by side by numpy, one block a row; only texts, and columns in which something is
null, are joined row by row. How rows are asked for: `aggregate/postgres_found.py`.

The format is that of https://www.postgresql.org/docs/current/sql-copy.html (Binary Format), the values in it those of
the types' send and receive functions: big-endian, times in microseconds since 2000-01-01.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggregate.tables import Mask, Numbers, Text, Times

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
EPOCH = np.datetime64("2000-01-01", "us")
_LENGTH = struct.Struct(">i")


class Kind(Enum):
    """What a column of fixed width holds, as numpy writes it."""

    TIME = "timestamptz", ">i8"
    FLOAT = "float8", ">f8"
    REAL = "real", ">f4"
    INTEGER = "bigint", ">i8"
    BOOLEAN = "boolean", "u1"
    UUID = "uuid", "V16"

    @property
    def type(self) -> str:
        """PostgreSQL's name of it."""
        return self.value[0]

    @property
    def format(self) -> str:
        """The numpy type of a value."""
        return self.value[1]


_OID = {np.dtype(np.float64): 701, np.dtype(np.float32): 700, np.dtype(np.int64): 20}
"""Of the types of elements, as pg_type.dat numbers them."""


@dataclass(frozen=True, eq=False)
class Fixed:
    """A column of fixed width. `null` marks the rows that hold nothing; None: there are none."""

    name: str
    kind: Kind
    values: NDArray[Any]
    null: Mask | None = None


@dataclass(frozen=True, eq=False)
class Lists:
    """A column of `float8[]`, `real[]` or `bigint[]`, as the values are: [row, element]; `null` rows hold nothing."""

    name: str
    values: NDArray[np.float64] | NDArray[np.float32] | NDArray[np.int64]
    null: Mask | None = None


@dataclass(frozen=True, eq=False)
class Words:
    """A column of text; None is null."""

    name: str
    values: Sequence[str | None] | Text


Column = Fixed | Lists | Words


@dataclass(frozen=True)
class Batch:
    """Rows on their way into a table: the order of the columns, and what COPY takes."""

    columns: tuple[str, ...]
    rows: int
    content: bytes


def numbers(name: str, values: Numbers) -> Fixed:
    """A column of figures that are null where they are NaN."""
    null = np.isnan(values)
    return Fixed(name, Kind.FLOAT, values, null if null.any() else None)


def lists(name: str, values: NDArray[np.float64] | NDArray[np.float32]) -> Lists:
    """A column of figures, [row, element]: rows that are NaN throughout are null."""
    null: Mask = np.asarray(np.isnan(values).all(axis=1))
    return Lists(name, values, null if null.any() else None)


def identifiers(name: str, values: Sequence[str | None]) -> Fixed:
    """A column of 32 hexadecimal digits each, kept in their 16 bytes."""
    null = np.array([value is None for value in values], dtype=bool)
    content = bytes.fromhex("".join("0" * 32 if value is None else value for value in values))
    return Fixed(name, Kind.UUID, np.frombuffer(content, "V16"), null if null.any() else None)


def batch(columns: Sequence[Column]) -> Batch:
    """Rows of `columns`, all equally long, as COPY takes them."""
    whole = [column for column in columns if not isinstance(column, Words) and _is_whole(column)]
    parts = [column for column in columns if isinstance(column, Words) or not _is_whole(column)]
    rows = len(columns[0].values)
    pieces: list[Any] = [None] * (rows * (1 + len(parts)))
    pieces[:: 1 + len(parts)] = _blocks(whole, rows, len(columns))
    for place, column in enumerate(parts, start=1):
        pieces[place :: 1 + len(parts)] = _pieces(column)
    names = tuple(column.name for column in (*whole, *parts))
    return Batch(names, rows, b"".join([HEADER, *pieces, TRAILER]))


def _is_whole(column: Fixed | Lists) -> bool:
    """Whether its field is as wide in every row: null in none of them, or in all."""
    return column.null is None or bool(column.null.all())


def _blocks(columns: Sequence[Fixed | Lists], rows: int, fields: int) -> list[bytes]:
    """What each row begins with: the number of its fields, and those of them that are whole."""
    layout: list[tuple[Any, ...]] = [("fields", ">i2")]
    for place, column in enumerate(columns):
        layout += [(f"length{place}", ">i4")] if column.null is not None else _layout_of(column, str(place))
    frame = np.zeros(1, dtype=np.dtype(layout))
    frame["fields"] = fields
    for place, column in enumerate(columns):
        if column.null is not None:
            frame[f"length{place}"] = -1
        else:
            _frame(frame, column, str(place))
    block = np.repeat(frame, rows)
    for place, column in enumerate(columns):
        if column.null is None:
            _fill(block, column, str(place))
    return _each(block)


def _pieces(column: Column) -> list[bytes]:
    """The field of each row, with its length; null where it is."""
    if isinstance(column, Words):
        return list(map(_WordFields().__getitem__, column.values))
    frame = np.zeros(1, dtype=np.dtype(_layout_of(column, "0")))
    _frame(frame, column, "0")
    block = np.repeat(frame, len(column.values))
    _fill(block, column, "0")
    pieces = _each(block)
    for row in () if column.null is None else np.flatnonzero(column.null).tolist():
        pieces[row] = _NULL
    return pieces


def _layout_of(column: Fixed | Lists, place: str) -> list[tuple[Any, ...]]:
    if isinstance(column, Fixed):
        return [(f"length{place}", ">i4"), (f"value{place}", column.kind.format)]
    element = [("length", ">i4"), ("value", column.values.dtype.newbyteorder(">"))]
    return [(f"length{place}", ">i4"), (f"array{place}", ">i4", 5), (f"value{place}", element, column.values.shape[1])]


def _frame(row: NDArray[np.void], column: Fixed | Lists, place: str) -> None:
    """Lay out what is the same in every row of a column: lengths, and what a list begins with."""
    if isinstance(column, Fixed):
        row[f"length{place}"] = row.dtype[f"value{place}"].itemsize
        return
    width, of_element = column.values.shape[1], column.values.dtype.itemsize
    row[f"length{place}"] = 20 + width * (4 + of_element)
    # Dimensions, nulls inside, type of the elements, their number, the first one's index.
    row[f"array{place}"] = 1, 0, _OID[column.values.dtype], width, 1
    row[f"value{place}"]["length"] = of_element


def _fill(block: NDArray[np.void], column: Fixed | Lists, place: str) -> None:
    """Lay out the values of a column."""
    if isinstance(column, Lists):
        block[f"value{place}"]["value"] = column.values
    else:
        block[f"value{place}"] = since_2000(column.values) if column.kind is Kind.TIME else column.values


def _each(block: NDArray[np.void]) -> list[bytes]:
    rows: list[bytes] = block.view(f"V{block.dtype.itemsize}").tolist()
    return rows


class _WordFields(dict[str | None, bytes]):
    """The field of a text. PostgreSQL has no NUL in a text: where one stands, U+2400 is kept, the picture of it."""

    def __missing__(self, word: str | None) -> bytes:
        content = None if word is None else word.replace("\0", "\u2400").encode()
        self[word] = field = _NULL if content is None else _LENGTH.pack(len(content)) + content
        return field


def since_2000(times: Times) -> NDArray[np.int64]:
    """Times as the server counts them, in microseconds."""
    since: NDArray[np.int64] = (times - EPOCH).astype(np.int64)
    return since
