"""Is a density what it says it is? On the synthetic street, which knows the truth: `make bench-ground-plane`.

Every camera gets a ground plane as an operator would give it one: six points of the ground, spread over its zones,
matched with the map and pointed at with an error of 1 px (standard error, along and down), and fitted.

`area_error` is how far the area told of a zone is from the true area of what is counted, the mean over the zones of ten
cities; `area_coverage` how often the truth is within 1.645 of the error that is told with it.

Then the network we ship counts at noon (11 to 13 by the street's clock), clips go through counter, store and answer as
a city's do, and the densities answered are held against the truth: everyone on the zone's ground, over its true area,
the mean of every two minutes of the window. Those whom a house or a bus hides are there too, for that is what a planner
means by a density. The counts of a camera are calibrated as `busyness validate` does, from counts by hand in the
street: 60 clips of five other days than those that are answered. Without that (`uncalibrated`) they are as the network
comes.

    density_error      of the mean density of people in a zone at noon, the mean over zones weighted by who is there;
                       `_of_cameras` of all zones of a camera together, `density_bias` of all zones of all cameras
    interval_coverage  how often the 90 % interval of a density, of people or of vehicles, holds the true density of its
                       hour or quarter, of which the clips are a sample, where six objects or more are expected in
                       these: of fewer, any interval that begins at zero holds nearly all there can be, and `_of_all`
                       has them too; `_of_clips` is of single clips, which err by the counter and the ground alone
    interval_width     of the intervals of hours, in terms of the true density

`people_who_could_be_seen` is against those whom no house or bus hides. On stderr the coverage is told apart by how many
objects are expected in a window's clips. `--quick` takes one city and two days.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import pandas as pd
from ground.answered import answered, of_clips
from ground.areas import ZONED, AreaFigures, areas
from ground.watching import Days, watch

SEEDS, AREA_SEEDS = (0, 1), range(10)
ALL_DAYS, TWO_DAYS = Days(by_hand=(0, 2, 4, 6, 8), answered=(1, 3, 5, 7)), Days(by_hand=(0, 2), answered=(1, 3))
WORKERS = 2

SOME = 6.0
EXPECTED = (0.0, SOME, 30.0, np.inf)
"""Objects in all clips of a window together, by which its coverage is told apart."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one city and two days, for a look")
    quick = parser.parse_args().quick
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # in the workers, which share the cores
    area = areas(AREA_SEEDS[:2] if quick else AREA_SEEDS)
    tell(f"areas of {area.zones} zones: off by {area.mean:.2%} in the mean, {area.median:.2%} in the median, "
         f"{area.most:.2%} at most; within the told error {area.coverage:.1%}")  # fmt: skip
    seeds, days = (SEEDS[:1], TWO_DAYS) if quick else (SEEDS, ALL_DAYS)
    readings, clips = (pd.concat(both) for both in zip(*(noon(seed, days) for seed in seeds), strict=True))
    tell_coverage(readings[readings["calibrated"]])
    print(json.dumps({"name": "ground_plane", "figures": figures_of(area, readings, clips)}))


def figures_of(area: AreaFigures, readings: pd.DataFrame, clips: pd.DataFrame) -> dict[str, object]:
    """The figures of the last line."""
    (told, as_it_comes), (told_of_clips, clips_as_they_come) = (
        (rows[rows["calibrated"]], rows[~rows["calibrated"]]) for rows in (readings, clips)
    )
    of_people = density_errors(told, "people")
    return {
        "area_error": round(area.mean, 4),
        "density_error": of_people["of_zones"],
        "interval_coverage": round(float(covered(told[expected(told) >= SOME]).mean()), 3),
        "interval_coverage_of_all": round(float(covered(told).mean()), 3),
        "interval_coverage_of_clips": round(float(covered(told_of_clips).mean()), 3),
        "area_error_median": round(area.median, 4),
        "area_coverage": round(area.coverage, 3),
        "density_error_of_cameras": of_people["of_cameras"],
        "density_bias": of_people["bias"],
        "vehicles": density_errors(told, "vehicles"),
        "people_who_could_be_seen": density_errors(told, "people", "seen_mean"),
        "uncalibrated": {
            "people": density_errors(as_it_comes, "people"),
            "vehicles": density_errors(as_it_comes, "vehicles"),
            "interval_coverage": round(float(covered(as_it_comes[expected(as_it_comes) >= SOME]).mean()), 3),
            "interval_coverage_of_clips": round(float(covered(clips_as_they_come).mean()), 3),
        },
        "interval_width": round(width(told), 2),
        "crowded_share": crowding(told),
        "readings": len(told),
    }


def noon(seed: int, days: Days) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is answered of one city, and what was counted in its clips, beside the truth: see `answered`, `of_clips`.

    The column `calibrated` says whether the counts were.
    """
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        watched = list(pool.map(partial(watch, seed, days), range(ZONED)))
    readings, clips = (
        pd.concat(table(watched, calibrated=how).assign(city=seed, calibrated=how) for how in (True, False))
        for table in (answered, of_clips)
    )
    return readings, clips


def density_errors(rows: pd.DataFrame, series: str, truth: str = "true_mean") -> dict[str, float]:
    """Relative errors of the mean density of a series at noon, over hours, weighted by who is there."""
    hours = rows[(rows["class"] == series) & (rows["window"] == "60m")]
    people = pd.DataFrame({
        "city": hours["city"],
        "camera": hours["camera"],
        "zone": hours["zone"],
        "told": hours["density_per_100m2"] / 100 * hours["true_m2"],
        "true": hours[truth],
    })  # fmt: skip
    by_zone = people.groupby(["city", "camera", "zone"])[["told", "true"]].mean()
    by_camera = by_zone.groupby(["city", "camera"]).sum()
    of_zones, of_cameras, bias = (
        float((by["told"] - by["true"]).abs().sum() / by["true"].sum())
        for by in (by_zone, by_camera, by_zone.sum().to_frame().T)
    )
    return {"of_zones": round(of_zones, 3), "of_cameras": round(of_cameras, 3), "bias": round(bias, 3)}


def expected(rows: pd.DataFrame) -> pd.Series:
    """Objects expected in all clips of each window together."""
    objects: pd.Series = rows["true_mean"] * rows["clips_counted"]
    return objects


def covered(rows: pd.DataFrame) -> pd.Series:
    """Whether the interval of each density holds the true one."""
    inside: pd.Series = rows["true_density"].between(rows["density_low"], rows["density_high"])
    return inside


def width(rows: pd.DataFrame) -> float:
    """Of the intervals of hours, in terms of what is true."""
    hours = rows[rows["window"] == "60m"]
    return float((hours["density_high"] - hours["density_low"]).sum() / hours["true_density"].sum())


def tell_coverage(rows: pd.DataFrame) -> None:
    """The coverage by series, window and how many objects are expected in its clips."""
    among = pd.cut(expected(rows), EXPECTED, right=False)
    above, below = rows["true_density"] > rows["density_high"], rows["true_density"] < rows["density_low"]
    table = pd.DataFrame({"inside": covered(rows), "above": above, "below": below, "expected": among})
    for keys in (["class", "window"], ["class", "window", "expected"]):
        groups = table.assign(**{"class": rows["class"], "window": rows["window"]}).groupby(keys, observed=True)
        means = groups[["inside", "above", "below"]].mean().assign(n=groups.size())
        tell(f"coverage by {', '.join(keys)}\n{means.round(3).to_string()}")


def crowding(rows: pd.DataFrame) -> dict[str, float]:
    """The share of walked ground on which more than one stood on 4 m2: told, true, and how alike they rank zones."""
    hours = rows[(rows["window"] == "60m") & rows["crowded_share"].notna() & rows["true_crowded"].notna()]
    told, true = hours["crowded_share"], hours["true_crowded"]
    return {
        "told": round(float(np.average(told, weights=hours["true_m2"])), 4),
        "true": round(float(np.average(true, weights=hours["true_m2"])), 4),
        "rank_correlation": round(float(told.corr(true, method="spearman")), 3),
    }


def tell(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
