"""PostgreSQL's binary COPY format, byte for byte, without a server."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import numpy as np
import pytest

from aggregate.postgres_binary import (
    HEADER,
    TRAILER,
    Field,
    Fixed,
    Kind,
    Layout,
    Lists,
    Words,
    batch,
    identifiers,
    lists,
    lists_from,
    numbers,
    time_list,
    word_list,
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


def test_a_text_has_no_nul() -> None:
    assert field("a\u2400b".encode()) in batch([Words("word", ["a\0b"])]).content


def test_rows_that_come_are_read_as_they_were_laid_out() -> None:
    """Whatever is null is told by the expression that asks for it; texts may be."""
    layout = Layout(
        (
            Field("at", "at", Kind.TIME),
            Field.figure("share", "share"),
            Field.figures("figures", "figures", 2),
            Field.identifier("id", "id"),
        ),
        {"word": "word", "why": "why"},
    )
    assert layout.select == (
        "at, coalesce(share, 'NaN'), coalesce(figures, array_fill('NaN'::float8, ARRAY[2])), "
        f"coalesce(id, '{'0' * 32}'), word, why"
    )
    content = batch(
        [
            Fixed("at", Kind.TIME, SECOND),
            Fixed("share", Kind.FLOAT, np.array([0.1 + 0.2, np.nan])),
            Lists("figures", np.array([[5e-324, -0.0], [np.nan, np.nan]])),
            identifiers("id", ["ab" * 16, "0" * 32]),
            Words("word", ["one", None]),
            Words("why", [None, ""]),
        ]
    ).content
    rows = content[len(HEADER) : -len(TRAILER)].split(struct.pack(">h", 6) + struct.pack(">i", 8))[1:]
    messages = [struct.pack(">hi", 6, 8) + row for row in rows]
    found = layout.read([HEADER + messages[0], messages[1], TRAILER])
    assert len(found) == 2
    assert found.times("at").tolist() == SECOND.tolist()
    assert found.numbers("share").tobytes() == np.array([0.1 + 0.2, np.nan]).tobytes()
    assert found.lists("figures")[0].tobytes() == np.array([5e-324, -0.0]).tobytes()
    assert found.identifiers("id") == ["ab" * 16, None]
    assert found.words["word"].tolist() == ["one", None]
    assert found.words["why"].tolist() == [None, ""]


@pytest.mark.parametrize("messages", [[], [HEADER + TRAILER], [HEADER, TRAILER]])
def test_no_rows_are_no_rows(messages: list[bytes]) -> None:
    found = Layout((Field.figures("figures", "f", 9),), {"word": "w"}).read(messages)
    assert (len(found), found.lists("figures").shape, found.words["word"].tolist()) == (0, (0, 9), [])


def test_lists_of_any_length_come_with_a_number() -> None:
    message = struct.pack(">h", 2) + field(struct.pack(">q", 3)) + float_list(0.5, 1.5)
    ((number, (values,)),) = lists_from([HEADER + message, TRAILER])
    assert (number, values.tolist()) == (3, [0.5, 1.5])


def test_names_and_times_are_written_as_a_server_reads_them() -> None:
    assert word_list([]) == "{}"
    assert word_list(["a", "NULL", ""]) == '{"a","NULL",""}'
    assert word_list(['say "a"', "b\\c"]) == '{"say \\"a\\"","b\\\\c"}'
    assert time_list(SECOND[:1]) == "{2000-01-01T00:00:01.000000Z}"
    assert time_list(SECOND[:0]) == "{}"


def test_times_of_records_keep_their_microseconds() -> None:
    moments = [datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)]
    assert times_of(moments).tolist() == [moment.replace(tzinfo=None) for moment in moments]
