"""Fitting an error model to counts that were also made by hand, and asking how often its intervals are right.

**Sites.** Frames of one camera share its height, its lamps and its railings, so cameras, not frames, are what is
independent. A gain is what makes the summed distance of the counts to [labelled, labelled + uncertain] zero; its
standard error is that of a delete-one-camera jackknife; and its logarithm m is shrunk towards 0 by m^2 / (m^2 + se^2).
A bias that the cameras share is corrected almost fully, one that only some of them have hardly at all; with fewer than
three cameras nothing tells the two apart, and the gain is 1.

**Spread.** The interval is conformal (Vovk, Gammerman & Shafer 2005; by groups: Barber et al. 2021, Annals of
Statistics 49(1), 486-507): each frame's count is corrected by the gain of the *other* cameras, its distance to
[labelled, labelled + uncertain] taken on the square-root scale, and s is the ceil(0.9 (n + 1))-th smallest of the n
distances, over 1.645, widened for a camera that is not among them (`for_another_site`). No shape of the errors is
assumed. With fewer than `LEAST_FRAMES` that rank does not exist or hangs on one frame, and nothing is fitted.

**What is shared.** Of the mean square of the corrected counts' signed distances, all but the variance within sites is
what the frames of a site share (one-way analysis of variance; Searle, Casella & McCulloch 1992, Variance Components,
section 3.6): its root is their part of the standard error. Few sites tell it badly, so half of the variance being
shared counts as if it had been seen at `PRIOR_SITES` more. For a model the sites are cameras, and its clips may share
more in one hour than that; for the calibration of a camera they are hours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeFloat, NonNegativeInt

from core.config import Closed
from core.records import INTERVAL_LEVEL, Lighting
from core.root_scale import stabilised
from detect.error_model import (
    LEAST_GAIN,
    LEAST_ZONE_GAIN,
    MOST_GAIN,
    MOST_ZONE_GAIN,
    Z_90,
    ErrorModel,
    ErrorsByLight,
    GroupError,
    LightErrors,
    interval,
)

LEAST_FRAMES = 10
LEAST_SITES_FOR_GAIN = 3
PRIOR_SHARED, PRIOR_SITES = 0.5, 4
"""Of the variance, that is taken to be shared, and as if it had been seen at so many sites."""

LEAST_SQRT_ERROR = 0.1
"""Two people who labelled the same frames differ by 0.8 of 10.8 vehicles: no counter is known to be nearer."""

_NOTHING = 1e-6
"""A count that no gain makes anything of."""

Group = Literal["people", "vehicles"]
GROUPS: tuple[Group, ...] = ("people", "vehicles")

Numbers = NDArray[np.float64]

Limits = tuple[float, float]
"""The least and the most gain that is believed."""

OF_CAMERA: Limits = (LEAST_GAIN, MOST_GAIN)
OF_ZONE: Limits = (LEAST_ZONE_GAIN, MOST_ZONE_GAIN)


class ValidationCount(Closed):
    """One frame counted by a network and by hand; the network must not have seen the camera in training."""

    id: str
    camera: str
    lighting: Lighting
    people: NonNegativeFloat
    vehicles: NonNegativeFloat
    labelled_people: NonNegativeInt
    uncertain_people: NonNegativeInt
    labelled_vehicles: NonNegativeInt
    uncertain_vehicles: NonNegativeInt


@dataclass(frozen=True, eq=False)
class Sample:
    """Counts of one group in one light. All [frame]: counted by the model without correction; the truth is within
    [`least`, `most`]; `site` is the camera (or hour) of each."""

    counted: Numbers
    least: Numbers
    most: Numbers
    site: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.counted)

    def take(self, frames: NDArray[np.bool_]) -> Sample:
        return Sample(self.counted[frames], self.least[frames], self.most[frames], self.site[frames])

    def without(self, site: str) -> Sample:
        return self.take(self.site != site)

    @property
    def sites(self) -> list[str]:
        return sorted(set(self.site.tolist()))


@dataclass(frozen=True)
class Coverage:
    """How often the 90 % interval was right: it meets [labelled, labelled + uncertain], or holds the labelled alone."""

    frames: int
    covered: int
    labelled_covered: int

    @property
    def share(self) -> float | None:
        return self.covered / self.frames if self.frames else None


def sample_of(counts: Sequence[ValidationCount], group: Group, lighting: Lighting) -> Sample:
    """What `counts` say of one group in one light."""
    rows = [count for count in counts if count.lighting is lighting]
    least = np.array([getattr(row, f"labelled_{group}") for row in rows], dtype=np.float64)
    return Sample(
        counted=np.array([getattr(row, group) for row in rows], dtype=np.float64),
        least=least,
        most=least + np.array([getattr(row, f"uncertain_{group}") for row in rows], dtype=np.float64),
        site=np.array([row.camera for row in rows], dtype=np.str_),
    )


def fit_error_model(sha256: str, counts: Sequence[ValidationCount]) -> ErrorModel:
    """The error model of the weights `sha256`. Where too few frames speak of a group in a light, it says nothing."""
    errors = _by_light(counts)
    return ErrorModel(sha256=sha256, day=errors.day, night=errors.night)


def coverage_on_unseen_cameras(counts: Sequence[ValidationCount]) -> Mapping[tuple[Lighting, Group], Coverage]:
    """Leave one camera out: the intervals of each camera's frames by the model fitted on all the others.

    A frame whose light or group the others say too little of is not in it.
    """
    tally: dict[tuple[Lighting, Group], list[tuple[bool, bool]]] = {
        (lighting, group): [] for lighting in Lighting for group in GROUPS
    }
    for camera in sorted({count.camera for count in counts}):
        errors = _by_light([count for count in counts if count.camera != camera])
        own = [count for count in counts if count.camera == camera]
        for (lighting, group), found in tally.items():
            error: GroupError | None = getattr(errors.at(lighting), group)
            if error is not None:
                found.extend(covered(sample_of(own, group, lighting), error))
    return {
        key: Coverage(len(found), sum(meets for meets, _ in found), sum(holds for _, holds in found))
        for key, found in tally.items()
    }


def covered(sample: Sample, error: GroupError) -> list[tuple[bool, bool]]:
    """Per frame: whether the interval meets [least, most], and whether it holds `least`."""
    low, high = interval(error.gain * sample.counted, error.sqrt_error)
    meets = (low <= sample.most) & (sample.least <= high)
    holds = (low <= sample.least) & (sample.least <= high)
    return list(zip(meets.tolist(), holds.tolist(), strict=True))


def fit_group(sample: Sample, limits: Limits = OF_CAMERA) -> GroupError | None:
    """The error of one group in one light; None where fewer than `LEAST_FRAMES` frames, or one site, speak of it."""
    if len(sample) < LEAST_FRAMES or len(sample.sites) < 2:
        return None
    beyond = distances(sample, gains_of_the_others(sample, limits))
    rank = int(np.ceil(INTERVAL_LEVEL * (len(sample) + 1)))
    reach = float(np.sort(beyond)[rank - 1])
    return GroupError(
        gain=round(shrunk_gain(sample, limits), 4),
        sqrt_error=round(max(LEAST_SQRT_ERROR, reach / Z_90 * for_another_site(len(sample.sites))), 4),
        shared=round(shared_part(sample, shrunk_gain(sample, limits)), 4),
        frames=len(sample),
        sites=len(sample.sites),
    )


def shared_part(sample: Sample, gain: float) -> float:
    """Of the standard error, what the frames of a site share, 0..1."""
    off, sites = offsets(sample, np.full(len(sample), gain)), sample.sites
    within = sum(np.square(off[at] - off[at].mean()).sum() for at in (sample.site == site for site in sites))
    spare = len(sample) - len(sites)
    whole = float(np.square(off).mean())
    seen = max(0.0, 1 - float(within) / spare / whole) if spare > 0 and whole > 0 else PRIOR_SHARED
    return float(np.sqrt((len(sites) * seen + PRIOR_SITES * PRIOR_SHARED) / (len(sites) + PRIOR_SITES)))


def for_another_site(sites: int) -> float:
    """What the spread seen at `sites` is widened by for a site that is not among them: sqrt(1 + 1 / sites).

    That is how much wider the prediction of one more value is than the spread about a known mean (Hahn and Meeker 1991,
    Statistical Intervals, section 4.7): three cameras do not know the mean of all cameras.
    """
    return float(np.sqrt(1 + 1 / sites))


def gains_of_the_others(sample: Sample, limits: Limits = OF_CAMERA) -> Numbers:
    """For every frame the gain that the other sites give: [frame]."""
    gain_of = {site: shrunk_gain(sample.without(site), limits) for site in sample.sites}
    return np.array([gain_of[site] for site in sample.site.tolist()], dtype=np.float64)


def distances(sample: Sample, gains: Numbers) -> Numbers:
    """How far the corrected counts are from [least, most] on the square-root scale: [frame], 0 inside."""
    return np.abs(offsets(sample, gains))


def offsets(sample: Sample, gains: Numbers) -> Numbers:
    """The same with the sign: above [least, most] positive, below it negative."""
    at = stabilised(gains * sample.counted)
    return at - np.clip(at, stabilised(sample.least), stabilised(sample.most))


def shrunk_gain(sample: Sample, limits: Limits = OF_CAMERA) -> float:
    """The gain, shrunk towards 1 by what is not known of it; 1 with fewer than `LEAST_SITES_FOR_GAIN` sites."""
    sites = sample.sites
    if len(sites) < LEAST_SITES_FOR_GAIN:
        return 1.0
    whole = np.log(_gain(sample, limits))
    partial = np.log([_gain(sample.without(site), limits) for site in sites])
    variance = (len(sites) - 1) / len(sites) * np.square(partial - partial.mean()).sum()
    if whole == 0.0:
        return 1.0
    return float(np.exp(whole * whole**2 / (whole**2 + variance)))


def _gain(sample: Sample, limits: Limits) -> float:
    """The gain nearest to 1 within `limits` at which the distances to [least, most] add up to zero.

    Their sum never falls as the gain rises, and bends only where a corrected count enters or leaves its [least, most]:
    it is taken at the bends, and is a straight line between them.
    """
    some = sample.counted > _NOTHING
    counted, least, most = sample.counted[some], sample.least[some], sample.most[some]
    bends = np.concatenate([least / counted, most / counted, [limits[0], 1.0, limits[1]]])
    gains = np.unique(np.clip(bends, *limits))
    # sum(max(0, least - g x)) = sum(max(0, g x - least)) - sum(g x - least)
    above = _excess(gains, counted, most)
    below = _excess(gains, counted, least) - (gains * counted.sum() - sample.least.sum())
    bias = (above - below).round(9)
    now = bias[gains == 1.0][0]
    if now == 0.0:
        return 1.0
    if bias[0] > 0.0 or bias[-1] < 0.0:
        return limits[0] if now > 0.0 else limits[1]
    right = int(np.searchsorted(bias, 0.0, side="right" if now > 0.0 else "left"))
    (lower, upper), (before, after) = gains[right - 1 : right + 1], bias[right - 1 : right + 1]
    return float(lower - before * (upper - lower) / (after - before))


def _excess(gains: Numbers, counted: Numbers, limit: Numbers) -> Numbers:
    """The sum over frames of max(0, gain * counted - limit), for every gain: [gain]."""
    order = np.argsort(limit / counted)
    crossed = np.searchsorted((limit / counted)[order], gains)
    counted_sum, limit_sum = (np.concatenate([[0.0], np.cumsum(values[order])]) for values in (counted, limit))
    excess: Numbers = gains * counted_sum[crossed] - limit_sum[crossed]
    return excess


def _by_light(counts: Sequence[ValidationCount]) -> ErrorsByLight:
    light_of: dict[str, LightErrors] = {}
    for lighting in Lighting:
        errors = LightErrors(**{group: fit_group(sample_of(counts, group, lighting)) for group in GROUPS})
        if errors != LightErrors():
            light_of[lighting.value] = errors
    return ErrorsByLight(**light_of)
