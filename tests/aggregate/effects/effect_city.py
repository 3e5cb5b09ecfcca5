"""A small city whose every influence is known: weekly levels move together, zones differ, an effect may be planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aggregate.effects.effect import Study
from aggregate.effects.panel import Timing
from aggregate.history import History
from aggregate.tables import text

MONDAY = np.datetime64("2025-11-03T00", "us")
"""Midnight in London."""
WEEK = 168
HOUR = np.timedelta64(1, "h")


def usual_day() -> np.ndarray:
    """[24], mean 1."""
    day = 0.2 + np.exp(-0.5 * ((np.arange(24) - 13) / 3.5) ** 2)
    return day / day.mean()


def city(
    *, zones: int = 24, before: int = 10, after: int = 6, effect: float = 0.0, drift: float = 0.0, treated: int = 1,
    noise: float = 0.05, level: float = 4.0, seed: int = 1,
) -> Study:  # fmt: skip
    """Zones in a row, one a camera, 1 km apart; the first `treated` are changed by `effect` from week `before` on, and
    go away from the others by `drift` (a logarithm) a week all the time. `noise` is of every zone's week.
    """
    rng = np.random.default_rng(seed)
    weeks = before + after
    shared = rng.normal(0, 0.1, weeks)
    logs = shared + rng.normal(0, noise, (zones, weeks))
    logs[:treated] += drift * np.arange(weeks)
    logs[:treated, before:] += np.log1p(effect)
    levels = level * rng.uniform(0.7, 1.4, zones)
    value = levels[:, None] * np.repeat(np.exp(logs), WEEK, axis=1) * np.tile(usual_day(), 7 * weeks)
    return study(value * rng.gamma(50, 1 / 50, value.shape), treated=treated, before=before)


def study(value: np.ndarray, *, treated: int, before: int, per_camera: int = 1) -> Study:
    """Of values [zone, hour] from `MONDAY` on: the first zones are treated, the others candidates."""
    zones = tuple(f"zone-{row}" for row in range(len(value)))
    shown = value.astype(np.float32)
    history = History(
        "people", zones, "Europe/London", MONDAY, 3600, shown, np.where(np.isnan(shown), 0, 4).astype(np.uint8)
    )
    ours = np.arange(len(value)) < treated
    start = MONDAY + before * WEEK * HOUR
    return Study(
        history=history, treated=ours, candidates=~ours,
        camera=text([f"camera-{row // per_camera}" for row in range(len(value))]),
        where=np.column_stack([np.full(len(value), 51.5), -0.1 + 0.0144 * np.arange(len(value))]),
        timing=Timing(start, start, history.end),
    )  # fmt: skip


def without(asked: Study, zones: np.ndarray, hours: np.ndarray) -> Study:
    """The same with these hours [hour] of these zones missing."""
    history = asked.history
    value, clips = history.value.copy(), history.clips.copy()
    value[np.ix_(zones, hours)] = np.nan
    clips[np.ix_(zones, hours)] = 0
    return replace(asked, history=replace(history, value=value, clips=clips))
