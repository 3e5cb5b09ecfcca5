"""How far counts are from frames labelled by eye, on cameras that the network did not see: `make bench-accuracy`.

The network we ship saw every camera we have labels of. So its two siblings of the same recipe are measured, each on the
cameras that it was kept from (`held_out_cameras` in models/manifest.json): together that is every frame of `labels/`,
counted by a network that never saw its camera. Beside them the reference detectors, at the scores that suit all these
frames best, which flatters them, and always answering the mean. The error of a frame is the distance of the count to
[labelled, labelled + uncertain], in objects. `motorways` are stills of 26 more cameras that nothing was trained on.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from busyness import DEFAULT_MODEL
from detect.evaluation import Errors, compare
from detect.evaluation.figures import CountError
from detect.onnx_density import Manifest
from detect.registry import MANIFEST, MODELS, open_model

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
LABELS, WEIGHTS = DATA / "labels", DATA / "weights"
MOTORWAYS = ROOT / "models" / "train" / "labels" / "validation"
YOLOX = WEIGHTS / "yolox_nano.onnx"
NEEDS = "the labelled frames and reference detectors in ../shared/data/labels and ../shared/data/weights"

Figures = dict[str, float | int | None]


def main() -> None:
    if not (LABELS.is_dir() and YOLOX.is_file()):
        print(f"bench-accuracy needs {NEEDS}, which are not on this machine", file=sys.stderr)
        print(json.dumps({"name": "accuracy", "figures": {}, "needs": NEEDS}))
        return
    references = {name: open_model(spec) for name, spec in reference_specs().items()}
    others = compare(list(references.values()), LABELS)
    unseen = {"mean_guess": of([others.mean_guess])}
    unseen |= {name: of([found.overall]) for name, found in zip(references, others.evaluations, strict=True)}
    siblings = [
        compare([open_model(name)], LABELS, only=entry.held_out_cameras).evaluations[0]
        for name, entry in Manifest.read(MODELS / MANIFEST).models.items()
        if name.startswith(f"{DEFAULT_MODEL}-") and entry.held_out_cameras
    ]
    unseen[DEFAULT_MODEL] = of([sibling.overall for sibling in siblings])
    lights = sorted({light for sibling in siblings for light in sibling.by_visibility})
    figures = {
        "unseen_cameras": unseen,
        "ratio": {name: ratio(unseen[DEFAULT_MODEL], other) for name, other in unseen.items() if name != DEFAULT_MODEL},
        "by_light": {
            light: of([s.by_visibility[light] for s in siblings if light in s.by_visibility]) for light in lights
        },
        "motorways": motorways([DEFAULT_MODEL, *reference_specs().values()]),
    }
    print(json.dumps({"name": "accuracy", "figures": figures}))


def reference_specs() -> dict[str, str]:
    """Which model each name of the answer is."""
    specs = {"yolox_nano": f"yolox:{YOLOX}"}
    if importlib.util.find_spec("openvino") is not None:
        specs |= {path.stem: f"openvino:{path}" for path in sorted(WEIGHTS.rglob("*.xml"))}
    return specs


def motorways(specs: list[str]) -> dict[str, Figures]:
    comparison = compare([open_model(spec) for spec in specs], MOTORWAYS, footage=DATA)
    return {evaluation.model.partition("@")[0]: of([evaluation.overall]) for evaluation in comparison.evaluations}


def of(parts: Iterable[Errors]) -> Figures:
    """Error in objects a frame, bias in percent of the labelled, over all frames of the parts."""
    every = list(parts)
    figures: Figures = {"frames": sum(part.frames for part in every)}
    for group in ("people", "vehicles"):
        errors: list[tuple[int, CountError]] = [(part.frames, getattr(part, group)) for part in every]
        labelled = sum(error.labelled for _, error in errors)
        signed = sum((error.bias_percent or 0.0) * error.labelled for _, error in errors)
        figures[f"{group}_error"] = round(sum(n * error.error for n, error in errors) / sum(n for n, _ in errors), 3)
        figures[f"{group}_bias_percent"] = round(signed / labelled, 1) if labelled else None
    return figures


def ratio(own: Figures, other: Figures) -> dict[str, float | None]:
    """The error of ours over that of another counter; below 1 ours is the nearer one."""
    keys = ("people_error", "vehicles_error")
    return {key: round(float(own[key] or 0) / float(other[key]), 3) if other[key] else None for key in keys}


if __name__ == "__main__":
    main()
