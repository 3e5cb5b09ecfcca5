"""Whether the effect of an intervention is found, and nothing where nothing was done: `make bench-interventions`.

In 500 simulated cities (`benchmarks/planted/city.py`) 20 % of those present are taken out of one to three zones from a
day on. `power` is the share of cities in which the 90 % interval holds -20 %; a refusal counts as a failure. Beside it:
how often the interval leaves zero out, and how often p is below 0.05. `placebo_rejection` is how often p is below 0.05
where nothing was done: at two other places of each city at the same time, and at the treated places at an earlier time.
`broken_refused` is the share refused where the place goes away from the others by 5 % a week all the time, and
`broken_told` the share in which an effect is told all the same; `slowly_broken_...` is the same of 3 % a week.
`uncontrolled_power` is the same as power where no other zone may be used (interrupted time series), for comparison.

With ../shared/data, the same on real hourly counts: 39 pedestrian sensors of Melbourne, at random places and dates,
with and without 20 % taken out.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from planted.city import HOURS_A_WEEK, Asked, City, city, counted, study, treated_places
from planted.melbourne import MELBOURNE, melbourne

from aggregate.effects.effect import Effect, EffectState, Study
from aggregate.effects.measure import measure

PLANTED = -0.2
DRIFTS_A_WEEK = {"broken": 0.05, "slowly_broken": 0.03}
"""Logarithms a week by which a place goes away from the others, before and after."""
CITIES = 500
SEED = 20260504


@dataclass(frozen=True)
class Answer:
    """What was answered to one question."""

    asked: str
    state: str
    change: float = np.nan
    low: float = np.nan
    high: float = np.nan
    p_value: float = np.nan
    seconds: float = 0.0
    reason: str | None = None

    @classmethod
    def of(cls, asked: str, effect: Effect, seconds: float) -> Answer:
        change = effect.change
        if change is None:
            return cls(asked, effect.state.value, seconds=seconds, reason=effect.reason)
        return cls(asked, effect.state.value, change.change, change.low, change.high, change.p_value, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cities", type=int, default=CITIES)
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    seeds = np.random.SeedSequence(asked.seed).spawn(asked.cities)
    answers: list[Answer] = []
    with ProcessPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as workers:
        for done, of_city in enumerate(workers.map(questions, seeds, chunksize=5), start=1):
            answers += of_city
            if sys.stderr.isatty():
                print(f"\r{done} of {asked.cities} cities", end="", file=sys.stderr)
        real = list(workers.map(melbourne, range(8))) if MELBOURNE.is_file() else []
    figures = {"simulations": asked.cities, **figures_of(answers)}
    of_melbourne = [Answer.of(name, effect, 0.0) for part in real for name, effect in part]
    if of_melbourne:
        figures["melbourne"] = figures_of(of_melbourne)
    print(json.dumps({"name": "interventions", "figures": figures}))


def questions(seed: np.random.SeedSequence) -> list[Answer]:
    """All that is asked of one city."""
    rng = np.random.default_rng(seed)
    one = city(rng)
    everywhere = np.ones(len(one.present), dtype=bool)
    treated = treated_places(rng, one, everywhere)
    last = one.begin + np.timedelta64(one.present.shape[1], "h")
    since = np.arange(one.present.shape[1]) >= one.before * HOURS_A_WEEK
    planted = counted(rng, one.present * (1 + PLANTED * (treated[:, None] & since)), one.seen)
    there = Asked(treated, everywhere, one.start, last)
    question = study(one, planted, there)
    told = [_answered("planted", question), _answered("alone", replace(question, candidates=np.zeros_like(treated)))]
    untouched = ~np.isin(one.camera, one.camera[treated])
    for _ in range(2):
        elsewhere = Asked(treated_places(rng, one, untouched), untouched, one.start, last)
        told.append(_answered("elsewhere", study(one, planted, elsewhere)))
    earlier = one.start - np.timedelta64(HOURS_A_WEEK * (one.before // 3), "h")
    told.append(_answered("earlier", study(one, planted, Asked(treated, everywhere, earlier, one.start))))
    for name, a_week in DRIFTS_A_WEEK.items():
        drifting = planted.copy()
        drifting[treated] = counted(rng, one.present[treated] * _drift(rng, one, a_week), one.seen[treated])
        told.append(_answered(name, study(one, drifting, there)))
    return told


def _drift(rng: np.random.Generator, one: City, a_week: float) -> np.ndarray:
    """A factor [hour] that grows or shrinks all the time, 1 when the intervention begins."""
    weeks = np.arange(one.present.shape[1]) / HOURS_A_WEEK - one.before
    return np.exp(rng.choice([-1, 1]) * a_week * weeks)


def _answered(asked: str, question: Study) -> Answer:
    began = perf_counter()
    effect = measure(question)
    return Answer.of(asked, effect, perf_counter() - began)


def figures_of(answers: Sequence[Answer]) -> dict[str, object]:
    """Shares, of all that were asked or, for rejections, of all that were answered against controls."""
    planted, alone = _asked(answers, "planted"), _asked(answers, "alone")
    placebos = _asked(answers, "elsewhere") + _asked(answers, "earlier")
    answered = [one for one in placebos if one.state == EffectState.MEASURED]
    figures: dict[str, object] = {
        "power": _share(one.low <= PLANTED <= one.high for one in planted),
        "zero_excluded": _share(one.high < 0 or one.low > 0 for one in planted),
        "told": _share(one.p_value < 0.05 for one in planted),
        "refused": _share(one.state == EffectState.REFUSED for one in planted),
        "uncontrolled": _share(one.state == EffectState.UNCONTROLLED for one in planted),
        "bias": _mean(one.change - PLANTED for one in planted),
        "interval_width": _mean(one.high - one.low for one in planted),
        "placebo_rejection": _share(one.p_value < 0.05 for one in answered),
        "placebo_elsewhere": _share(one.p_value < 0.05 for one in answered if one.asked == "elsewhere"),
        "placebo_earlier": _share(one.p_value < 0.05 for one in answered if one.asked == "earlier"),
        "placebo_excludes_zero": _share(one.high < 0 or one.low > 0 for one in answered),
        "placebos": len(answered),
        "placebos_refused": _share(one.state == EffectState.REFUSED for one in placebos),
    }
    for name in DRIFTS_A_WEEK:
        if broken := _asked(answers, name):
            figures[f"{name}_refused"] = _share(one.state == EffectState.REFUSED for one in broken)
            figures[f"{name}_told"] = _share(one.p_value < 0.05 for one in broken)
    if alone:
        figures["uncontrolled_power"] = _share(one.low <= PLANTED <= one.high for one in alone)
        figures["uncontrolled_zero_excluded"] = _share(one.high < 0 or one.low > 0 for one in alone)
    if any(one.seconds for one in planted):
        figures["median_seconds"] = round(float(np.median([one.seconds for one in planted])), 3)
    return figures


def _asked(answers: Iterable[Answer], name: str) -> list[Answer]:
    return [one for one in answers if one.asked == name]


def _share(held: Iterable[bool]) -> float | None:
    found = list(held)
    return round(sum(found) / len(found), 4) if found else None


def _mean(values: Iterable[float]) -> float | None:
    known = [value for value in values if not np.isnan(value)]
    return round(float(np.mean(known)), 4) if known else None


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    main()
