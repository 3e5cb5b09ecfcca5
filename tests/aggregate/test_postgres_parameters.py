"""Names and times as parameters, as a PostgreSQL server reads them: without a server."""

from __future__ import annotations

import struct

import numpy as np

from aggregate.postgres_parameters import time_list, word_list

SECOND = np.array(["2000-01-01T00:00:01", "1999-12-31T23:59:59.999999"], dtype="datetime64[us]")


def test_names_are_a_literal() -> None:
    assert word_list([]) == "{}"
    assert word_list(["a", "NULL", ""]) == '{"a","NULL",""}'
    assert word_list(['say "a"', "b\\c"]) == '{"say \\"a\\"","b\\\\c"}'


def test_times_are_an_array_of_microseconds_since_2000() -> None:
    """`array_recv`: dimensions, nulls, type 1184, elements, first index; then each with its length."""
    assert time_list(SECOND) == struct.pack(">iiiiiiqiq", 1, 0, 1184, 2, 1, 8, 1_000_000, 8, -1)
    assert time_list(SECOND[:0]) == struct.pack(">iii", 0, 0, 1184)
