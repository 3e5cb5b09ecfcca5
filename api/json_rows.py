"""Rows of a data frame as JSON objects, written column by column.

A city's newest readings are some hundred thousand cells. So a cell costs no Python: Arrow writes the numbers, words and
times are few and are written once each, and the columns are joined to rows in one go.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pandas.api.types import infer_dtype

Unit = Literal["s", "us"]

_DECIMALS = 9
"""Stored figures have six, positions a few more; beyond there is only the noise of sums."""

_SMALL = 1e6
"""Larger figures have no more digits than that anyway, and would lose some of those if they were rounded."""


def json_rows(frame: pd.DataFrame, units: Mapping[str, Unit]) -> list[str]:
    """One JSON object a row, its members in the order of the columns; NaN, NaT and None are null.

    Times are UTC, ISO 8601 with Z, in the unit of their column (`time_units`).
    """
    rows: list[str] = _objects(frame, units, "}").to_pylist()
    return rows


def json_list(frame: pd.DataFrame, units: Mapping[str, Unit]) -> memoryview:
    """`json_rows` with a comma between them, as UTF-8; nothing where there are none.

    Arrow keeps the text of an array in one piece, so the rows need not be taken apart to be put together.
    """
    if frame.empty:
        return memoryview(b"")
    objects = _objects(frame, units, "},")
    first, last = (objects.buffers()[1][offset : offset + 4] for offset in (0, len(objects) * 4))
    begin, end = (int.from_bytes(part, sys.byteorder) for part in (first, last))
    return memoryview(objects.buffers()[2])[begin : end - 1]


def _objects(frame: pd.DataFrame, units: Mapping[str, Unit], ending: str) -> pa.StringArray:
    pieces: list[pa.Array | str] = []
    same = "{"  # what all rows say between two values in which they differ
    for name in frame.columns:
        values = _values(frame[name], units.get(name, "us"))
        same += f"{json.dumps(name)}:"
        if isinstance(values, str):
            same += f"{values},"
        else:
            pieces += [same, values]
            same = ","
    ends = pa.repeat(same.removesuffix(",") + ending, len(frame))
    return pc.binary_join_element_wise(*pieces, ends, "", null_handling="replace", null_replacement="null")


def time_units(frame: pd.DataFrame) -> dict[str, Unit]:
    """For each column of times: seconds where every known time is a whole second, else microseconds.

    One unit for the whole column: pandas refuses to parse a CSV column that changes its form on the way.
    """
    return {name: _unit(instants(frame[name])) for name in frame.select_dtypes("datetimetz").columns}


def instants(times: pd.Series[Any]) -> NDArray[np.datetime64]:
    """A column of aware times in UTC, without saying so."""
    naive: NDArray[np.datetime64] = times.to_numpy(dtype="datetime64[us]")
    return naive


def _unit(times: NDArray[np.datetime64]) -> Unit:
    known = times[~np.isnat(times)]
    return "s" if (known == known.astype("datetime64[s]")).all() else "us"


def iso(times: pd.Series[Any], unit: Unit) -> NDArray[np.object_]:
    """UTC times as ISO 8601 with Z; null stays None."""
    distinct, place = np.unique(instants(times), return_inverse=True)
    texts = np.char.add(np.datetime_as_string(distinct, unit=unit), "Z").astype(object)
    texts[np.isnat(distinct)] = None
    written: NDArray[np.object_] = texts[place]
    return written


def _values(column: pd.Series[Any], unit: Unit) -> pa.StringArray | str:
    """The JSON of each value, null where there is none; of all rows at once where they say the same."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        place, times = pd.factorize(instants(column))
        return _placed([f'"{time}Z"' for time in np.datetime_as_string(times, unit=unit)], place)
    if column.dtype.kind == "f":
        return _figures(column.to_numpy())
    if column.dtype.kind in "iub":  # whole numbers may be null too
        place, numbers = pd.factorize(column)
        return _placed([json.dumps(number) for number in numbers.tolist()], place)
    if infer_dtype(column) == "string":
        place, words = pd.factorize(column.to_numpy(dtype=object))
        return _placed([encode_basestring_ascii(word) for word in words.tolist()], place)
    values = pa.array(column, from_pandas=True).to_pylist()
    return pa.array([None if value is None else json.dumps(value) for value in values], pa.string())


def _figures(exact: NDArray[np.floating[Any]]) -> pa.StringArray | str:
    unknown = ~np.isfinite(exact)
    if unknown.all():
        return "null"
    figures = exact.round(_DECIMALS)
    large = np.abs(exact) >= _SMALL
    if large.any():
        figures[large] = exact[large]
    return pa.array(figures, mask=unknown).cast(pa.string())


def _placed(written: Sequence[str], place: NDArray[np.int64]) -> pa.StringArray | str:
    """Few distinct values in many rows: each is written once. `place` is that of each row in them; -1: null."""
    null = place < 0
    if len(written) == 1 and not null.any():
        return written[0]
    return pa.array(written, pa.string()).take(pa.array(place, mask=null))
