"""Between records or tables and the columns of the DuckDB store, both ways."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from aggregate.tables import (
    FIGURES,
    GROUND,
    Clips,
    Integers,
    LoopTable,
    Numbers,
    ReadingTable,
    Spans,
    Text,
    Times,
    numbers_of,
    times_of,
)
from core.config import Closed
from core.figures import SERIES, Figures, Gains, Shares
from core.ground import ObservedGround
from core.health import HealthEvent
from core.loops import LoopReading
from core.records import CountObservation, Window

_TIME = pa.timestamp("us")
_FIGURES_TYPE = pa.struct([(name, pa.float64()) for name in SERIES])
_GAINS_TYPE = pa.struct([(name, pa.float64()) for name in Gains.model_fields])
_GROUND_TYPE = pa.struct(
    [(name, pa.string() if name == "plane" else pa.float64()) for name in ObservedGround.model_fields]
)
_PER_CLIP = ("present", "peak", "spread", "stationary", "low", "high")
_OF_CLIPS = ("present", "peak", "stationary", "high")
_OF_CLIPS_GROUND = ("area_m2", "area_error", "crowded_share")
_OBSERVATION_TYPES = {
    "id": pa.string(),
    "camera": pa.string(),
    "zone": pa.string(),
    "event_time": _TIME,
    "duration_s": pa.float64(),
    "status": pa.string(),
    "reason": pa.string(),
    "frames": pa.int64(),
    **dict.fromkeys(_PER_CLIP, _FIGURES_TYPE),
    "lighting": pa.string(),
    "gain": _GAINS_TYPE,
    "shared": _GAINS_TYPE,
    "calibration": pa.string(),
    "ground": _GROUND_TYPE,
    "view_epoch": pa.int64(),
    "content": pa.string(),
    "model": pa.string(),
    "counted_at": _TIME,
}


def observation_select() -> str:
    """What to select for `observations_from`."""
    return ", ".join(_OBSERVATION_TYPES)


def clip_select() -> str:
    """What to select, from observations called `o`, for `clips_from`."""
    return ", ".join(
        [
            "o.id, o.camera, o.zone, o.event_time, o.counted_at, o.status",
            *(f"o.{name}" for name in _OF_CLIPS),
            *(f"o.shared.{name} AS shared_by_{name}" for name in Shares.model_fields),
            *(f"o.ground.{name} AS {name}" for name in _OF_CLIPS_GROUND),
        ]
    )


def reading_select(series: Sequence[str], width: str) -> str:
    """What to select, from the readings of a width called `r`, for `readings_from`."""
    plain = ("zone", "camera", "starts", "ends", "coverage", "clips_counted", "clips_expected", "state")
    return ", ".join(
        [
            f"'{Window(width).value}' AS width",
            *(f"r.{name}" for name in (*plain, "reason", "revision", "derived_at", *GROUND)),
            *(_of(name, series) for name in FIGURES),
        ]
    )


def _of(figures: str, series: Sequence[str]) -> str:
    # Whole structs are much the cheaper to plan; single series are much the cheaper to read.
    if tuple(series) == SERIES:
        return f"r.{figures}"
    fields = ", ".join(f"{one} := r.{figures}.{one}" for one in series)
    return f"struct_pack({fields}) AS {figures}"


def naive(time: datetime) -> datetime:
    """A time as the store keeps it: UTC, without saying so in every row."""
    return time.astimezone(UTC).replace(tzinfo=None)


def observation_rows(observations: Sequence[CountObservation]) -> pa.Table:
    def column(name: str, kind: pa.DataType) -> pa.Array:
        values = [getattr(observation, name) for observation in observations]
        if kind in (_FIGURES_TYPE, _GAINS_TYPE):
            return _structs(values, kind)
        if pa.types.is_struct(kind):
            values = [None if fields is None else dict(fields) for fields in values]
        elif kind == _TIME:
            return pa.array(times_of(values), _TIME)
        return pa.array(values, kind)

    return pa.table({name: column(name, kind) for name, kind in _OBSERVATION_TYPES.items()})


def _structs(records: Sequence[Closed | None], kind: pa.StructType) -> pa.Array:
    """Records of numbers; a record that is None is null as a whole."""
    names = [field.name for field in kind]
    fields = [pa.array(column) for column in numbers_of(records, len(names)).T]
    return pa.StructArray.from_arrays(fields, names=names, mask=pa.array([one is None for one in records], pa.bool_()))


def observations_from(rows: pa.Table) -> list[CountObservation]:
    def record(row: dict[str, Any]) -> CountObservation:
        for name in ("event_time", "counted_at"):
            row[name] = row[name].replace(tzinfo=UTC)
        for name in _PER_CLIP:
            row[name] = None if row[name] is None else Figures(**row[name])
        row["gain"] = None if row["gain"] is None else Gains(**row["gain"])
        row["shared"] = None if row["shared"] is None else Shares(**row["shared"])
        row["ground"] = None if row["ground"] is None else ObservedGround(**row["ground"])
        return CountObservation(**row)

    return [record(row) for row in rows.to_pylist()]


def clips_from(rows: pa.Table) -> Clips:
    return Clips(
        id=rows.column("id").to_numpy(),  # no two are the same
        camera=text_from(rows, "camera"),
        zone=text_from(rows, "zone"),
        event_time=times_from(rows, "event_time"),
        counted_at=times_from(rows, "counted_at"),
        status=text_from(rows, "status"),
        **{name: _figures(rows, name) for name in _OF_CLIPS},
        **{f"shared_by_{name}": numbers_from(rows, f"shared_by_{name}") for name in Shares.model_fields},
        **{name: numbers_from(rows, name) for name in _OF_CLIPS_GROUND},
    )


def span_rows(spans: Spans) -> pa.Table:
    return pa.table(
        {
            "zone": pa.array(spans.zone, pa.string()),
            "width": pa.array(spans.window, pa.string()),
            "starts": pa.array(spans.start, _TIME),
            "ends": pa.array(spans.end, _TIME),
        }
    )


def edges(rows: Spans | ReadingTable) -> dict[str, datetime]:
    """The first and the last start and the last end: what narrows a look-up to a few row groups."""
    first, last, end = rows.start.min().item(), rows.start.max().item(), rows.end.max().item()
    return {"first": first, "last": last, "end": end}


def reading_rows(readings: ReadingTable) -> pa.Table:
    """All but the width, which is that of the table they are kept in."""

    def structs(figures: Numbers) -> pa.Array:
        fields = [pa.array(figures[:, column], from_pandas=True) for column in range(len(readings.series))]
        return pa.StructArray.from_arrays(fields, names=list(readings.series))

    return pa.table(
        {
            **{name: structs(getattr(readings, name)) for name in FIGURES},
            "zone": pa.array(readings.zone, pa.string()),
            "camera": pa.array(readings.camera, pa.string()),
            "starts": pa.array(readings.start, _TIME),
            "ends": pa.array(readings.end, _TIME),
            **{name: pa.array(getattr(readings, name), from_pandas=True) for name in GROUND},
            "coverage": pa.array(readings.coverage),
            "clips_counted": pa.array(readings.clips_counted),
            "clips_expected": pa.array(readings.clips_expected),
            "state": pa.array(readings.state, pa.string()),
            "reason": pa.array(readings.reason, pa.string()),
            "revision": pa.array(readings.revision),
            "derived_at": pa.array(readings.derived_at, _TIME),
        }
    )


def readings_from(rows: pa.Table, series: Sequence[str]) -> ReadingTable:
    return ReadingTable(
        series=tuple(series),
        zone=text_from(rows, "zone"),
        camera=text_from(rows, "camera"),
        window=text_from(rows, "width"),
        start=times_from(rows, "starts"),
        end=times_from(rows, "ends"),
        **{name: _figures(rows, name) for name in FIGURES},
        **{name: numbers_from(rows, name) for name in GROUND},
        coverage=numbers_from(rows, "coverage"),
        clips_counted=_integers(rows, "clips_counted"),
        clips_expected=_integers(rows, "clips_expected"),
        state=text_from(rows, "state"),
        reason=text_from(rows, "reason"),
        revision=_integers(rows, "revision"),
        derived_at=times_from(rows, "derived_at"),
    )


def health_rows(events: Sequence[HealthEvent]) -> pa.Table:
    return pa.table(
        {
            "camera": pa.array([event.camera for event in events], pa.string()),
            "since": pa.array([naive(event.since) for event in events], _TIME),
            "state": pa.array([event.state.value for event in events], pa.string()),
            "reason": pa.array([event.reason for event in events], pa.string()),
        }
    )


def health_from(rows: pa.Table) -> list[HealthEvent]:
    return [HealthEvent(**{**row, "since": row["since"].replace(tzinfo=UTC)}) for row in rows.to_pylist()]


def loop_rows(readings: Sequence[LoopReading]) -> pa.Table:
    return pa.table(
        {
            "counter": pa.array([reading.counter for reading in readings], pa.string()),
            "series": pa.array([reading.series for reading in readings], pa.string()),
            "starts": pa.array([naive(reading.start) for reading in readings], _TIME),
            "ends": pa.array([naive(reading.end) for reading in readings], _TIME),
            "flow": pa.array([reading.flow for reading in readings], pa.float64()),
            "occupancy": pa.array([reading.occupancy for reading in readings], pa.float64()),
            "reason": pa.array([reading.reason for reading in readings], pa.string()),
        }
    )


def loops_from(rows: pa.Table) -> LoopTable:
    return LoopTable(
        counter=text_from(rows, "counter"),
        series=text_from(rows, "series"),
        start=times_from(rows, "starts"),
        end=times_from(rows, "ends"),
        flow=numbers_from(rows, "flow"),
        occupancy=numbers_from(rows, "occupancy"),
        reason=text_from(rows, "reason"),
    )


def text_from(rows: pa.Table, name: str) -> Text:
    """A column of text; None for null."""
    # Few distinct words in many rows: decode each word once.
    words = rows.column(name).combine_chunks().dictionary_encode()
    if not len(words):
        return np.empty(0, dtype=object)
    distinct = np.array([*words.dictionary.to_pylist(), None], dtype=object)
    codes = words.indices.fill_null(len(distinct) - 1).to_numpy(zero_copy_only=False)
    column: Text = distinct[codes]
    return column


def times_from(rows: pa.Table, name: str) -> Times:
    """A column of times."""
    column: Times = rows.column(name).to_numpy().astype("datetime64[us]")
    return column


def numbers_from(rows: pa.Table, name: str) -> Numbers:
    """A column of numbers; NaN for null."""
    column: Numbers = rows.column(name).to_numpy().astype(np.float64)
    return column


def _integers(rows: pa.Table, name: str) -> Integers:
    column: Integers = rows.column(name).to_numpy().astype(np.int64)
    return column


def _figures(rows: pa.Table, name: str) -> Numbers:
    """[row, series] from a struct column; NaN for null."""
    structs = rows.column(name).combine_chunks()
    figures = np.empty((len(structs), structs.type.num_fields))
    for column, values in enumerate(structs.flatten()):
        figures[:, column] = values.to_numpy(zero_copy_only=False)
    return figures
