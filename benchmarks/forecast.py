"""Are forecasts better than what everybody has? On real hourly series, held-out weeks: `make bench-forecast`.

Pedestrians of Melbourne (2012 to 2015; the even-numbered sensors, for the forecaster was tuned on odd ones) and cars
and pedestrians of Chateaubourg (Telraam, 2021 to 2022). Eight weeks of each are held out, in four stretches over its
last year, or its second half, and forecast hour by hour, day by day and week by week, each from what came before: by
ours, by last week again, by Prophet and by exponential smoothing, in one run and judged on the same hours. It is
`busyness backtest` of these tables, the forecasters side by side on two cores.

    error_over_X         our absolute errors a day ahead, summed over all sensors, in terms of X's; Melbourne and
                         Chateaubourg weigh alike, each by the errors of last week again
    coverage90           how often the count lies in our 90 % interval, a day ahead
    _one_hour, _week     the same an hour and a week ahead
    _melbourne, ...      of each place alone, a day ahead
    baseline_over_naive  what is usual alone, without what the last hours were like

On stderr each place's tables; `--draw docs` draws the plots of `docs/forecasts.md`. The sensors are chosen by lot.
`--quick`: fewer of them, and no Prophet.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from hourly.series import Series, chateaubourg, melbourne
from rich.console import Console

from aggregate.backtest.backtest import Horizon, Trial, backtest
from aggregate.backtest.comparing import Comparison
from aggregate.backtest.forecaster import Forecaster
from aggregate.backtest.ours import OurForecast, UsualLevel
from aggregate.backtest.references import open_reference
from aggregate.backtest.scores import scores
from aggregate.backtest.sensors import judged_sensors
from aggregate.backtest.splits import Split, splits
from aggregate.usual.calendar import Calendar
from aggregate.usual.policy import UsualPolicy
from busyness.forecasts import plots, tables
from busyness.table import print_table

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "series"
WORKERS = 2
SENSORS, FEWER = 8, 4
OURS = ("busyness", "baseline")
REFERENCES = ("prophet", "ets", "naive")
SUFFIXES = {Horizon.DAY_AHEAD: "", Horizon.ONE_HOUR: "_one_hour", Horizon.WEEK_AHEAD: "_week"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer sensors and no Prophet, for a look")
    parser.add_argument("--draw", type=Path, metavar="FOLDER", help="draw each place's plots into it (docs has them)")
    asked = parser.parse_args()
    quick = asked.quick
    if not SHARED.is_dir():
        print("needs the series in ../shared/data/series", file=sys.stderr)
        print(json.dumps({"name": "forecast", "figures": {}, "needs": "../shared/data/series"}))
        return
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"  # in the workers, which share the cores
    names = (*OURS, *(name for name in REFERENCES if not (quick and name == "prophet")))
    places = [chosen(one, FEWER if quick else SENSORS) for one in (melbourne(SHARED), chateaubourg(SHARED))]
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        slowest_first = sorted(names, key=lambda name: name not in REFERENCES)
        made = {(place.name, name): pool.submit(trial, place, name) for name in slowest_first for place in places}
        found = {place.name: compared(place, [made[place.name, name].result() for name in names]) for place in places}
    console = Console(stderr=True, width=150)
    for name, one in found.items():
        console.print(f"{name}: {', '.join(one.history.zones)}", highlight=False)
        for table in (tables.against(one), tables.summary(one)):
            print_table(table, console)
        if asked.draw is not None:
            draw(one, name, asked.draw)
    print(json.dumps({"name": "forecast", "figures": figures_of(list(found.values()), list(found))}))


def chosen(place: Series, sensors: int) -> Series:
    """The sensors that are judged."""
    judged = judged_sensors(place.history, held_out(place), sensors)
    return Series(place.name, place.history.take(judged), place.calendar)


def held_out(place: Series) -> tuple[Split, ...]:
    return splits(place.history)


def trial(place: Series, name: str) -> Trial:
    """What one forecaster says of a place."""
    return backtest(place.history, Calendar.of(place.calendar), held_out(place), forecaster(name))


def forecaster(name: str) -> Forecaster:
    if name == "busyness":
        return OurForecast(UsualPolicy())
    return UsualLevel(UsualPolicy()) if name == "baseline" else open_reference(name)


def compared(place: Series, trials: Sequence[Trial]) -> Comparison:
    return Comparison(place.history, held_out(place), tuple(trials), scores(trials))


def draw(found: Comparison, name: str, folder: Path) -> None:
    """The plots of one place."""
    for plot in (plots.errors, plots.coverage, plots.week):
        drawing = plot(found, f"{name}-{plot.__name__}")
        (folder / f"forecasts-{name}-{plot.__name__}.svg").write_text(drawing, encoding="utf-8")


def figures_of(places: Sequence[Comparison], names: Sequence[str]) -> dict[str, float]:
    """The figures of the last line."""
    figures: dict[str, float] = {}
    for horizon, suffix in SUFFIXES.items():
        for reference in places[0].trials[1:]:
            figures[f"error_over_{reference.forecaster}{suffix}"] = over(places, horizon, reference.forecaster)
        covered = [one.scores.score("busyness", horizon) for one in places]
        figures[f"coverage90{suffix}"] = round(
            float(np.average([one.coverage for one in covered], weights=[one.points for one in covered])), 4
        )
    figures["baseline_over_naive"] = over(places, Horizon.DAY_AHEAD, "naive", "baseline")
    for one, name in zip(places, names, strict=True):
        for against in one.scores.against:
            if against.horizon == Horizon.DAY_AHEAD and against.reference != "baseline":
                figures[f"error_over_{against.reference}_{name}"] = round(against.ratio, 4)
        figures[f"coverage90_{name}"] = round(one.scores.score("busyness", Horizon.DAY_AHEAD).coverage or 0.0, 4)
        figures[f"sensors_{name}"] = len(one.history.zones)
    return figures


def over(places: Sequence[Comparison], horizon: Horizon, reference: str, of: str = "busyness") -> float:
    """One forecaster's error by another's, each place's in terms of what last week again is off by there."""
    mine, theirs = (
        sum(one.scores.score(name, horizon).mae / one.scores.score("naive", horizon).mae for one in places)
        for name in (of, reference)
    )
    return round(mine / theirs, 4)


if __name__ == "__main__":
    main()
