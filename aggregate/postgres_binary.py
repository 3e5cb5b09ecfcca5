"""PostgreSQL's binary COPY format, many rows at once: what the arrays hold crosses as it is, to the last bit.

    COPY table (one, two, word) FROM STDIN (FORMAT binary)

    header | 3 | 8 one | 8 two | 5 word | 3 | 8 one | -1 | 4 word | ... | -1    of a row its fields, with their lengths

Fields of fixed width are laid side by side by numpy, one block a row; only texts, and columns in which something is
null, are joined row by row. Rows that are asked for come with their fixed fields first, none of them null, and their
texts after them, so that the first part is read by numpy and the second, which is the same in many rows, once.

The format is that of https://www.postgresql.org/docs/current/sql-copy.html (Binary Format), the values in it those of
the types' send and receive functions: big-endian, times in microseconds since 2000-01-01.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from aggregate.tables import Integers, Mask, Numbers, Text, Times, text

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_EPOCH = np.datetime64("2000-01-01", "us")
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


_OID = {np.dtype(np.float64): 701, np.dtype(np.float32): 700}
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
    """A column of `float8[]`, of `real[]` where the values are float32: [row, element]. Rows in `null` hold nothing."""

    name: str
    values: NDArray[np.float64] | NDArray[np.float32]
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
    whole = [column for column in columns if not isinstance(column, Words) and column.null is None]
    parts = [column for column in columns if isinstance(column, Words) or column.null is not None]
    rows = len(columns[0].values)
    pieces: list[Any] = [None] * (rows * (1 + len(parts)))
    pieces[:: 1 + len(parts)] = _blocks(whole, rows, len(columns))
    for place, column in enumerate(parts, start=1):
        pieces[place :: 1 + len(parts)] = _pieces(column)
    names = tuple(column.name for column in (*whole, *parts))
    return Batch(names, rows, b"".join([HEADER, *pieces, TRAILER]))


def _blocks(columns: Sequence[Fixed | Lists], rows: int, fields: int) -> list[bytes]:
    """What each row begins with: the number of its fields, and those of them that have a fixed width and no null."""
    layout: list[tuple[Any, ...]] = [("fields", ">i2")]
    for place, column in enumerate(columns):
        layout += _layout_of(column, str(place))
    block = np.zeros(rows, dtype=np.dtype(layout))
    block["fields"] = fields
    for place, column in enumerate(columns):
        _fill(block, column, str(place))
    return _each(block)


def _pieces(column: Column) -> list[bytes]:
    """The field of each row, with its length; null where it is."""
    if isinstance(column, Words):
        fields = _WordFields()
        return [fields[word] for word in column.values]
    block = np.zeros(len(column.values), dtype=np.dtype(_layout_of(column, "0")))
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


def _fill(block: NDArray[np.void], column: Fixed | Lists, place: str) -> None:
    if isinstance(column, Fixed):
        block[f"length{place}"] = block.dtype[f"value{place}"].itemsize
        block[f"value{place}"] = _since_2000(column.values) if column.kind is Kind.TIME else column.values
        return
    width, of_element = column.values.shape[1], column.values.dtype.itemsize
    block[f"length{place}"] = 20 + width * (4 + of_element)
    # Dimensions, nulls inside, type of the elements, their number, the first one's index.
    block[f"array{place}"] = 1, 0, _OID[column.values.dtype], width, 1
    block[f"value{place}"]["length"] = of_element
    block[f"value{place}"]["value"] = column.values


def _each(block: NDArray[np.void]) -> list[bytes]:
    content, width = block.tobytes(), block.dtype.itemsize
    return [content[first : first + width] for first in range(0, len(content), width)]


class _WordFields(dict[str | None, bytes]):
    """The field of a text. PostgreSQL has no NUL in a text: where one stands, U+2400 is kept, the picture of it."""

    def __missing__(self, word: str | None) -> bytes:
        if word is None:
            return _NULL
        content = word.replace("\0", "\u2400").encode()
        self[word] = field = _LENGTH.pack(len(content)) + content
        return field


def _since_2000(times: Times) -> NDArray[np.int64]:
    since: NDArray[np.int64] = (times - _EPOCH).astype(np.int64)
    return since


def word_list(words: Sequence[str]) -> str:
    """Texts as a literal of `text[]`; the client's own runs a regular expression over each of thousands."""
    together = "".join(words)
    if '"' in together or "\\" in together:
        words = [word.replace("\\", "\\\\").replace('"', '\\"') for word in words]
    joined = '","'.join(words)
    return f'{{"{joined}"}}' if words else "{}"


def time_list(times: Times) -> str:
    """Times as a literal of `timestamptz[]`."""
    return f"{{{','.join(np.datetime_as_string(times, unit='us', timezone='UTC'))}}}"


@dataclass(frozen=True)
class Field:
    """What is asked for, under a name, as an expression that is never null: of a list, how many elements it has."""

    name: str
    sql: str
    kind: Kind
    elements: int = 0

    @classmethod
    def figure(cls, name: str, sql: str) -> Self:
        """A number; NaN for null."""
        return cls(name, f"coalesce({sql}, 'NaN')", Kind.FLOAT)

    @classmethod
    def figures(cls, name: str, sql: str, elements: int, kind: Kind = Kind.FLOAT) -> Self:
        """A list of numbers; all of them NaN for null."""
        return cls(name, f"coalesce({sql}, array_fill('NaN'::{kind.type}, ARRAY[{elements}]))", kind, elements)

    @classmethod
    def identifier(cls, name: str, sql: str) -> Self:
        """Sixteen bytes; all of them zero for null."""
        return cls(name, f"coalesce({sql}, '{'0' * 32}')", Kind.UUID)


@dataclass(frozen=True)
class Layout:
    """What rows are asked for: their fields of fixed width, and then their texts, an expression by name."""

    fixed: tuple[Field, ...]
    texts: Mapping[str, str]

    @property
    def select(self) -> str:
        """What stands between SELECT and FROM."""
        return ", ".join([*(field.sql for field in self.fixed), *self.texts.values()])

    def read(self, messages: Iterable[bytes]) -> Found:
        """The rows of a COPY, as they come from the server: one a message."""
        dtype = self._dtype()
        width, blocks, tails = dtype.itemsize, [], []
        for message in messages:
            row = message[len(HEADER) :] if message.startswith(HEADER) else message
            if len(row) > len(TRAILER):
                blocks.append(row[:width])
                tails.append(row[width:])
        read = {tail: _words(tail, len(self.texts)) for tail in set(tails)}
        columns = zip(*[read[tail] for tail in tails], strict=True) if tails else [()] * len(self.texts)
        words = {name: text(column) for name, column in zip(self.texts, columns, strict=True)}
        return Found(np.frombuffer(b"".join(blocks), dtype), words)

    def _dtype(self) -> np.dtype[np.void]:
        layout: list[tuple[Any, ...]] = [(" fields", ">i2")]
        for field in self.fixed:
            name, element = field.name, field.kind.format
            if field.elements:
                layout += [(f" {name}", "V24"), (name, [("length", ">i4"), ("value", element)], field.elements)]
            else:
                layout += [(f" {name}", "V4"), (name, element)]
        return np.dtype(layout)


@dataclass(frozen=True, eq=False)
class Found:
    """Rows that a COPY gave: their fields of fixed width and their texts, by name."""

    fixed: NDArray[np.void]
    words: Mapping[str, Text]

    def __len__(self) -> int:
        return len(self.fixed)

    def times(self, name: str) -> Times:
        """A column of times."""
        return times_from(self.fixed[name])

    def numbers(self, name: str) -> Numbers:
        """A column of figures; NaN for null."""
        found: Numbers = self.fixed[name].astype(np.float64)
        return found

    def integers(self, name: str) -> Integers:
        """A column of whole numbers."""
        found: Integers = self.fixed[name].astype(np.int64)
        return found

    def lists(self, name: str) -> Numbers:
        """A column of lists, [row, element]; NaN for null."""
        found: Numbers = self.fixed[name]["value"].astype(np.float64)
        return found

    def identifiers(self, name: str) -> list[str | None]:
        """A column of sixteen bytes each, in hexadecimal digits; None for null."""
        digits = self.fixed[name].tobytes().hex()
        found = [digits[first : first + 32] for first in range(0, len(digits), 32)]
        return [None if one == _NO_IDENTIFIER else one for one in found]


_NO_IDENTIFIER = "0" * 32


def _words(tail: bytes, number: int) -> tuple[str | None, ...]:
    found: list[str | None] = []
    first = 0
    for _ in range(number):
        (length,) = _LENGTH.unpack_from(tail, first)
        first += 4
        found.append(None if length < 0 else tail[first : first + length].decode())
        first += max(0, length)
    return tuple(found)


def times_from(values: NDArray[Any]) -> Times:
    """Times as the server counts them."""
    times: Times = values.astype(np.int64).astype("timedelta64[us]") + _EPOCH
    return times


def lists_from(messages: Iterable[bytes]) -> Iterator[tuple[int, list[NDArray[Any]]]]:
    """The rows of a COPY whose first field is a whole number, and whose others are lists without nulls."""
    for message in messages:
        row = message[len(HEADER) :] if message.startswith(HEADER) else message
        if len(row) <= len(TRAILER):
            continue
        fields, first = int.from_bytes(row[:2], "big"), 14
        columns = []
        for _ in range(fields - 1):
            length, _, _, oid, elements = _LIST.unpack_from(row, first)
            element = np.dtype([("length", ">i4"), ("value", _LISTED[oid])])
            columns.append(np.frombuffer(row, element, elements, first + 24)["value"])
            first += 4 + length
        yield int.from_bytes(row[6:14], "big"), columns


_LIST = struct.Struct(">iiiIi")
_LISTED = {701: ">f8", 20: ">i8", 1184: ">i8"}
"""The types of elements by their OID: float8, bigint, timestamptz."""
