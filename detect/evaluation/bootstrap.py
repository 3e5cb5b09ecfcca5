"""Is one model nearer than another, or did these frames happen to suit it? A paired bootstrap, by camera.

Both models counted the same frames, so what is resampled is the difference of their errors, frame by frame: what makes
a frame hard for both cancels out (a paired comparison). Frames of one camera share its view, so they are no independent
witnesses: whole cameras are drawn with replacement, then frames within each drawn camera (the two-stage bootstrap of
Davison and Hinkley 1997, section 3.8; with the second stage it is a little wide rather than narrow). The statistic of a
draw is the mean over its frames, so a camera weighs as many frames as it has labelled. The interval is the percentile
interval (Efron and Tibshirani 1993, section 13.3).

With few cameras no bootstrap is to be trusted: below some 30 it is too narrow, and below 10 plainly so (Cameron,
Gelbach and Miller 2008, who call 5 to 30 clusters few). `remark` says it. Below 5 there is no verdict at all: that all
of 4 cameras favour the same model happens to equal models in 2 cases of 16 (the sign test), more often than the 10 %
that the interval leaves. Thresholds of a box detector that were chosen
on these frames are taken as given: its interval does not know that they flatter it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detect.evaluation.figures import Verdict

LEVEL = 0.90

SOME_CAMERAS, FEW_CAMERAS, LEAST_CAMERAS = 30, 10, 5

Weights = NDArray[np.float64]
"""[draw, frame]: how often a frame was drawn, as a share of all that were drawn: each row sums to 1."""


@dataclass(frozen=True)
class Resample:
    """How often to draw, and from which random numbers."""

    draws: int = 4000
    seed: int = 20170309


USUAL = Resample()


@dataclass(frozen=True)
class PairedInterval:
    """The mean difference with its interval of `LEVEL`."""

    difference: float
    low: float
    high: float

    def verdict(self, cameras: int) -> Verdict:
        """Better (the error is smaller) or worse only where the whole interval of enough cameras says so."""
        if cameras < LEAST_CAMERAS or self.low <= 0 <= self.high:
            return "cannot tell"
        return "better" if self.high < 0 else "worse"


def draw_weights(cameras: Sequence[str], resample: Resample) -> Weights:
    """Cameras drawn with replacement, then of each drawn camera as many of its frames as it has, with replacement.

    `cameras` names the camera of each frame. The draws serve every model and every error on these frames.
    """
    if not cameras:
        raise ValueError("at least one frame has to be drawn from")
    names, camera = np.unique(np.array(cameras), return_inverse=True)
    random = np.random.default_rng(resample.seed)
    # A camera drawn k times gives k n of its n frames: how often each, is multinomial.
    times = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resample.draws)  # [draw, camera]
    weights = np.zeros((resample.draws, len(cameras)))
    for index in range(len(names)):
        rows = np.flatnonzero(camera == index)
        weights[:, rows] = random.multinomial(times[:, index] * len(rows), np.full(len(rows), 1 / len(rows)))
    shares: Weights = weights / weights.sum(axis=1, keepdims=True)
    return shares


def paired_interval(differences: NDArray[np.float64], weights: Weights) -> PairedInterval:
    """The mean of `differences` [frame], error less the first model's, and its interval over the draws."""
    low, high = np.quantile(weights @ differences, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return PairedInterval(float(np.mean(differences)), float(low), float(high))


def remark(cameras: int) -> str | None:
    """What the number of cameras makes of the intervals, for the reader; None where there are enough."""
    if cameras >= SOME_CAMERAS:
        return None
    if cameras == 1:
        return "one camera: the intervals speak of other frames of this camera, and say nothing of other cameras"
    if cameras < LEAST_CAMERAS:
        return f"only {cameras} cameras: too few to tell, whatever the intervals say"
    if cameras < FEW_CAMERAS:
        return f"only {cameras} cameras: the intervals are too narrow; take better and worse as hints"
    return f"{cameras} cameras are few: the intervals are somewhat too narrow"
