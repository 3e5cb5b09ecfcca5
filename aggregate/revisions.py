"""Readings as they are announced: one `ReadingRevision` a zone and window, with all its series.

A city has thousands of rows a second: they are written column by column, by Arrow, and no record is built of any. A
table of readings is sound by how it was made; whether what is written makes readings is not examined once more here,
but by whoever takes it from the bus.
"""

from __future__ import annotations

from json import JSONEncoder
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aggregate.tables import FIGURES, GROUND, Integers, Numbers, ReadingTable, Text, Times
from core.bus import Written
from core.figures import SERIES
from core.revisions import ReadingRevision

_JSON = JSONEncoder(ensure_ascii=False)


def revisions_of(readings: ReadingTable) -> list[Written[ReadingRevision]]:
    """One for each row, in their order, as it travels. Raises `ValueError` where the table has not all `SERIES`."""
    if readings.series != SERIES:
        raise ValueError(f"a revision has all series: {', '.join(SERIES)}")
    if not len(readings):
        return []
    start, revision = _times(readings.start), _whole(readings.revision)
    place = _joined(_plain(readings.zone), "/", _plain(readings.window), "/", _offset(readings.start))
    identity = _joined(place, "/", revision)
    payload = _joined(
        '{"zone":', _words(readings.zone),
        ',"camera":', _words(readings.camera),
        ',"window":', _words(readings.window),
        ',"start":', start,
        ',"end":', _times(readings.end),
        ',"revision":', revision,
        ',"derived_at":', _times(readings.derived_at),
        ',"series":', *_series(readings),
        *(piece for name in GROUND for piece in (f',"{name}":', _figures(getattr(readings, name)))),
        ',"coverage":', _figures(readings.coverage),
        ',"clips_counted":', _whole(readings.clips_counted),
        ',"clips_expected":', _whole(readings.clips_expected),
        ',"state":', _words(readings.state),
        ',"reason":', _words(readings.reason),
        "}",
    )  # fmt: skip
    told = (place.to_pylist(), identity.to_pylist(), payload.cast(pa.binary()).to_pylist())
    return list(map(Written, *told))


def _series(readings: ReadingTable) -> list[pa.Array | str]:
    """The pieces of `series`: of each series, the pieces of its figures."""
    values = np.stack([getattr(readings, name).T for name in FIGURES], axis=1)  # [series, figure, row]
    written = _figures(values.ravel())
    pieces: list[pa.Array | str] = []
    for number, series in enumerate(readings.series):
        for figure, name in enumerate(FIGURES):
            before = f'{"," if number else "{"}"{series}":{{' if not figure else ","
            first = (number * len(FIGURES) + figure) * len(readings)
            pieces += [f'{before}"{name}":', written.slice(first, len(readings))]
        pieces.append("}")
    return [*pieces, "}"]


def _joined(*pieces: pa.Array | str) -> pa.StringArray:
    return pc.binary_join_element_wise(*pieces, "", null_handling="replace", null_replacement="null")


def _figures(values: Numbers) -> pa.StringArray:
    """Each as JSON, in the fewest digits that it is known by again; null where it is none."""
    return pa.array(values, mask=~np.isfinite(values)).cast(pa.string())


def _whole(values: Integers) -> pa.StringArray:
    return pa.array(values).cast(pa.string())


def _plain(values: Text) -> pa.StringArray:
    return pa.array(values, pa.string())


def _words(values: Text) -> pa.StringArray:
    """Each as JSON. Few distinct words are in many rows: each is written once."""
    encoded = _plain(values).dictionary_encode()
    return _of_distinct([_JSON.encode(word) for word in encoded.dictionary.to_pylist()], encoded.indices)


def _times(times: Times) -> pa.StringArray:
    """Each as JSON, as the records write them; they are few too."""
    distinct, place = np.unique(times, return_inverse=True)
    return _of_distinct([f'"{time.isoformat()}Z"' for time in distinct.tolist()], place)


def _offset(times: Times) -> pa.StringArray:
    """Each as a place names it."""
    distinct, place = np.unique(times, return_inverse=True)
    return _of_distinct([f"{time.isoformat()}+00:00" for time in distinct.tolist()], place)


def _of_distinct(written: list[str], place: Any) -> pa.StringArray:
    return pa.array(written, pa.string()).take(pa.array(place))
