"""How long lowres-2 takes for a frame, beside YOLOX-nano in the same run: `make bench-inference`.

Both run on one thread, from pixels in memory to a density map, on six frames of a clip of the synthetic street. Quote
the ratio, not the milliseconds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from busyness import DEFAULT_MODEL
from detect.model import CountingModel
from detect.registry import open_model
from ingest.frame import Frame
from ingest.rendering import RenderedStreet
from ingest.synthetic import SyntheticConfig

ROOT = Path(__file__).resolve().parent.parent
YOLOX = ROOT.parent / "shared" / "data" / "weights" / "yolox_nano.onnx"
NEEDS = "the reference detector ../shared/data/weights/yolox_nano.onnx"
FRAMES = 6
CAMERAS = 4
ROUNDS = 5


def main() -> None:
    if not YOLOX.is_file():
        print(f"bench-inference needs {NEEDS}, which is not on this machine", file=sys.stderr)
        print(json.dumps({"name": "inference", "figures": {}, "needs": NEEDS}))
        return
    ours, reference = open_model(DEFAULT_MODEL, threads=1), open_model(f"yolox:{YOLOX}", threads=1)
    clips = synthetic_clips()
    for model in (ours, reference):
        model.density(clips[0])  # the first run allocates
    # By turns, and the best of each, so that what else the machine does falls on both or on neither.
    timed = [(ms_per_frame(ours, clip), ms_per_frame(reference, clip)) for _ in range(ROUNDS) for clip in clips]
    own_ms, reference_ms = (min(turns) for turns in zip(*timed, strict=True))
    figures = {
        "batch": FRAMES,
        "threads": 1,
        "ms_per_frame": round(own_ms, 2),
        "yolox_nano_ms_per_frame": round(reference_ms, 2),
        "ratio": round(own_ms / reference_ms, 3),
    }
    print(json.dumps({"name": "inference", "figures": figures}))


def synthetic_clips() -> list[tuple[Frame, ...]]:
    """The frames of one clip of each of a few cameras, at the busiest hour."""
    street = RenderedStreet(SyntheticConfig(cameras=CAMERAS, start=datetime(2026, 3, 12, 17, tzinfo=UTC)))
    return [street.open(clip, FRAMES).frames for clip in islice(street.clips(), CAMERAS)]


def ms_per_frame(model: CountingModel, frames: Sequence[Frame]) -> float:
    began = time.perf_counter()
    model.density(frames)
    return (time.perf_counter() - began) * 1000 / len(frames)


if __name__ == "__main__":
    main()
