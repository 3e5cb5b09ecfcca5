"""Rows that are asked for, in the formats of `aggregate/postgres_binary.py`: read by numpy, many at once.

Of many rows (`Layout.read`), each one message of a COPY: its fixed fields first, none of them null, and its texts after
them, so that the first part is read by numpy and the second, which is the same in many rows, once.

Of rows that a query gathers in lists (`Layout.read_lists`), as those that keys ask for, a column of a list comes as one
value: a row costs the client next to nothing, and the server no message.

    SELECT array_agg(o.event_time), array_agg(o.present), ...  -->  [8 t0 8 t1 ...], [[8 p00 8 p01 ...] [8 p10 ...] ...]
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from aggregate.postgres_binary import EPOCH, HEADER, TRAILER, Kind
from aggregate.tables import Integers, Mask, Numbers, Text, Times, text

_LENGTH = struct.Struct(">i")
_LIST, _LISTS = 20, 28
"""What a list begins with, and a list of lists: the number of dimensions, whether there are nulls, the type of the
elements, and of each dimension its length and first index."""


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

    def listed(self, lists: Iterable[bytes]) -> NDArray[Any]:
        """The values in what `array_agg` made of this field, one list after the other."""
        begins = _LISTS if self.elements else _LIST
        element = np.dtype([("length", ">i4"), ("value", self.kind.format)])
        values = np.frombuffer(b"".join([content[begins:] for content in lists]), element)["value"]
        return values.reshape(-1, self.elements) if self.elements else values


@dataclass(frozen=True)
class Layout:
    """What rows are asked for: their fields of fixed width, and then their texts, an expression by name."""

    fixed: tuple[Field, ...]
    texts: Mapping[str, str]

    @property
    def select(self) -> str:
        """What stands between SELECT and FROM, for `read`."""
        return ", ".join(self._expressions)

    @property
    def gathered(self) -> str:
        """What stands between SELECT and FROM, for `read_lists`."""
        return ", ".join(f"array_agg({expression})" for expression in self._expressions)

    @property
    def _expressions(self) -> list[str]:
        return [*(field.sql for field in self.fixed), *self.texts.values()]

    def read(self, messages: Iterable[bytes]) -> Found:
        """The rows of a COPY, as they come from the server: one a message."""
        dtype = self._dtype()
        width, blocks, tails = dtype.itemsize, [], []
        for message in messages:
            row = message[len(HEADER) :] if message.startswith(HEADER) else message
            if len(row) > len(TRAILER):
                blocks.append(row[:width])
                tails.append(row[width:])
        read = {tail: _words(tail, 0, len(self.texts)) for tail in set(tails)}
        columns = zip(*[read[tail] for tail in tails], strict=True) if tails else [()] * len(self.texts)
        words = {name: text(column) for name, column in zip(self.texts, columns, strict=True)}
        rows = np.frombuffer(b"".join(blocks), dtype)
        fixed = {one.name: rows[one.name]["value"] if one.elements else rows[one.name] for one in self.fixed}
        return Found(fixed, words)

    def read_lists(self, rows: Iterable[Sequence[bytes | None]]) -> Found:
        """The rows in all the lists of a query's rows, which hold the same columns; null where there are none."""
        columns = list(zip(*[row for row in rows if row[0] is not None], strict=True))
        columns = columns or [()] * (len(self.fixed) + len(self.texts))
        fixed = {one.name: one.listed(column) for one, column in zip(self.fixed, columns, strict=False)}
        words = {
            name: text([word for content in column for word in _listed_words(content)])
            for name, column in zip(self.texts, columns[len(self.fixed) :], strict=True)
        }
        return Found(fixed, words)

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
    """Rows that were asked for: their fields of fixed width and their texts, by name."""

    fixed: Mapping[str, NDArray[Any]]
    words: Mapping[str, Text]

    def __len__(self) -> int:
        return len(next(iter(self.fixed.values())))

    def times(self, name: str) -> Times:
        """A column of times."""
        times: Times = self.fixed[name].astype(np.int64).astype("timedelta64[us]") + EPOCH
        return times

    def numbers(self, name: str) -> Numbers:
        """A column of figures; NaN for null."""
        found: Numbers = self.fixed[name].astype(np.float64)
        return found

    def integers(self, name: str) -> Integers:
        """A column of whole numbers."""
        found: Integers = self.fixed[name].astype(np.int64)
        return found

    def flags(self, name: str) -> Mask:
        """A column of what is so or not."""
        found: Mask = self.fixed[name].astype(bool)
        return found

    def lists(self, name: str) -> Numbers:
        """A column of lists, [row, element]; NaN for null."""
        return self.numbers(name)

    def identifiers(self, name: str) -> list[str | None]:
        """A column of sixteen bytes each, in hexadecimal digits; None for null."""
        digits = self.fixed[name].tobytes().hex()
        found = [digits[first : first + 32] for first in range(0, len(digits), 32)]
        return [None if one == _NO_IDENTIFIER else one for one in found]


_NO_IDENTIFIER = "0" * 32


def _listed_words(content: bytes) -> Sequence[str | None]:
    number = int.from_bytes(content[12:16], "big")
    (length,) = _LENGTH.unpack_from(content, _LIST)
    first = content[_LIST : _LIST + 4 + max(0, length)]
    if content == content[:_LIST] + first * number:  # the same in all of them, as most texts are
        return _words(first, 0, 1) * number
    return _words(content, _LIST, number)


def _words(content: bytes, first: int, number: int) -> tuple[str | None, ...]:
    found: list[str | None] = []
    for _ in range(number):
        (length,) = _LENGTH.unpack_from(content, first)
        first += 4
        found.append(None if length < 0 else content[first : first + length].decode())
        first += max(0, length)
    return tuple(found)
