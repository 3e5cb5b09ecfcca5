"""What a PostgreSQL server sends, row by row and in lists, is read to the last bit: without a server."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from aggregate.postgres_binary import HEADER, TRAILER, Fixed, Kind, Lists, Words, batch, identifiers
from aggregate.postgres_found import Field, Layout

SECOND = np.array(["2000-01-01T00:00:01", "1999-12-31T23:59:59"], dtype="datetime64[us]")
LAYOUT = Layout((Field("at", "at", Kind.TIME), Field.figures("figures", "f", 2)), {"word": "w", "why": "y"})


def field(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content


def listed(oid: int, elements: list[bytes | None], inside: int = 0) -> bytes:
    """`array_send`: dimensions, nulls, type, of each dimension elements and first index; then each with its length."""
    dimensions = [len(elements) // inside, 1, inside, 1] if inside else [len(elements), 1]
    begins = struct.pack(f">iii{len(dimensions)}i", len(dimensions) // 2, int(None in elements), oid, *dimensions)
    return begins + b"".join(b"\xff" * 4 if one is None else field(one) for one in elements)


def times(*seconds: int) -> bytes:
    return listed(1184, [struct.pack(">q", second * 1_000_000) for second in seconds])


def figures(*values: float) -> bytes:
    return listed(701, [struct.pack(">d", value) for value in values], inside=2)


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


def test_lists_are_rows_one_list_after_the_other() -> None:
    """What a query gathers by zone: of the second zone it found nothing."""
    assert LAYOUT.gathered == (
        "array_agg(at), array_agg(coalesce(f, array_fill('NaN'::float8, ARRAY[2]))), array_agg(w), array_agg(y)"
    )
    found = LAYOUT.read_lists(
        [
            (
                times(1, 2),
                figures(0.1 + 0.2, 1.0, np.nan, np.nan),
                listed(25, [b"ok", b"ok"]),
                listed(25, [None, None]),
            ),
            (None, None, None, None),
            (times(-1), figures(5e-324, -0.0), listed(25, ["\u00fc".encode()]), listed(25, [b""])),
        ]
    )
    assert len(found) == 3
    assert found.times("at").tolist() == [*(SECOND[:1]), SECOND[0] + np.timedelta64(1, "s"), SECOND[1]]
    assert found.lists("figures").tobytes() == np.array([[0.1 + 0.2, 1.0], [np.nan] * 2, [5e-324, -0.0]]).tobytes()
    assert found.words["word"].tolist() == ["ok", "ok", "\u00fc"]
    assert found.words["why"].tolist() == [None, None, ""]


def test_words_of_a_list_differ_or_are_the_same_in_all_of_it() -> None:
    layout = Layout((Field("at", "at", Kind.TIME),), {"word": "w"})
    for words in (["a"], ["a", "a", "a"], ["a", "a", "b"], [None, None], ["a", None, "aa", ""]):
        content = listed(25, [None if word is None else word.encode() for word in words])
        found = layout.read_lists([(times(*range(len(words))), content)])
        assert found.words["word"].tolist() == words


@pytest.mark.parametrize("rows", [[], [(None,) * 4], [(None,) * 4] * 2])
def test_lists_of_nothing_are_no_rows(rows: list[tuple[None, ...]]) -> None:
    found = LAYOUT.read_lists(rows)
    assert (len(found), found.lists("figures").shape, found.words["word"].tolist()) == (0, (0, 2), [])
