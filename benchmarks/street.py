"""How long a frame of the synthetic street takes to render, beside counting it in the same run: `make bench-street`.

What the demo pays: clips as it asks for them (`configs/demo.yaml`), by day, at dusk and at night, on one thread each.
Every second clip needs its place lit anew; only the painting of a place, once a camera, is left out. Milliseconds are
of the processor, so that what else the machine does counts for little. Quote the ratio.
"""

from __future__ import annotations

import json
import time
from datetime import timedelta
from itertools import islice
from pathlib import Path

import cv2

from busyness import DEFAULT_MODEL
from busyness.config import load_config
from detect.registry import open_model
from ingest.rendering import RenderedStreet
from ingest.synthetic import SyntheticConfig

ROOT = Path(__file__).resolve().parent.parent
HOURS = (2, 13, 18)
CLIPS_PER_CAMERA = 2


def main() -> None:
    config = load_config(ROOT / "configs" / "demo.yaml")
    source, frames = config.street, config.detect.frames_per_clip
    if not isinstance(source, SyntheticConfig):
        raise TypeError(f"configs/demo.yaml has a {source.kind} source, expected the synthetic street")
    cv2.setNumThreads(1)
    model = open_model(DEFAULT_MODEL, threads=1)
    paint_places(source, frames)
    render_s, count_s, rendered = 0.0, 0.0, 0
    midnight = source.start.replace(hour=0)
    for hour in HOURS:
        street = RenderedStreet(source.model_copy(update={"start": midnight + timedelta(days=1, hours=hour)}))
        for clip in islice(street.clips(), CLIPS_PER_CAMERA * source.cameras):
            began = time.process_time()
            pictures = street.open(clip, frames).frames
            opened = time.process_time()
            model.density(pictures)
            count_s += time.process_time() - opened
            render_s += opened - began
            rendered += len(pictures)
    figures = {
        "frames": rendered,
        "frames_per_clip": frames,
        "render_ms_per_frame": round(render_s / rendered * 1000, 2),
        "count_ms_per_frame": round(count_s / rendered * 1000, 2),
        "ratio": round(render_s / count_s, 3),
    }
    print(json.dumps({"name": "street", "figures": figures}))


def paint_places(source: SyntheticConfig, frames: int) -> None:
    """Open one clip of every camera, of a moment that is not measured."""
    street = RenderedStreet(source)
    for clip in islice(street.clips(), source.cameras):
        street.open(clip, frames)


if __name__ == "__main__":
    main()
