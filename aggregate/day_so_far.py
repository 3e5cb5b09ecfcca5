"""What a zone's day adds up to before the hour that goes on, noted so that its clips need not be read again.

    00:00                          14:00   14:38
      |------- noted, as sums -------|-clips-|            the day's reading is of both

Every batch brings clips of the hour that goes on, and derives the day anew. Without a note it would read the whole day
of each zone, with every hour some dozens of clips more. A note is no more than that: where there is none, or of another
day, or of another camera, the day is derived from its clips, to the same last bit (`aggregate/moments.py`). The store
lets go of one when an observation of the noted time is stored, so a note that is there is true.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from aggregate.moments import NUMBERS, Moments, moments_of, nothing
from aggregate.tables import Clips, Integers, Rows, Spans, Text, Times, text
from aggregate.windows import hours_of
from core.records import Camera, Window


@dataclass(frozen=True, eq=False)
class DaysSoFar(Rows):
    """One row a zone: what its clips of one day, those in [start, through) that `camera` sent, add up to.

    `start` is the day's, `through` a full hour in it. `moments`: [row, `NUMBERS`], see `aggregate.moments.Moments`.
    """

    zone: Text
    camera: Text
    start: Times
    through: Times
    moments: Integers

    @classmethod
    def none(cls) -> Self:
        """No row."""
        never = np.empty(0, dtype="datetime64[us]")
        return cls(text([]), text([]), never, never, np.empty((0, NUMBERS), dtype=np.int64))


@dataclass(frozen=True, eq=False)
class NotedSpans:
    """Windows, and what is noted of those that are days.

    `unread` are the same windows without the time that is noted: its clips alone have to be read. `before` is what the
    noted ones add up to.
    """

    spans: Spans
    unread: Spans
    before: Moments


def with_notes(spans: Spans, noted: DaysSoFar, camera_of: Mapping[str, Camera]) -> NotedSpans:
    """`spans`, each with what is noted of it, if anything."""
    row = pd.Index(noted.zone).get_indexer(pd.Index(spans.zone))
    ours = text([camera_of[zone].id for zone in spans.zone])
    is_day = np.asarray(spans.window == Window.DAY.value, dtype=bool)
    known = np.flatnonzero(is_day & (row >= 0))
    of = noted.take(row[known])
    same = np.asarray(of.camera == ours[known], dtype=bool) & (of.start == spans.start[known])
    known, of = known[same], of.take(same)
    start, before = spans.start.copy(), nothing(len(spans)).numbers
    start[known], before[known] = of.through, of.moments
    return NotedSpans(spans, replace(spans, start=start), Moments.of_numbers(before))


def to_note(of: NotedSpans, clips: Clips, noted: DaysSoFar, camera_of: Mapping[str, Camera]) -> DaysSoFar:
    """What to note of the newest day of each zone: up to the hour of its newest clip.

    Of a zone whose day is noted so far already, or a later one, there is nothing to note; nor of one that the camera
    has no more: another notes it, beside which this one's late clips may be. `clips` are those of `of.unread`, as
    `newest_counts` gives them.
    """
    days = _newest_days(of.spans)
    spans, unread, before = of.spans.take(days), of.unread.take(days), of.before.take(days)
    through = np.maximum(unread.start, hours_of(_newest_clips(spans, clips)))
    row = pd.Index(noted.zone).get_indexer(pd.Index(spans.zone))
    camera = text([camera_of[zone].id for zone in spans.zone])
    later = np.zeros(len(spans), dtype=bool)
    known = np.flatnonzero(row >= 0)
    of_known = noted.take(row[known])
    later[known] = (of_known.camera == camera[known]) & (of_known.start > spans.start[known])
    news = np.flatnonzero((through > unread.start) & ~later)
    news = news[np.array([_has(camera_of[zone], zone) for zone in spans.zone[news]], dtype=bool)]
    past = replace(unread, end=through).take(news)
    return DaysSoFar(
        zone=past.zone,
        camera=camera[news],
        start=spans.start[news],
        through=past.end,
        moments=(before.take(news) + moments_of(past, clips)).numbers,
    )


def _has(camera: Camera, zone: str) -> bool:
    return any(one.id == zone for one in camera.counted_zones)


def _newest_days(spans: Spans) -> Integers:
    """The rows of the newest day of each zone that has one."""
    days = np.flatnonzero(spans.window == Window.DAY.value)
    zone = pd.factorize(spans.zone[days])[0]
    order = np.lexsort((spans.start[days], zone))
    last = np.ones(len(days), dtype=bool)
    last[:-1] = zone[order][1:] != zone[order][:-1]
    newest: Integers = days[order[last]]
    return newest


def _newest_clips(days: Spans, clips: Clips) -> Times:
    """The event time of the newest clip in each of `days`; the start of the day where there is none."""
    newest = days.start.copy()
    row = pd.Index(days.zone).get_indexer(pd.Index(clips.zone))
    held = np.flatnonzero(row >= 0)
    row, event_time = row[held], clips.event_time[held]
    within = (event_time >= days.start[row]) & (event_time < days.end[row])
    np.maximum.at(newest, row[within], event_time[within])
    return newest
