"""Between records or tables and the columns of the PostgreSQL store, both ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np

from aggregate.postgres_binary import Column, Fixed, Kind, Words, identifiers, lists, numbers
from aggregate.postgres_found import Field, Found, Layout
from aggregate.tables import (
    FIGURES,
    GROUND,
    Clips,
    LoopTable,
    Numbers,
    ReadingTable,
    Times,
    nullable,
    numbers_of,
    text,
    times_of,
)
from core.figures import SERIES, Figures, Gains, Shares
from core.ground import ObservedGround
from core.loops import LoopReading
from core.records import CountObservation, Window

_PER_CLIP = ("present", "peak", "spread", "stationary", "low", "high")
_OF_CLIPS = ("present", "peak", "stationary", "high")
_OF_GROUND = ("area_m2", "area_error", "crowded_share")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WHOLE_FROM = 4
"""From so many series on whole lists are asked for, and their elements picked here rather than there."""


def observation_columns(observations: Sequence[CountObservation]) -> list[Column]:
    """All columns of the table `observations`."""
    # Not a tuple a row, of which there would be so many that the garbage collector looks through all there is.
    values = list(chain.from_iterable(map(_FIELDS_OF, map(vars, observations))))
    of: dict[str, list[Any]] = {name: values[place :: len(_FIELDS)] for place, name in enumerate(_FIELDS)}
    gain, shared = numbers_of(of["gain"], len(Gains.model_fields)), numbers_of(of["shared"], len(Shares.model_fields))
    area_m2, area_error, crowded_share = _ground_of(of["ground"]).T
    return [
        identifiers("id", of["id"]),
        Fixed("event_time", Kind.TIME, times_of(of["event_time"])),
        Fixed("duration_s", Kind.FLOAT, np.array(of["duration_s"], dtype=np.float64)),
        Fixed("frames", Kind.INTEGER, np.array(of["frames"], dtype=np.int64)),
        Fixed("view_epoch", Kind.INTEGER, np.array(of["view_epoch"], dtype=np.int64)),
        Fixed("counted_at", Kind.TIME, times_of(of["counted_at"])),
        *(lists(name, numbers_of(of[name], len(SERIES))) for name in _PER_CLIP),
        numbers("gain_people", gain[:, 0]),
        numbers("gain_vehicles", gain[:, 1]),
        numbers("shared_by_people", shared[:, 0]),
        numbers("shared_by_vehicles", shared[:, 1]),
        numbers("area_m2", area_m2),
        numbers("area_error", area_error),
        numbers("crowded_share", crowded_share),
        identifiers("content", of["content"]),
        *(Words(name, of[name]) for name in ("camera", "zone", "status", "reason", "lighting", "calibration", "model")),
        Words("plane", [one and one.plane for one in of["ground"]]),
    ]


_FIELDS = tuple(CountObservation.model_fields)
_FIELDS_OF = itemgetter(*_FIELDS)


def _ground_of(grounds: Sequence[ObservedGround | None]) -> Numbers:
    """[clip, one of `_OF_GROUND`], NaN where it is not known."""
    if not any(grounds):
        return np.full((len(grounds), len(_OF_GROUND)), np.nan)
    unknown = (np.nan,) * len(_OF_GROUND)
    rows = [
        unknown
        if one is None
        else (one.area_m2, one.area_error, np.nan if one.crowded_share is None else one.crowded_share)
        for one in grounds
    ]
    return np.array(rows, dtype=np.float64)


_TEXTS = ("camera", "zone", "status", "reason", "lighting", "calibration", "model", "plane")
_NULLABLE = ("gain_people", "gain_vehicles", "shared_by_people", "shared_by_vehicles", *_OF_GROUND)

OBSERVATIONS = Layout(
    (
        Field.identifier("id", "o.id"),
        Field("event_time", "o.event_time", Kind.TIME),
        Field("duration_s", "o.duration_s", Kind.FLOAT),
        Field("frames", "o.frames", Kind.INTEGER),
        Field("view_epoch", "o.view_epoch", Kind.INTEGER),
        Field("counted_at", "o.counted_at", Kind.TIME),
        *(Field.figures(name, f"o.{name}", len(SERIES)) for name in _PER_CLIP),
        *(Field.figure(name, f"o.{name}") for name in _NULLABLE),
        Field.identifier("content", "o.content"),
    ),
    {name: f"o.{name}" for name in _TEXTS},
)
"""For `observations_from`, of observations called `o`."""

CLIPS = Layout(
    (
        Field.identifier("id", "o.id"),
        Field("event_time", "o.event_time", Kind.TIME),
        Field("counted_at", "o.counted_at", Kind.TIME),
        *(Field.figures(name, f"o.{name}", len(SERIES)) for name in _OF_CLIPS),
        *(Field.figure(name, f"o.{name}") for name in ("shared_by_people", "shared_by_vehicles", *_OF_GROUND)),
    ),
    {name: f"o.{name}" for name in ("camera", "zone", "status")},
)
"""For `clips_from`, of observations called `o`."""


def observations_from(found: Found) -> list[CountObservation]:
    columns: dict[str, list[Any]] = {name: words.tolist() for name, words in found.words.items()}
    columns |= {name: found.identifiers(name) for name in ("id", "content")}
    columns |= {name: _aware(found.times(name)) for name in ("event_time", "counted_at")}
    columns |= {name: found.integers(name).tolist() for name in ("frames", "view_epoch")}
    columns |= {"duration_s": found.numbers("duration_s").tolist()}
    columns |= {name: _figures_from(found.lists(name)) for name in _PER_CLIP}
    parts = {name: nullable(found.numbers(name)) for name in _NULLABLE}
    columns["gain"] = [
        None if people is None else Gains(people=people, vehicles=vehicles)
        for people, vehicles in zip(parts["gain_people"], parts["gain_vehicles"], strict=True)
    ]
    columns["shared"] = [
        None if people is None else Shares(people=people, vehicles=vehicles)
        for people, vehicles in zip(parts["shared_by_people"], parts["shared_by_vehicles"], strict=True)
    ]
    columns["ground"] = [
        None if plane is None else ObservedGround(plane=plane, **dict(zip(_OF_GROUND, figures, strict=True)))
        for plane, *figures in zip(columns.pop("plane"), *(parts[name] for name in _OF_GROUND), strict=True)
    ]
    return [CountObservation(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def _figures_from(values: Numbers) -> list[Figures | None]:
    known = ~np.isnan(values[:, 0])
    return [
        Figures(**dict(zip(SERIES, row, strict=True))) if there else None
        for there, row in zip(known.tolist(), values.tolist(), strict=True)
    ]


def clips_from(found: Found) -> Clips:
    columns: dict[str, Any] = {
        **found.words,
        **{name: found.times(name) for name in ("event_time", "counted_at")},
        **{name: found.lists(name) for name in _OF_CLIPS},
        **{name: found.numbers(name) for name in ("shared_by_people", "shared_by_vehicles", *_OF_GROUND)},
    }
    return Clips(id=text(found.identifiers("id")), **columns)


def reading_columns(readings: ReadingTable) -> list[Column]:
    """All columns of the tables of readings but the width, which is that of the table they are kept in."""
    rows = len(readings)
    return [
        Fixed("starts", Kind.TIME, readings.start),
        Fixed("ends", Kind.TIME, readings.end),
        Fixed("coverage", Kind.FLOAT, readings.coverage),
        Fixed("clips_counted", Kind.INTEGER, readings.clips_counted),
        Fixed("clips_expected", Kind.INTEGER, readings.clips_expected),
        Fixed("revision", Kind.INTEGER, readings.revision),
        Fixed("derived_at", Kind.TIME, readings.derived_at),
        Fixed("superseded", Kind.BOOLEAN, np.zeros(rows, dtype=np.uint8)),
        *(lists(name, getattr(readings, name)) for name in FIGURES),
        *(numbers(name, getattr(readings, name)) for name in GROUND),
        *(Words(name, getattr(readings, name)) for name in ("zone", "camera", "state", "reason")),
    ]


def reading_layout(series: Sequence[str], width: str) -> Layout:
    """For `readings_from`, of the readings of a width called `r`."""
    return Layout(
        (
            Field("start", "r.starts", Kind.TIME),
            Field("end", "r.ends", Kind.TIME),
            *(Field(name, f"r.{name}", Kind.INTEGER) for name in ("clips_counted", "clips_expected", "revision")),
            Field("derived_at", "r.derived_at", Kind.TIME),
            Field("coverage", "r.coverage", Kind.FLOAT),
            *(Field.figure(name, f"r.{name}") for name in GROUND),
            *(field for name in FIGURES for field in _of_series(name, series)),
        ),
        {"window": f"'{Window(width).value}'::text", **{name: f"r.{name}" for name in _OF_READINGS}},
    )


_OF_READINGS = ("zone", "camera", "state", "reason")


def _of_series(name: str, series: Sequence[str]) -> Iterator[Field]:
    if len(series) >= _WHOLE_FROM:
        yield Field.figures(name, f"r.{name}", len(SERIES))
        return
    for one in series:
        yield Field.figure(f"{name} {one}", f"r.{name}[{SERIES.index(one) + 1}]")


def readings_from(found: Found, series: Sequence[str]) -> ReadingTable:
    def figures(name: str) -> Numbers:
        if len(series) >= _WHOLE_FROM:
            return found.lists(name)[:, [SERIES.index(one) for one in series]]
        columns = [found.numbers(f"{name} {one}") for one in series]
        return np.stack(columns, axis=1) if columns else np.empty((len(found), 0))

    columns: dict[str, Any] = {
        **found.words,
        **{name: found.times(name) for name in ("start", "end", "derived_at")},
        **{name: figures(name) for name in FIGURES},
        **{name: found.numbers(name) for name in (*GROUND, "coverage")},
        **{name: found.integers(name) for name in ("clips_counted", "clips_expected", "revision")},
    }
    return ReadingTable(series=tuple(series), **columns)


def loop_columns(readings: Sequence[LoopReading]) -> list[Column]:
    """All columns of the table `loops`."""
    return [
        Fixed("starts", Kind.TIME, times_of([one.start for one in readings])),
        Fixed("ends", Kind.TIME, times_of([one.end for one in readings])),
        numbers("flow", np.array([one.flow for one in readings], dtype=np.float64)),
        numbers("occupancy", np.array([one.occupancy for one in readings], dtype=np.float64)),
        Words("counter", [one.counter for one in readings]),
        Words("series", [one.series for one in readings]),
        Words("reason", [one.reason for one in readings]),
    ]


LOOPS = Layout(
    (
        Field("start", "starts", Kind.TIME),
        Field("end", "ends", Kind.TIME),
        Field.figure("flow", "flow"),
        Field.figure("occupancy", "occupancy"),
    ),
    {"counter": "counter", "series": "series", "reason": "reason"},
)
"""For `loops_from`."""


def loops_from(found: Found) -> LoopTable:
    return LoopTable(
        **found.words,
        start=found.times("start"),
        end=found.times("end"),
        flow=found.numbers("flow"),
        occupancy=found.numbers("occupancy"),
    )


def times(name: str, values: Sequence[datetime | None]) -> Fixed:
    """A column of aware times; None is null."""
    null = np.array([value is None for value in values], dtype=bool)
    known = [_EPOCH if value is None else value for value in values]
    return Fixed(name, Kind.TIME, times_of(known), null if null.any() else None)


def _aware(times: Times) -> list[datetime]:
    return [time.replace(tzinfo=UTC) for time in times.tolist()]
