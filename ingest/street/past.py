"""The past of the synthetic street: what a counter would have told of weeks that nobody rendered. No pictures.

Who comes is drawn as `ingest.street.traffic` draws it: from the expected numbers of the hour (`ingest.street.hours`)
with waves of the same spread. How many of them a zone shows is measured once a camera, on clips of every hour of a
weekday and of a weekend day whose crowds are placed on the street as always: of each class so many in the zone for what
the hour expects, and so many parked there at any hour. Of those a counter tells its part (`ingest.street.told`).

    crowds of 48 hours --> present in a zone = rate * expected(hour) + parked       once a camera
    present * wave --> Poisson --> told --> observation                             each clip, by the day
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from core.figures import CLASSES, PEOPLE, VEHICLES, Figures
from core.records import Camera, CountObservation, Status, Zone, observation_id
from ingest.street.crowd import Crowd
from ingest.street.faults import FaultKind
from ingest.street.hours import expected
from ingest.street.layout import Floats, Street
from ingest.street.told import told_of
from ingest.street.traffic import crowd

MODEL = "synthetic-truth"
"""In place of a counting model's name: nothing was counted."""

COUNTER_ERROR = 0.2
"""Standard deviation of what is told of a clip, as a share of it."""

SAMPLES_AN_HOUR = 2
LEAST_SIDE_PX = 6.0
FRAMES = 5
WALKER_WAVE, TRAFFIC_WAVE = 4.0, 5.0
"""Shapes of the gamma waves that people, and traffic, come in: those of `ingest.street.traffic.crowd`."""

FAULT_A_DAY = 0.08
SOME_FAULTS = (FaultKind.PLACEHOLDER, FaultKind.OFFLINE, FaultKind.SMEARED, FaultKind.FROZEN, FaultKind.BLURRED)
LONGEST_FAULT_H = 5.0

WEEKDAY, SATURDAY = datetime(2026, 3, 12), datetime(2026, 3, 14)  # noqa: DTZ001 - local days that stand for all
SLOTS_A_DAY = 96

_PEOPLE = [CLASSES.index(name) for name in PEOPLE]
_VEHICLES = [CLASSES.index(name) for name in VEHICLES]
_PEDESTRIAN, _CAR = CLASSES.index("pedestrian"), CLASSES.index("car")
_HEIGHT_M = np.array([1.7 if name in PEOPLE else 1.5 for name in CLASSES])


@dataclass(frozen=True)
class Spell:
    """A fault of a camera's feed in [start, end)."""

    kind: FaultKind
    start: datetime
    end: datetime


@dataclass(frozen=True, eq=False)
class Rates:
    """What a zone shows: `moving` [zone, class] for each of what the hour expects, `parked` [zone, class] always."""

    moving: Floats
    parked: Floats


def past_days(
    camera: Camera,
    place: Street,
    seed: tuple[int, int],
    *,
    first: datetime,
    end: datetime,
    clip_s: float,
    faults: Sequence[Spell] = (),
) -> Iterator[list[CountObservation]]:
    """Observations of every zone of `camera`, a clip each cadence from `first` to before `end`, a list a day.

    They follow from `seed` (of the city, number of the camera) and the times alone. Beside `faults` the feed has had
    others, as feeds have.
    """
    if first >= end:
        return
    rates, expectations = measured(camera, place, seed), _expectations(place)
    timezone, step = ZoneInfo(camera.timezone), timedelta(seconds=camera.cadence_s)
    begin = first
    while begin < end:
        day = min(end, begin + timedelta(days=1))
        times = [begin + number * step for number in range(-(-(day - begin) // step))]
        random = np.random.default_rng((*seed, begin.toordinal(), begin.hour * 3600 + begin.minute * 60, 53))
        spells = (*faults, *_spells(begin, random))
        local = [time.astimezone(timezone) for time in times]
        slot = np.array([time.hour * 4 + time.minute // 15 + SLOTS_A_DAY * (time.weekday() >= 5) for time in local])
        told = _told(seed[0], camera.counted_zones, rates, expectations[slot], random)
        yield [one for at, time in enumerate(times) for one in _observed(camera, time, told[at], clip_s, spells)]
        begin = times[-1] + step


def measured(camera: Camera, place: Street, seed: tuple[int, int]) -> Rates:
    """How many of each class the zones of a camera show for what an hour expects, from crowds of all hours."""
    zones = camera.counted_zones
    shown, wanted = [], []
    for day in (WEEKDAY, SATURDAY):
        for number in range(24 * SAMPLES_AN_HOUR):
            local = day + timedelta(hours=(number + 0.5) / SAMPLES_AN_HOUR)
            people = crowd(place, local, (*seed, number, day.day, 59))
            shown.append(present(place, zones, people))
            wanted.append(_expected_by_class(place, local))
    there, hours = np.array(shown), np.array(wanted)  # [clip, zone, class], [clip, class]
    moving, parked = np.zeros(there.shape[1:]), np.zeros(there.shape[1:])
    for at in range(len(CLASSES)):
        x = hours[:, at]
        for zone in range(len(zones)):
            y = there[:, zone, at]
            if place.parking_side and CLASSES[at] in ("car", "van"):
                slope, level = np.polyfit(x, y, 1)
                if slope > 0 and level > 0:
                    moving[zone, at], parked[zone, at] = slope, level
                    continue
            moving[zone, at] = y.sum() / x.sum() if x.sum() > 0 else 0.0
    return Rates(moving, parked)


def present(place: Street, zones: Sequence[Zone], people: Crowd) -> Floats:
    """[zone, class]: how many of a clip's crowd stand in each zone, the mean over its frames."""
    instants = [_in_zones(place, zones, people.kinds, *people.street_position(t_s)) for t_s in (1.0, 5.0, 9.0)]
    mean: Floats = np.mean(instants, axis=0)
    return mean


def _in_zones(place: Street, zones: Sequence[Zone], kinds: NDArray[np.int8], s_m: Floats, d_m: Floats) -> Floats:
    """[zone, class]: how many stand in each zone and are large enough to be seen."""
    pixels, depth_m = place.pixels(s_m, d_m)
    large = place.lens.focal_px * _HEIGHT_M[kinds] / np.maximum(depth_m, 0.1) >= LEAST_SIDE_PX
    inside = (pixels >= 0).all(axis=1) & (pixels[:, 0] < 352) & (pixels[:, 1] < 288) & (depth_m > 1) & large
    counts = np.zeros((len(zones), len(CLASSES)))
    for row, zone in enumerate(zones):
        here = inside if zone.polygon is None else inside & _within(np.array(zone.polygon), pixels)
        counts[row] = np.bincount(kinds[here], minlength=len(CLASSES))
    return counts


def _within(polygon: Floats, points: Floats) -> NDArray[np.bool_]:
    """Which points [point, 2] lie in a polygon [corner, 2], by how often a ray to the right crosses it."""
    x, y = points[:, 0, None], points[:, 1, None]
    x0, y0 = polygon.T
    x1, y1 = np.roll(polygon, -1, axis=0).T
    with np.errstate(divide="ignore", invalid="ignore"):
        crosses = ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    odd: NDArray[np.bool_] = crosses.sum(axis=1) % 2 == 1
    return odd


def _expected_by_class(place: Street, local: datetime) -> Floats:
    here = expected(place, local)
    of = {"pedestrian": here.walkers_per_m, "cyclist": here.cyclists, **here.flow_per_h}
    return np.array([of[name] for name in CLASSES])


def _expectations(place: Street) -> Floats:
    """[slot, class]: what is expected in the quarters of a weekday, then of a weekend day."""
    quarter = timedelta(minutes=15)
    return np.array([
        _expected_by_class(place, day + (number + 0.5) * quarter)
        for day in (WEEKDAY, SATURDAY) for number in range(SLOTS_A_DAY)
    ])  # fmt: skip


def _told(seed: int, zones: Sequence[Zone], rates: Rates, hours: Floats, random: np.random.Generator) -> Floats:
    """[clip, zone, class]: what is told of each clip; hours [clip, class]."""
    clips = len(hours)
    wave = np.repeat(random.gamma(TRAFFIC_WAVE, 1 / TRAFFIC_WAVE, (clips, 1)), len(CLASSES), axis=1)
    wave[:, _PEDESTRIAN] = random.gamma(WALKER_WAVE, 1 / WALKER_WAVE, clips)
    there = random.poisson(rates.moving * (hours * wave)[:, None, :]) + rates.parked
    share, phantoms = np.empty(rates.moving.shape), np.zeros(rates.moving.shape)
    for row, zone in enumerate(zones):
        told = told_of(seed, zone.id)
        share[row], share[row, _PEOPLE] = told.of_vehicles, told.of_people
        phantoms[row, _PEDESTRIAN], phantoms[row, _CAR] = told.phantom_people, told.phantom_vehicles
    errs = 1 + COUNTER_ERROR * random.standard_normal(there.shape)
    besides = phantoms * random.gamma(WALKER_WAVE, 1 / WALKER_WAVE, there.shape)
    seen: Floats = there * share * np.maximum(errs, 0.0) + besides
    return seen


def _spells(begin: datetime, random: np.random.Generator) -> tuple[Spell, ...]:
    """The fault that a day's feed may have had."""
    if random.random() >= FAULT_A_DAY:
        return ()
    start = begin + timedelta(hours=random.uniform(0, 24))
    kind = SOME_FAULTS[int(random.integers(len(SOME_FAULTS)))]
    return (Spell(kind, start, start + timedelta(hours=random.uniform(0.3, LONGEST_FAULT_H))),)


def _observed(
    camera: Camera, time: datetime, told: Floats, clip_s: float, spells: Sequence[Spell]
) -> Iterator[CountObservation]:
    """Of each zone what is told [zone, class] of one clip, or why nothing is."""
    fault = next((spell for spell in spells if spell.start <= time < spell.end), None)
    for zone, present in zip(camera.counted_zones, told, strict=True):
        figures: tuple[Figures, ...] | None = None
        if fault is None:
            levels = np.append(present, (present[_PEOPLE].sum(), present[_VEHICLES].sum()))
            spread = 0.25 * np.sqrt(levels)
            figures = tuple(Figures.of(one.tolist()) for one in (levels, levels + spread, spread))
        yield CountObservation(
            id=observation_id(camera.id, zone.id, time, MODEL),
            camera=camera.id,
            zone=zone.id,
            event_time=time,
            duration_s=clip_s,
            status=Status.OK if fault is None else Status(fault.kind.value),
            reason=None if fault is None else f"the feed was at fault: {fault.kind.value}",
            frames=FRAMES,
            present=figures and figures[0],
            peak=figures and figures[1],
            spread=figures and figures[2],
            model=MODEL,
            counted_at=time + timedelta(seconds=clip_s),
        )
