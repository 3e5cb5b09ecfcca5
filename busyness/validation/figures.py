"""How far a camera's counts are off those made by hand, and its calibration from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from busyness.validation.matching import GroupName, Pair, group_of
from core.config import Closed
from core.errors import SourceError
from core.figures import PEOPLE, VEHICLES
from core.records import Camera, Lighting
from detect.error_fit import LEAST_FRAMES, OF_CAMERA, OF_ZONE, Limits, Sample, fit_group, gains_of_the_others
from detect.error_model import Calibration, GroupError, LightErrors, ZoneErrors, interval

LEAST_HOURS = 4
"""Clips of one hour show much the same vehicles and the same light, so hours, not clips, are what is independent."""

_CLASSES_OF: Mapping[GroupName, tuple[str, ...]] = {"people": PEOPLE, "vehicles": VEHICLES}


class Errors(Closed):
    """In objects. `bias` is the mean of counted less manual; `inside` how many manual counts the 90 % interval holds,
    of `with_interval` that have one."""

    mae: NonNegativeFloat
    bias: float
    rmse: NonNegativeFloat
    inside: NonNegativeInt
    with_interval: NonNegativeInt


class ClassFigures(Closed):
    """One class of one zone. `after`: each hour corrected by what the other hours say, so that it does not flatter;
    null where nothing was fitted for it."""

    zone: str
    series: str = Field(alias="class")
    n: PositiveInt
    manual_mean: NonNegativeFloat
    before: Errors
    after: Errors | None


@dataclass(frozen=True)
class Moment:
    """The people, or vehicles, of one zone in one clip: counted by the model, without correction, and by hand."""

    group: GroupName
    lighting: Lighting
    zone: str
    hour: str
    counted: float
    manual: float


@dataclass(frozen=True)
class Fitted:
    """The errors of one group in one light, and the gain that the other hours give for each hour."""

    error: GroupError
    gain_for_hour: Mapping[str, float]


Key = tuple[Lighting, GroupName]

FittedZones = Mapping[str, Mapping[Key, Fitted]]
"""By zone: what is said of it alone."""


def moments(pairs: Sequence[Pair], camera: Camera) -> tuple[Moment, ...]:
    """The clips and zones of which a whole group was counted by hand: its sum, or every class of it.

    Clips that were stored before their light was measured are none. Raises `SourceError` where a sum is not that of
    its classes.
    """
    by_clip: dict[tuple[str, GroupName], dict[str, Pair]] = {}
    for pair in pairs:
        by_clip.setdefault((pair.observation.id, group_of(pair.manual.series)), {})[pair.manual.series] = pair
    return tuple(_moments(by_clip, ZoneInfo(camera.timezone)))


def _moments(by_clip: Mapping[tuple[str, GroupName], Mapping[str, Pair]], zone: ZoneInfo) -> Iterator[Moment]:
    for (_, group), by_class in by_clip.items():
        classes = [by_class[name] for name in _CLASSES_OF[group] if name in by_class]
        whole = by_class.get(group)
        complete = len(classes) == len(_CLASSES_OF[group])
        added = sum(pair.manual.count for pair in classes)
        if whole is not None and (added > whole.manual.count or (complete and added != whole.manual.count)):
            raise SourceError(
                f"line {whole.manual.line} of the counts: {whole.manual.count:g} {group}, but its classes add up to "
                f"{added:g} ({', '.join(f'line {pair.manual.line}' for pair in classes)})",
                remedy="mend one of those lines",
            )
        if whole is None and not complete:
            continue
        observation = (whole or classes[0]).observation
        if observation.lighting is not None:
            yield Moment(
                group=group,
                lighting=observation.lighting,
                zone=observation.zone,
                hour=hour_of(observation.event_time, zone),
                counted=whole.counted if whole else sum(pair.counted for pair in classes),
                manual=whole.manual.count if whole else added,
            )


def hour_of(time: datetime, zone: ZoneInfo) -> str:
    return time.astimezone(zone).strftime("%Y-%m-%dT%H")


def fit_zones(found: Sequence[Moment]) -> dict[str, dict[Key, Fitted]]:
    """The errors of each zone by itself, where enough moments speak of it; none of a camera that has only one.

    What is hidden, and what spills over an edge, is a zone's own: a gain that all zones share mends their sum and
    neither of two that are off in opposite directions.
    """
    zones = sorted({moment.zone for moment in found})
    if len(zones) < 2:
        return {}
    fitted = {zone: fit([moment for moment in found if moment.zone == zone], OF_ZONE)[0] for zone in zones}
    return {zone: ours for zone, ours in fitted.items() if ours}


def fit(found: Sequence[Moment], limits: Limits = OF_CAMERA) -> tuple[dict[Key, Fitted], dict[Key, str]]:
    """The errors of every group and light that enough moments speak of, and why the others have none."""
    fitted: dict[Key, Fitted] = {}
    refused: dict[Key, str] = {}
    for lighting in Lighting:
        for group in _CLASSES_OF:
            ours = [moment for moment in found if (moment.lighting, moment.group) == (lighting, group)]
            sample = _sample(ours)
            error = fit_group(sample, limits) if len(sample.sites) >= LEAST_HOURS else None
            if error is not None:
                gains = gains_of_the_others(sample, limits)
                fitted[lighting, group] = Fitted(error, dict(zip(sample.site.tolist(), gains.tolist(), strict=True)))
            elif ours:
                refused[lighting, group] = (
                    f"{len(ours)} clips in {len(sample.sites)} hours, needs {LEAST_FRAMES} in {LEAST_HOURS}"
                )
    return fitted, refused


def _sample(found: Sequence[Moment]) -> Sample:
    manual = np.array([moment.manual for moment in found], dtype=np.float64)
    return Sample(
        counted=np.array([moment.counted for moment in found], dtype=np.float64),
        least=manual,
        most=manual,
        site=np.array([moment.hour for moment in found], dtype=np.str_),
    )


def calibration(
    fitted: Mapping[Key, Fitted],
    of_zones: FittedZones = MappingProxyType({}),
    *,
    camera: str,
    version: int,
    made_at: datetime,
    model: str,
    rows: int,
) -> Calibration | None:
    """The next version; None where nothing was fitted."""
    if not fitted:
        return None
    return Calibration(
        camera=camera,
        version=version,
        made_at=made_at,
        model=model,
        rows=rows,
        zones=tuple(ZoneErrors(zone=zone, **_by_light(ours)) for zone, ours in sorted(of_zones.items())),
        **_by_light(fitted),
    )


def _by_light(fitted: Mapping[Key, Fitted]) -> dict[str, LightErrors]:
    return {
        lighting.value: LightErrors(**{group: one.error for (light, group), one in fitted.items() if light is lighting})
        for lighting in {lighting for lighting, _ in fitted}
    }


def figures(
    pairs: Sequence[Pair],
    camera: Camera,
    fitted: Mapping[Key, Fitted],
    of_zones: FittedZones = MappingProxyType({}),
) -> tuple[ClassFigures, ...]:
    """Every zone and class that was counted by hand, by zone and class."""
    groups: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        groups.setdefault((pair.manual.zone, pair.manual.series), []).append(pair)
    zone = ZoneInfo(camera.timezone)
    return tuple(
        ClassFigures.model_validate({
            "zone": of_zone,
            "class": series,
            "n": len(ours),
            "manual_mean": _rounded(np.mean([pair.manual.count for pair in ours])),
            "before": _errors(ours, [_stored(pair) for pair in ours]),
            "after": _after(ours, zone, {**fitted, **of_zones.get(of_zone, {})}),
        })
        for (of_zone, series), ours in sorted(groups.items())
    )  # fmt: skip


@dataclass(frozen=True)
class _Figure:
    """A number present and its interval; None where there is none."""

    present: float
    low: float | None
    high: float | None


def _stored(pair: Pair) -> _Figure:
    low, high, series = pair.observation.low, pair.observation.high, pair.manual.series
    return _Figure(pair.present, low.get(series) if low else None, high.get(series) if high else None)


def _after(pairs: Sequence[Pair], zone: ZoneInfo, fitted: Mapping[Key, Fitted]) -> Errors | None:
    """With the calibration where it speaks of the clip's light, as stored elsewhere."""
    corrected: list[_Figure] = []
    touched = False
    for pair in pairs:
        lighting = pair.observation.lighting
        found = fitted.get((lighting, group_of(pair.manual.series))) if lighting else None
        if found is None:
            corrected.append(_stored(pair))
            continue
        touched = True
        hour = hour_of(pair.observation.event_time, zone)
        present = pair.counted * found.gain_for_hour.get(hour, found.error.gain)
        low, high = interval(np.array(present), found.error.sqrt_error)
        corrected.append(_Figure(present, float(low), float(high)))
    return _errors(pairs, corrected) if touched else None


def _errors(pairs: Sequence[Pair], told: Sequence[_Figure]) -> Errors:
    beyond = np.array([figure.present - pair.manual.count for figure, pair in zip(told, pairs, strict=True)])
    inside = [
        figure.low <= pair.manual.count <= figure.high
        for figure, pair in zip(told, pairs, strict=True)
        if figure.low is not None and figure.high is not None
    ]
    return Errors(
        mae=_rounded(np.abs(beyond).mean()),
        bias=_rounded(beyond.mean()),
        rmse=_rounded(np.sqrt(np.square(beyond).mean())),
        inside=sum(inside),
        with_interval=len(inside),
    )


def _rounded(value: np.floating) -> float:
    return round(float(value), 3)
