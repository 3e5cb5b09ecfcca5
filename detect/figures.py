"""From the density of a clip's frames to the figures of each zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.figures import CLASSES, PEOPLE, SERIES, VEHICLES, Figures, Gains, Shares
from core.ground import ObservedGround
from core.records import Zone
from detect.contact import SeenGround
from detect.crowding import crowded_share
from detect.error_model import Correction
from detect.model import Density
from detect.stationary import stationary_density
from detect.zones import ZoneSums, integrate

_PEOPLE = [CLASSES.index(name) for name in PEOPLE]
_VEHICLES = [CLASSES.index(name) for name in VEHICLES]
_ALL_PEOPLE = SERIES.index("people")


@dataclass(frozen=True)
class ZoneFigures:
    """The figures of one zone over one clip; see `CountObservation`."""

    present: Figures
    peak: Figures
    spread: Figures
    stationary: Figures | None
    low: Figures | None
    high: Figures | None
    gain: Gains | None
    shared: Shares | None
    calibration: str | None
    ground: ObservedGround | None


def figures_of(
    density: Density,
    span_s: float,
    zones: Sequence[Zone],
    size_px: tuple[int, int],
    corrections: Sequence[Correction],
    *,
    ground: SeenGround | None = None,
) -> list[ZoneFigures]:
    """The figures of every zone over a clip of `span_s` from its first frame to its last.

    `size_px` is the width and height of the picture in which the zones are drawn, `corrections` what is known of the
    errors in each of them, `ground` what is known of the ground in it: with it zones hold those who stand in them, and
    their ground is told.
    """
    factors = np.stack([correction.factors() for correction in corrections])
    present = _with_sums(_standing(density, zones, size_px, ground)) * factors
    mean = present.mean(axis=0)
    still = stationary_density(density, span_s)
    # Summed in another order than the mean, so held to it: a part is never more than the whole.
    stayed = None
    if still is not None:
        stayed = np.minimum(_with_sums(_standing(still[np.newaxis], zones, size_px, ground))[0] * factors, mean)
    limits = [correction.interval(mean[zone]) for zone, correction in enumerate(corrections)]
    people = density[:, _PEOPLE].sum(axis=1, dtype=np.float64)
    return [
        ZoneFigures(
            present=Figures.of(mean[zone]),
            peak=Figures.of(present[:, zone].max(axis=0)),
            spread=Figures.of(present[:, zone].std(axis=0)),
            stationary=None if stayed is None else Figures.of(stayed[zone]),
            low=None if within is None else Figures.of(within[0].tolist()),
            high=None if within is None else Figures.of(within[1].tolist()),
            gain=correction.gain,
            shared=correction.shared,
            calibration=correction.calibration,
            ground=None if ground is None else _observed(drawn, ground, people * factors[zone, _ALL_PEOPLE]),
        )
        for zone, (drawn, correction, within) in enumerate(zip(zones, corrections, limits, strict=True))
    ]


def _standing(density: Density, zones: Sequence[Zone], size_px: tuple[int, int], ground: SeenGround | None) -> ZoneSums:
    """Who stands in each of `zones`, [frame, zone, class]: see `detect/contact.py`."""
    if ground is None:
        return integrate(density, zones, size_px)
    sums = integrate(density, ground.raised(zones, ground.contact.vehicles), size_px)
    if ground.contact.people != ground.contact.vehicles:
        sums[..., _PEOPLE] = integrate(density[:, _PEOPLE], ground.raised(zones, ground.contact.people), size_px)
    return sums


def _observed(zone: Zone, ground: SeenGround, people: NDArray[np.float64]) -> ObservedGround | None:
    """What is known of the ground of a zone that people are counted on; None for one whose area on it is not."""
    if zone.ground is None or zone.polygon is None:
        return None
    return ObservedGround(
        plane=zone.ground.plane,
        area_m2=zone.ground.area_m2 * ground.shown_share(zone.polygon),
        area_error=zone.ground.area_error,
        crowded_share=crowded_share(people, zone, ground),
    )


def _with_sums(present: ZoneSums) -> NDArray[np.float64]:
    """[frame, zone, class] to [frame, zone, series]: the classes, then people and vehicles."""
    sums = (present[..., _PEOPLE].sum(axis=-1), present[..., _VEHICLES].sum(axis=-1))
    return np.concatenate([present, np.stack(sums, axis=-1)], axis=-1)
