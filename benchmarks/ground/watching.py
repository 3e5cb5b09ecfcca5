"""One camera of the synthetic street over some noons: its counts calibrated by hand, then counted, and the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import cv2
import numpy as np
import pandas as pd
from ground.areas import CAMERAS, calibrated, city, true_area_m2
from matplotlib.path import Path
from numpy.typing import NDArray

from busyness import DEFAULT_MODEL
from busyness.validation.figures import calibration, fit, fit_zones, moments
from busyness.validation.manual_counts import ManualCount
from busyness.validation.matching import Pair
from core.clock import SystemClock
from core.figures import CLASSES, PEOPLE
from core.records import Camera, ClipReady, CountObservation, Status, Zone
from detect.counter import ClipCounter
from detect.error_model import Calibration
from detect.ground.plane import Plane
from detect.registry import open_model
from detect.result import FRAMES_PER_CLIP
from ingest.clip import SampledClip
from ingest.rendering import RenderedStreet
from ingest.street.scene import Standing
from ingest.synthetic import SyntheticConfig, clip_location

HOURS = (11, 12)
EACH = timedelta(minutes=5)
BY_HAND_EACH = timedelta(minutes=10)
LOOKED_AT_EACH = timedelta(minutes=2)
"""How often the truth of a window is looked at."""

PATCH_M, GRID_M = 2.0, 0.5
"""The truth of crowding: on how many points of a grid more than one person stands on the 2 m x 2 m around it."""

_OF_PEOPLE = np.array([name in PEOPLE for name in CLASSES])


@dataclass(frozen=True)
class Days:
    """Days from the first of the street, by number: counted by hand, and answered."""

    by_hand: tuple[int, ...]
    answered: tuple[int, ...]

    @staticmethod
    def times(start: datetime, days: Sequence[int], step: timedelta) -> Iterator[datetime]:
        """The noons of these days, in steps."""
        for day in days:
            for hour in HOURS:
                begin = start + timedelta(days=day, hours=hour)
                yield from (begin + number * step for number in range(timedelta(hours=1) // step))


@dataclass(frozen=True, eq=False)
class Watched:
    """What was counted at a camera, with its counts calibrated and without, and who was there.

    `truth` has a row for each zone and every `LOOKED_AT_EACH`, `truth_of_clips` for each zone and clip, the mean over
    the frames that were counted: zone, at, people, people_seen, vehicles, vehicles_seen (on its ground) and crowded.
    """

    camera: Camera
    calibrated: tuple[CountObservation, ...]
    uncalibrated: tuple[CountObservation, ...]
    truth: pd.DataFrame
    truth_of_clips: pd.DataFrame
    true_area_m2: dict[str, float]


class _LastClip:
    """Opens a clip once for all who want it one after the other."""

    def __init__(self, street: RenderedStreet) -> None:
        self._street = street
        self._last: tuple[ClipReady, int, SampledClip] | None = None

    def open(self, clip: ClipReady, frames: int) -> SampledClip:
        if self._last is None or self._last[:2] != (clip, frames):
            self._last = (clip, frames, self._street.open(clip, frames))
        return self._last[2]


class OnGround:
    """Who is on the ground of a camera's zones, by its true plane."""

    def __init__(self, camera: Camera, truth: Camera) -> None:
        assert truth.plane is not None
        self._zones = camera.zones
        self._plane = Plane(truth.plane, (truth.width, truth.height))
        self._grids = {zone.id: self._grid(zone) for zone in camera.zones if zone.ground is not None}

    def rows(self, at: datetime, frames: Sequence[Standing]) -> Iterator[dict[str, object]]:
        """Of each zone the mean over `frames`: see `Watched`."""
        for zone in self._zones:
            told = [self._numbers(zone, frame) for frame in frames]
            yield {"zone": zone.id, "at": at} | {name: float(np.mean([one[name] for one in told])) for name in told[0]}

    def _numbers(self, zone: Zone, there: Standing) -> dict[str, float]:
        px = np.nan_to_num(self._plane.to_picture(there.ground_m), nan=-1.0)
        inside, people = Path(zone.polygon).contains_points(px), _OF_PEOPLE[there.kinds]
        return {
            "people": float((inside & people).sum()),
            "people_seen": float((inside & people & there.seen).sum()),
            "vehicles": float((inside & ~people).sum()),
            "vehicles_seen": float((inside & ~people & there.seen).sum()),
            "crowded": self._crowded(self._grids[zone.id], there.ground_m[people]),
        }

    def _grid(self, zone: Zone) -> NDArray[np.float64]:
        """Points of the ground of a zone, metres [point, 2]."""
        corners = self._plane.to_ground(zone.polygon)
        (left, low), (right, high) = corners.min(axis=0), corners.max(axis=0)
        points = np.stack(np.meshgrid(np.arange(left, right, GRID_M), np.arange(low, high, GRID_M)), -1).reshape(-1, 2)
        return points[Path(corners).contains_points(points)]

    @staticmethod
    def _crowded(grid: NDArray[np.float64], people_m: NDArray[np.float64]) -> float:
        near = np.abs(grid[:, None] - people_m[None]).max(axis=-1) <= PATCH_M / 2
        return float((near.sum(axis=1) > 1).mean())


def watch(seed: int, days: Days, place: int) -> Watched:
    """The camera at `place` among those of the city that have zones. Deterministic."""
    cv2.setNumThreads(1)
    truth = city(seed)[place]
    camera = calibrated(truth, seed)
    config = SyntheticConfig(seed=seed, cameras=CAMERAS, cadence_s=EACH.total_seconds())
    street, model, clock = RenderedStreet(config), open_model(DEFAULT_MODEL, threads=1), SystemClock()
    opener, here = _LastClip(street), OnGround(camera, truth)
    raw = ClipCounter(model, opener, FRAMES_PER_CLIP, clock)

    def clip_at(at: datetime) -> ClipReady:
        return ClipReady(camera=camera.id, event_time=at, location=clip_location(camera.id, at))

    def truth_each(step: timedelta, frames: int) -> pd.DataFrame:
        times = Days.times(config.start, days.answered, step)
        return pd.DataFrame([row for at in times for row in here.rows(at, street.standing(clip_at(at), frames))])

    pairs: list[Pair] = []
    for at in Days.times(config.start, days.by_hand, BY_HAND_EACH):
        seen = {row["zone"]: row for row in here.rows(at, street.standing(clip_at(at), FRAMES_PER_CLIP))}
        for observation in raw.observe(camera, clip_at(at)):
            if observation.status is Status.OK:
                pairs += _by_hand(observation, seen[observation.zone], first_line=len(pairs) + 1)
    by_hand = _calibration(camera, pairs, model.name, clock.now())
    own = ClipCounter(model, opener, FRAMES_PER_CLIP, clock, calibrations={camera.id: by_hand} if by_hand else {})
    told: list[CountObservation] = []
    as_it_comes: list[CountObservation] = []
    for at in Days.times(config.start, days.answered, EACH):
        told += own.observe(camera, clip_at(at))
        as_it_comes += raw.observe(camera, clip_at(at))
    return Watched(
        camera=camera,
        calibrated=tuple(told),
        uncalibrated=tuple(as_it_comes),
        truth=truth_each(LOOKED_AT_EACH, frames=1),
        truth_of_clips=truth_each(EACH, FRAMES_PER_CLIP),
        true_area_m2=true_area_m2(camera, truth),
    )


def _by_hand(observation: CountObservation, there: dict[str, object], first_line: int) -> list[Pair]:
    """Someone in the street counts a zone while the clip is filmed."""
    return [
        Pair(
            ManualCount(
                line=first_line + number,
                time=observation.event_time,
                zone=observation.zone,
                series=series,
                count=float(str(there[series])),
            ),
            observation,
        )
        for number, series in enumerate(("people", "vehicles"))
    ]


def _calibration(camera: Camera, pairs: Sequence[Pair], model: str, at: datetime) -> Calibration | None:
    found = moments(pairs, camera)
    return calibration(
        fit(found)[0], fit_zones(found), camera=camera.id, version=1, made_at=at, model=model, rows=len(pairs)
    )
