"""What a frame costs our network beside YOLO11n: `make bench-count-cost`.

Both are networks alone, from an array in memory to an array, in ONNX Runtime on one thread, a frame at a time at
352 x 288; YOLO11n has random weights, which cost what trained ones do, and is spared its own preparation and
suppression of overlaps. They take turns within one run, time is that of the processor and not of the clock, and each
figure is the least of many, so that what else the machine does falls on neither. `prepared_ms_per_frame` is our whole
way from pixels to density.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from busyness.config import DetectConfig
from detect.density_runtime import INPUT, open_runtime
from detect.onnx_density import Manifest
from detect.onnx_file import open_session, read_onnx
from detect.registry import MANIFEST, MODELS, open_model
from ingest.frame import Frame

HEIGHT_PX, WIDTH_PX = 288, 352
ROUNDS = 150
WARM_UP = 5
TARGET_MS = 8.0


def main() -> None:
    yolo_file = Path(sys.argv[1])
    model = DetectConfig().model
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8)
    planes = (pixels.transpose(2, 0, 1)[np.newaxis] / 255).astype(np.float32)

    network = MODELS / Manifest.read(MODELS / MANIFEST).models[model].file
    ours = open_runtime("onnxruntime", read_onnx(network), network, threads=1)
    if ours.ports[INPUT][1:] != planes.shape[1:]:
        raise SystemExit(
            f"{network} takes {ours.ports[INPUT]}, not {WIDTH_PX} x {HEIGHT_PX}: the ratio would not be fair"
        )
    whole = open_model(model, threads=1)
    yolo = open_session(read_onnx(yolo_file), yolo_file, threads=1)
    frame = Frame(pixels, 0.0)
    timed = by_turns(
        lambda: ours.run(planes),
        lambda: yolo.run(None, {yolo.get_inputs()[0].name: planes}),
        lambda: whole.density([frame]),
    )
    own_ms, yolo_ms, prepared_ms = (min(times) for times in timed)
    figures = {
        "model": whole.name,
        "ms_per_frame": round(own_ms, 2),
        "yolo11n_ms_per_frame": round(yolo_ms, 2),
        "ratio": round(own_ms / yolo_ms, 3),
        "prepared_ms_per_frame": round(prepared_ms, 2),
        "median_ms_per_frame": round(median(timed[0]), 2),
        "median_yolo11n_ms_per_frame": round(median(timed[1]), 2),
        "target_ms_per_frame": TARGET_MS,
        "threads": 1,
        "rounds": ROUNDS,
    }
    print(json.dumps({"name": "count-cost", "figures": figures}))


def by_turns(*runs: Callable[[], object]) -> list[list[float]]:
    """Milliseconds of the processor that each of `runs` took in every round."""
    timed: list[list[float]] = [[] for _ in runs]
    for turn in range(WARM_UP + ROUNDS):
        for run, times in zip(runs, timed, strict=True):
            began = time.process_time()
            run()
            if turn >= WARM_UP:
                times.append((time.process_time() - began) * 1000)
    return timed


if __name__ == "__main__":
    main()
