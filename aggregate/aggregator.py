"""From count observations to readings. All state is in the store; nothing here outlives a call."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from aggregate.day_so_far import to_note, with_notes
from aggregate.moments import Moments, moments_of, newest_counts
from aggregate.policy import FUTURE_TOLERANCE, AggregatePolicy
from aggregate.readings import is_open, readings_of, while_open
from aggregate.store import Store
from aggregate.tables import Integers, ReadingTable, Spans, Times, joined, moment, no_readings, text, times_of
from aggregate.windows import spans_of
from core.clock import Clock
from core.figures import SERIES
from core.records import Camera, CountObservation, Reading

log = logging.getLogger(__name__)

_REBUILT_AT_ONCE = timedelta(days=1)
_ZONES_AT_ONCE = 500
"""Each of them is derived from the clips of its whole day: of 10,000 zones they would take gigabytes."""

_INSTANT = timedelta(microseconds=1)
_NEVER = np.datetime64("0001-01-01", "us")


@dataclass(frozen=True)
class Taken:
    """What became of a batch of observations: see `Aggregator.take`.

    `changed` are the readings that changed, `known` those of the windows of observations that were stored already: who
    announces readings after they are stored may have been stopped in between, and announces these again. `stored` are
    the observations that were new or replaced another, `newest` those newer than all that was stored of their camera,
    `refused` those that are not stored, each with the reason.
    """

    changed: ReadingTable
    known: ReadingTable
    stored: Sequence[CountObservation]
    newest: Sequence[CountObservation]
    refused: Sequence[tuple[CountObservation, str]]


class Aggregator:
    """Takes observations in, in any order and any number of times, and keeps the readings true to what is stored.

    A reading is a function of the stored observations of its window alone. While event time of the camera (its
    watermark: the newest event time stored) has not passed the window's end by the allowed lateness, the reading
    is replaced in place, and what it was before is not kept. After that a reading that would change gets a new
    revision, and the older one stays for those who ask what was known before. One that would not change is left
    alone: redelivery leaves no trace.

    What counts as late is judged by the watermark before the batch, so that a recorded day that arrives in one
    batch, in any order, is as timely as one that arrived live.

    An observation from further ahead of the clock than `FUTURE_TOLERANCE` is refused: no clip can begin after it was
    counted, so its date is wrong, and one such date would close every window of its camera and move the present of
    every answer, for good. It is not stored, but logged with camera and time and added up in `refused`.
    """

    def __init__(self, store: Store, policy: AggregatePolicy, clock: Clock) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._refused = 0

    @property
    def refused(self) -> int:
        """How many observations were refused since this aggregator was made."""
        return self._refused

    def accept(self, observations: Sequence[CountObservation]) -> list[Reading]:
        """Store observations and derive every window they touch; both are durable when it returns.

        Returns the readings that changed. Observations of a camera that the store does not know are stored too,
        but give no readings before the camera is saved and its time rebuilt. Those from the future are not stored
        (see the class). Raises `StoreError`.
        """
        return self.take(observations).changed.records()

    def take(self, observations: Sequence[CountObservation]) -> Taken:
        """As `accept`, and says what else became of them: for those who may be given the same observations again."""
        refused = self._impossible(observations)
        if refused:
            ids = {observation.id for observation, _ in refused}
            observations = [observation for observation in observations if observation.id not in ids]
        if not observations:
            return Taken(no_readings(SERIES), no_readings(SERIES), (), (), refused)
        with self._store.transaction():
            cameras = {camera.id: camera for camera in self._store.cameras()}
            before = self._store.watermarks(sorted({observation.camera for observation in observations}))
            stored = self._store.upsert_observations(observations)
            # Also those that were stored before: redelivery completes what a crash may have left undone.
            placed = _placed(observations, cameras)
            camera_of = {one.zone: cameras[one.camera] for one in placed}
            changed = self._derive(_spans(placed, camera_of), camera_of, before)
            known = no_readings(SERIES)
            news = {observation.id for observation in stored}
            again = [one for one in placed if one.id not in news]
            if again:
                known = self._store.current_readings(_spans(again, camera_of))
        watermark = _advanced(before, observations)
        return Taken(
            changed=_announced(changed, watermark),
            known=_announced(known, watermark),
            stored=stored,
            newest=[one for one in observations if one.camera not in before or one.event_time > before[one.camera]],
            refused=refused,
        )

    def rebuild(self, start: datetime, end: datetime) -> int:
        """Derive anew every window that holds a stored observation of [start, end]; returns how many rows changed.

        For backfill, a changed policy or a camera that became known later. Both ends are included, so that
        `rebuild(*store.extent())` is everything. Commits a day at a time. Raises `StoreError`.
        """
        changed = 0
        end += _INSTANT
        while start < end:
            until = min(end, start + _REBUILT_AT_ONCE)
            with self._store.transaction():
                changed += len(self._rebuild_once(start, until))
            start = until
        return changed

    def _rebuild_once(self, start: datetime, end: datetime) -> ReadingTable:
        cameras = {camera.id: camera for camera in self._store.cameras()}
        # A zone may have been given to another camera since: it is rebuilt for the one that has it now.
        owner = {zone.id: camera for camera in cameras.values() for zone in camera.counted_zones}
        held_by = self._store.zones_between(start, end)
        camera_of = {
            zone: owner.get(zone) or cameras[camera]
            for zone, camera in held_by.items()
            if zone in owner or camera in cameras
        }
        first, last = moment(start), moment(end)
        held = self._store.clips(_one_span(list(camera_of), first, last))
        held = held.take((held.event_time >= first) & (held.event_time < last))
        spans = spans_of(held.zone, held.event_time, _timezones(camera_of))
        return self._derive(spans, camera_of, self._store.watermarks(), anew=True)

    def _impossible(self, observations: Sequence[CountObservation]) -> Sequence[tuple[CountObservation, str]]:
        """Those that are from the future, which are told and added up, each with the reason."""
        now = self._clock.now()
        latest = now + FUTURE_TOLERANCE
        future = [one for one in observations if one.event_time > latest]
        if not future:
            return ()
        said = f"from the future (it is {now.isoformat(timespec='seconds')})"
        remedy = "mend the date of the camera, the file name or this machine, then replay it"
        for camera, event_time in sorted({(one.camera, one.event_time) for one in future}):
            log.warning(
                "camera %s: the clip of %s is %s: its counts are refused and not stored; %s",
                camera,
                event_time.isoformat(timespec="seconds"),
                said,
                remedy,
            )
        self._refused += len(future)
        return [(one, f"{said}: {remedy}") for one in future]

    def _derive(
        self,
        spans: Spans,
        camera_of: Mapping[str, Camera],
        watermark: Mapping[str, datetime],
        *,
        anew: bool = False,
    ) -> ReadingTable:
        """Derive the readings of `spans`, some zones at a time, and save those that differ from what is stored.

        `anew`: from all of their clips, whatever was noted.
        """
        moments = self._moments_anew if anew else self._moments
        return joined([self._save(part, moments(part, camera_of), camera_of, watermark) for part in _parted(spans)])

    def _moments(self, spans: Spans, camera_of: Mapping[str, Camera]) -> Moments:
        """What the clips of `spans` add up to, from what was noted of days and the clips since; notes what there is."""
        noted = self._store.days_so_far(sorted(set(spans.zone)))
        of = with_notes(spans, noted, camera_of)
        clips = newest_counts(self._store.clips(of.unread), camera_of)
        self._store.note_days(to_note(of, clips, noted, camera_of))
        return of.before + moments_of(of.unread, clips)

    def _moments_anew(self, spans: Spans, camera_of: Mapping[str, Camera]) -> Moments:
        """The same from their clips alone; lets go of what was noted."""
        self._store.forget_days(sorted(set(spans.zone)))
        return moments_of(spans, newest_counts(self._store.clips(spans), camera_of))

    def _save(
        self,
        spans: Spans,
        moments: Moments,
        camera_of: Mapping[str, Camera],
        watermark: Mapping[str, datetime],
    ) -> ReadingTable:
        """The readings of `spans` that differ from what is stored, saved; revised where closed."""
        derived = readings_of(spans, moments, camera_of, self._policy, moment(self._clock.now()))
        current = _aligned(derived, self._store.current_readings(spans))
        known = current.revision > 0
        late = known & ~is_open(derived.end + self._lateness, _newest(derived, watermark))
        derived = replace(
            derived,
            revision=np.where(known, current.revision, 1) + late,
            # A clock that was set back must not make a revision older than the one it follows.
            derived_at=np.where(known, np.maximum(derived.derived_at, current.derived_at), derived.derived_at),
        )
        changed = derived.take(~(known & derived.same_content(current)))
        self._store.save_readings(changed)
        return changed

    @property
    def _lateness(self) -> np.timedelta64:
        return np.timedelta64(self._policy.allowed_lateness)


def _announced(readings: ReadingTable, watermark: Mapping[str, datetime]) -> ReadingTable:
    """As they are told: a window that goes on says so instead of calling clips missing that are not due."""
    going_on = is_open(readings.end, _newest(readings, watermark)) & (readings.clips_counted < readings.clips_expected)
    rows = np.flatnonzero(going_on)
    told = zip(
        readings.reason[rows].tolist(),
        readings.clips_counted[rows].tolist(),
        readings.clips_expected[rows].tolist(),
        strict=True,
    )
    reason = readings.reason.copy()
    reason[rows] = [while_open(*one) for one in told]
    return replace(readings, reason=reason)


def _placed(observations: Sequence[CountObservation], cameras: Mapping[str, Camera]) -> Sequence[CountObservation]:
    """Those whose camera is known; of the others it is told."""
    for camera in sorted({one.camera for one in observations} - cameras.keys()):
        log.warning(
            "camera %s is not in the store: its counts are kept, but give no readings; "
            "add it to the cameras and run busyness rebuild CONFIG",
            camera,
        )
    return [one for one in observations if one.camera in cameras]


def _spans(observations: Sequence[CountObservation], camera_of: Mapping[str, Camera]) -> Spans:
    """Every window of every width that holds one of `observations`."""
    zones = text([one.zone for one in observations])
    return spans_of(zones, times_of([one.event_time for one in observations]), _timezones(camera_of))


def _parted(spans: Spans) -> list[Spans]:
    """The spans of so many zones at a time; at least one part, which may be empty."""
    part = pd.factorize(spans.zone)[0] // _ZONES_AT_ONCE
    return [spans.take(part == number) for number in range(part.max(initial=0) + 1)]


def _timezones(camera_of: Mapping[str, Camera]) -> Mapping[str, str]:
    return {zone: camera.timezone for zone, camera in camera_of.items()}


def _advanced(watermark: Mapping[str, datetime], observations: Sequence[CountObservation]) -> dict[str, datetime]:
    """The watermarks once `observations` are stored."""
    advanced = dict(watermark)
    for one in observations:
        newest = advanced.get(one.camera)
        if newest is None or newest < one.event_time:
            advanced[one.camera] = one.event_time
    return advanced


def _one_span(zones: Sequence[str], start: np.datetime64, end: np.datetime64) -> Spans:
    """The same stretch of time of many zones."""
    return Spans(
        zone=text(zones),
        window=text([""] * len(zones)),
        start=np.full(len(zones), start, dtype="datetime64[us]"),
        end=np.full(len(zones), end, dtype="datetime64[us]"),
    )


def _newest(readings: ReadingTable, watermark: Mapping[str, datetime]) -> Times:
    """The watermark of each row's camera; the beginning of time where it has none."""
    moments = np.append(times_of(list(watermark.values())), _NEVER)
    place_of = {camera: place for place, camera in enumerate(watermark)}
    newest: Times = moments[[place_of.get(camera, -1) for camera in readings.camera]]
    return newest


def _aligned(derived: ReadingTable, stored: ReadingTable) -> ReadingTable:
    """For each row of `derived` the stored reading of the same zone and window; revision 0 where there is none."""
    if len(stored) == 0:
        return replace(derived, revision=np.zeros(len(derived), dtype=np.int64))
    keys = _keys(derived, stored)
    rows = pd.Index(keys[len(derived) :]).get_indexer(pd.Index(keys[: len(derived)]))
    aligned = stored.take(np.maximum(rows, 0))
    return replace(aligned, revision=np.where(rows < 0, 0, aligned.revision))


def _keys(*tables: ReadingTable) -> Integers:
    """Of every row of the tables, one after the other, a number that those of its zone and window alone have."""
    keys = np.zeros(sum(map(len, tables)), dtype=np.int64)
    for name in ("zone", "window", "start"):
        number, names = pd.factorize(np.concatenate([getattr(table, name) for table in tables]))
        keys = keys * len(names) + number
    return keys
