"""What was noted of days, in the PostgreSQL store: whoever writes of a zone holds its camera (`postgres_newest`)."""

from __future__ import annotations

from collections.abc import Sequence

from aggregate.day_so_far import DaysSoFar
from aggregate.moments import NUMBERS
from aggregate.postgres_binary import Fixed, Kind, Lists, Words
from aggregate.postgres_engine import Engine
from aggregate.postgres_found import Field, Layout
from aggregate.postgres_parameters import time_list, word_list
from aggregate.tables import times_of
from core.records import CountObservation

_DAYS = Layout(
    (
        Field("start", "d.starts", Kind.TIME),
        Field("through", "d.through", Kind.TIME),
        Field("moments", "d.moments", Kind.INTEGER, NUMBERS),
    ),
    {"zone": "d.zone", "camera": "d.camera"},
)


def note_days(engine: Engine, days: DaysSoFar) -> None:
    """See `Store.note_days`."""
    if len(days) == 0:
        return
    forget_days(engine, days.zone.tolist())
    engine.put(
        "days_so_far",
        [
            Fixed("starts", Kind.TIME, days.start),
            Fixed("through", Kind.TIME, days.through),
            Lists("moments", days.moments),
            Words("zone", days.zone),
            Words("camera", days.camera),
        ],
    )


def days_so_far(engine: Engine, zones: Sequence[str]) -> DaysSoFar:
    """See `Store.days_so_far`."""
    found = engine.find_lists(
        _DAYS,
        f"SELECT {_DAYS.gathered} FROM days_so_far d WHERE zone = ANY(%(zones)s)",  # noqa: S608 - every word of it is ours
        {"zones": word_list(zones)},
    )
    if len(found) == 0:
        return DaysSoFar.none()
    return DaysSoFar(
        zone=found.words["zone"],
        camera=found.words["camera"],
        start=found.times("start"),
        through=found.times("through"),
        moments=found.integers("moments"),
    )


def forget_days(engine: Engine, zones: Sequence[str]) -> None:
    """See `Store.forget_days`."""
    engine.write("DELETE FROM days_so_far WHERE zone = ANY(%(zones)s)", {"zones": word_list(zones)})


def forget_days_of(engine: Engine, observations: Sequence[CountObservation]) -> None:
    """Let go of what was noted of a time in which one of `observations` is, which have just been stored."""
    if not observations:
        return
    engine.write(
        'DELETE FROM days_so_far d USING unnest(%(zones)s::text[] COLLATE "C", %(times)s) AS a (zone, event_time) '
        "WHERE d.zone = a.zone AND a.event_time >= d.starts AND a.event_time < d.through",
        {
            "zones": word_list([one.zone for one in observations]),
            "times": time_list(times_of([one.event_time for one in observations])),
        },
    )
