"""Readings as they are announced: one `ReadingRevision` a zone and window, with all its series."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import TypeAdapter

from aggregate.tables import FIGURES, GROUND, ReadingTable, aware, nullable
from core.records import TrustState, Window
from core.revisions import ReadingRevision, SeriesReading

_SERIES = TypeAdapter(SeriesReading)


def revisions_of(readings: ReadingTable) -> Iterator[ReadingRevision]:
    """One for each row, in their order; the table has to have all `SERIES`.

    A table of readings is sound by how it was made, and a city has thousands of rows a second: whether a revision makes
    readings is not examined once more here, but by whoever takes it from the bus.
    """
    figures = [nullable(getattr(readings, name)) for name in FIGURES]
    ground = [nullable(getattr(readings, name)) for name in GROUND]
    for row in range(len(readings)):
        of_series = zip(*(values[row] for values in figures), strict=True)
        series = {
            name: _SERIES.validate_python(dict(zip(FIGURES, one, strict=True)))
            for name, one in zip(readings.series, of_series, strict=True)
        }
        yield ReadingRevision.model_construct(
            zone=readings.zone[row],
            camera=readings.camera[row],
            window=Window(readings.window[row]),
            start=aware(readings.start[row]),
            end=aware(readings.end[row]),
            revision=int(readings.revision[row]),
            derived_at=aware(readings.derived_at[row]),
            series=series,
            **{name: values[row] for name, values in zip(GROUND, ground, strict=True)},
            coverage=float(readings.coverage[row]),
            clips_counted=int(readings.clips_counted[row]),
            clips_expected=int(readings.clips_expected[row]),
            state=TrustState(readings.state[row]),
            reason=readings.reason[row],
        )
