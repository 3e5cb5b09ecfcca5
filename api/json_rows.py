"""Rows of a data frame as JSON objects, written column by column.

A city's newest readings are some hundred thousand cells. So a cell costs no Python: Arrow writes the numbers, words and
times are few and are written once each, and the columns are joined to rows in one go.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

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
    for name in frame.columns:
        pieces += [f"{',' if pieces else '{'}{json.dumps(name)}:", _values(frame[name], units.get(name, "us"))]
    return pc.binary_join_element_wise(*pieces, ending, "", null_handling="replace", null_replacement="null")


def time_units(frame: pd.DataFrame) -> dict[str, Unit]:
    """For each column of times: seconds where every known time is a whole second, else microseconds.

    One unit for the whole column: pandas refuses to parse a CSV column that changes its form on the way.
    """
    return {name: _unit(instants(frame[name])) for name in frame.select_dtypes("datetimetz").columns}


def instants(times: pd.Series[Any]) -> NDArray[np.datetime64]:
    """A column of aware times in UTC, without saying so."""
    naive: NDArray[np.datetime64] = times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
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


def _values(column: pd.Series[Any], unit: Unit) -> pa.Array:
    """The JSON of each value; null where there is none."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return _words(pa.array(iso(column, unit), pa.string()))
    if column.dtype.kind == "f":
        exact = column.to_numpy()
        figures = np.where(np.abs(exact) < _SMALL, exact.round(_DECIMALS), exact)
        return pa.array(figures, mask=~np.isfinite(figures)).cast(pa.string())
    if column.dtype.kind in "iub":
        return pa.array(column, from_pandas=True).cast(pa.string())  # whole numbers may be null too
    values = pa.array(column, from_pandas=True)
    if pa.types.is_null(values.type):
        return values.cast(pa.string())
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return _words(values.cast(pa.string()))
    return pa.array([None if value is None else json.dumps(value) for value in values.to_pylist()], pa.string())


def _words(values: pa.StringArray) -> pa.StringArray:
    """Few distinct words in many rows: each is written once."""
    encoded = values.dictionary_encode()
    written = pa.array([encode_basestring_ascii(word) for word in encoded.dictionary.to_pylist()], pa.string())
    return written.take(encoded.indices)
