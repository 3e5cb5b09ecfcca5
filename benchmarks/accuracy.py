"""How far lowres-1's counts are from frames labelled by eye, beside other counters: `make bench-accuracy`.

The error of a frame is the distance of the count to [labelled, labelled + uncertain], in objects. Box detectors are
taken at the scores that suit these frames best, which flatters them; the mean guess always answers the mean of the
labels. `held_out` are cameras of which lowres-1 saw no frame in training.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

from detect.evaluation import Errors, compare
from detect.registry import open_model

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
LABELS = DATA / "labels"
WEIGHTS = DATA / "weights"
YOLOX = WEIGHTS / "yolox_nano.onnx"
CROSSROAD = WEIGHTS / "person-vehicle-bike-detection-crossroad-1016-int8"
NEEDS = "the labelled frames and reference detectors in ../shared/data/labels and ../shared/data/weights"

Figures = dict[str, float | int | None]


def main() -> None:
    if not (LABELS.is_dir() and YOLOX.is_file()):
        print(f"bench-accuracy needs {NEEDS}, which are not on this machine", file=sys.stderr)
        print(json.dumps({"name": "accuracy", "figures": {}, "needs": NEEDS}))
        return
    specs = counters()
    comparison = compare([open_model(spec) for spec in specs.values()], LABELS)
    everywhere = {"mean_guess": of(comparison.mean_guess)}
    held_out = {"mean_guess": of(comparison.mean_guess_by_training["held-out"])}
    for name, evaluation in zip(specs, comparison.evaluations, strict=True):
        everywhere[name] = of(evaluation.overall)
        held_out[name] = of(evaluation.by_training["held-out"])
    figures = {
        "held_out": held_out,
        "ratio_held_out": ratios(held_out),
        "all": everywhere,
        "ratio_all": ratios(everywhere),
    }
    print(json.dumps({"name": "accuracy", "figures": figures}))


def counters() -> dict[str, str]:
    """Which model each name of the answer is."""
    specs = {"lowres-1": "lowres-1", "yolox_nano": f"yolox:{YOLOX}"}
    network = next(iter(sorted(CROSSROAD.rglob("*.xml"))), None)
    if network is not None and importlib.util.find_spec("openvino") is not None:
        specs["crossroad-1016"] = f"openvino:{network}"
    return specs


def of(errors: Errors) -> Figures:
    """Error in objects a frame, bias in percent of the labelled."""
    return {
        "frames": errors.frames,
        "people_error": errors.people.error,
        "people_bias_percent": errors.people.bias_percent,
        "vehicles_error": errors.vehicles.error,
        "vehicles_bias_percent": errors.vehicles.bias_percent,
    }


def ratios(figures: dict[str, Figures]) -> dict[str, dict[str, float | None]]:
    """The error of lowres-1 over that of each other counter; below 1 it is the nearer one."""
    own = figures["lowres-1"]
    return {
        name: {key: ratio(own[key], other[key]) for key in ("people_error", "vehicles_error")}
        for name, other in figures.items()
        if other is not own
    }


def ratio(part: float | None, whole: float | None) -> float | None:
    return round(part / whole, 3) if part is not None and whole else None


if __name__ == "__main__":
    main()
