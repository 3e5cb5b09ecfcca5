"""PostgreSQL's binary COPY format, byte for byte, without a server."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import numpy as np

from aggregate.postgres_binary import (
    HEADER,
    TRAILER,
    Fixed,
    Kind,
    Lists,
    Words,
    batch,
    identifiers,
    lists,
    numbers,
)
from aggregate.tables import times_of

SECOND = np.array(["2000-01-01T00:00:01", "1999-12-31T23:59:59"], dtype="datetime64[us]")


def field(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content


def float_list(*values: float) -> bytes:
    """`array_send`: dimensions, nulls, type 701, elements, first index; then each with its length."""
    elements = b"".join(field(struct.pack(">d", value)) for value in values)
    return field(struct.pack(">iiiii", 1, 0, 701, len(values), 1) + elements)


def test_rows_are_laid_out_as_copy_takes_them() -> None:
    rows = batch(
        [
            Fixed("at", Kind.TIME, SECOND),
            Fixed("number", Kind.INTEGER, np.array([7, -1])),
            Words("word", ["ü", None]),
            numbers("share", np.array([0.25, np.nan])),
            lists("figures", np.array([[1.0, np.nan], [np.nan, np.nan]])),
            Fixed("old", Kind.BOOLEAN, np.array([0, 1], dtype=np.uint8)),
        ]
    )
    assert rows.columns == ("at", "number", "old", "word", "share", "figures"), "those without nulls come first"
    first = [
        field(struct.pack(">q", 1_000_000)), field(struct.pack(">q", 7)), field(b"\0"), field("ü".encode()),
        field(struct.pack(">d", 0.25)), float_list(1.0, float("nan")),
    ]  # fmt: skip
    null = b"\xff" * 4
    second = [field(struct.pack(">q", -1_000_000)), field(struct.pack(">q", -1)), field(b"\1"), null, null, null]
    fields = struct.pack(">h", 6)
    assert rows.content == HEADER + fields + b"".join(first) + fields + b"".join(second) + TRAILER
    assert rows.rows == 2


def test_ids_are_kept_in_their_sixteen_bytes() -> None:
    column = identifiers("id", ["00ff" * 8, None])
    assert column.values.tobytes() == bytes.fromhex("00ff" * 8) + bytes(16)
    assert column.null is not None
    assert column.null.tolist() == [False, True]


def test_single_precision_stays_single() -> None:
    rows = batch([Lists("parameters", np.array([[1 / 3]], dtype=np.float32))])
    assert struct.pack(">iii", 1, 0, 700) in rows.content
    assert rows.content.endswith(struct.pack(">if", 4, np.float32(1 / 3)) + TRAILER)


def test_what_is_null_in_every_row_is_laid_out_with_what_is_in_none() -> None:
    nothing = np.full((2, 1), np.nan)
    rows = batch([Words("word", ["a", "b"]), numbers("share", nothing[:, 0]), lists("figures", nothing)])
    assert rows.columns == ("share", "figures", "word")
    null = b"\xff" * 4
    row = [struct.pack(">h", 3) + null + null + field(word) for word in (b"a", b"b")]
    assert rows.content == HEADER + b"".join(row) + TRAILER


def test_a_text_has_no_nul() -> None:
    assert field("a\u2400b".encode()) in batch([Words("word", ["a\0b"])]).content


def test_times_of_records_keep_their_microseconds() -> None:
    moments = [datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)]
    assert times_of(moments).tolist() == [moment.replace(tzinfo=None) for moment in moments]
