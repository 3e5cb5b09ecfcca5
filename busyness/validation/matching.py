"""Which stored clip a count by hand speaks of, and what was counted there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from busyness.validation.manual_counts import ManualCount
from core.config import Closed
from core.figures import PEOPLE, Gains
from core.records import Camera, CountObservation, Status

GroupName = str
"""`people` or `vehicles`."""

Stored = Callable[[str, datetime, datetime], Sequence[CountObservation]]
"""The observations of a zone with event time in [start, end): `Store.observations`."""


class LeftOut(Closed):
    """A line of the manual counts that no figure is made from, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Pair:
    """A manual count and the observation of the same clip, zone and class."""

    manual: ManualCount
    observation: CountObservation

    @property
    def present(self) -> float:
        """As stored, corrected where it was."""
        assert self.observation.present is not None  # noqa: S101 - only counted clips are paired
        return self.observation.present.get(self.manual.series)

    @property
    def counted(self) -> float:
        """As the model counted it, without correction."""
        gain = self.observation.gain or Gains()
        return self.present / (gain.people if group_of(self.manual.series) == "people" else gain.vehicles)


def group_of(series: str) -> GroupName:
    """The group that a class, or a sum, belongs to."""
    return "people" if series in (*PEOPLE, "people") else "vehicles"


def match(
    rows: Sequence[ManualCount], camera: Camera, stored: Stored, model: str
) -> tuple[tuple[Pair, ...], tuple[LeftOut, ...]]:
    """Pair each row with the clip that covers its time, else the nearest one within half a cadence.

    Of several counts of one clip that of `model` made last is taken. Where several rows of one zone and class fall to
    one clip, the nearest in time speaks. Both results are in the order of the file.
    """
    half = timedelta(seconds=camera.cadence_s / 2)
    longest = timedelta(hours=1)  # clips are seconds long; one that began before this does not cover the time
    first = min(row.time for row in rows) - half - longest
    last = max(row.time for row in rows) + half + timedelta(seconds=1)
    of_zone = {zone: stored(zone, first, last) for zone in sorted({row.zone for row in rows})}
    best: dict[tuple[str, str], tuple[timedelta, Pair]] = {}
    left_out: list[LeftOut] = []
    for row in rows:
        found = _nearest(row.time, of_zone[row.zone], half)
        ours = [one for one in found if one.model == model]
        if not found:
            left_out.append(LeftOut(line=row.line, reason=f"no clip within {half.total_seconds():g} s"))
        elif not ours:
            left_out.append(LeftOut(line=row.line, reason=f"its clip was counted by {found[-1].model}: replay it"))
        elif ours[-1].status is not Status.OK:
            left_out.append(LeftOut(line=row.line, reason=f"its clip was not counted: {ours[-1].reason}"))
        else:
            pair, key = Pair(row, ours[-1]), (ours[-1].id, row.series)
            rival = best.get(key)
            if rival is None or _gap(row.time, ours[-1]) < rival[0]:
                best[key] = (_gap(row.time, ours[-1]), pair)
    kept = sorted((pair for _, pair in best.values()), key=lambda pair: pair.manual.line)
    said = {pair.manual.line for pair in kept} | {one.line for one in left_out}
    doubled = [
        LeftOut(line=row.line, reason="another line is nearer to the same clip") for row in rows if row.line not in said
    ]
    return tuple(kept), tuple(sorted((*left_out, *doubled), key=lambda one: one.line))


def _nearest(time: datetime, observations: Sequence[CountObservation], most: timedelta) -> list[CountObservation]:
    """All counts of the clip nearest to `time`, the newest count last; none where it is further off than `most`."""
    near = [one for one in observations if _gap(time, one) <= most]
    if not near:
        return []
    # A clip that covers the time has no gap; where two do, the later one is what was on the street last.
    clip = min(near, key=lambda one: (_gap(time, one), time - one.event_time if one.event_time <= time else most))
    of_clip = [one for one in near if one.event_time == clip.event_time]
    return sorted(of_clip, key=lambda one: (one.counted_at, one.id))


def _gap(time: datetime, observation: CountObservation) -> timedelta:
    """From `time` to the clip; nothing where it is inside."""
    ends = observation.event_time + timedelta(seconds=observation.duration_s)
    return max(observation.event_time - time, time - ends, timedelta(0))
