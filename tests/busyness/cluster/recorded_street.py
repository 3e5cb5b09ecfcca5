"""Stills of the synthetic street in a folder, as a city records them, some of them twice and one of them broken."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from ingest.rendering import RenderedStreet
from ingest.synthetic import SyntheticConfig

START = datetime(2026, 3, 12, 8, tzinfo=UTC)
CADENCE_S = 300


def record(folder: Path, cameras: int = 2, clips: int = 8) -> list[str]:
    """`clips` stills of each camera; the third is the second encoded anew, the last but one is broken.

    Returns the cameras' names.
    """
    street = RenderedStreet(SyntheticConfig(cameras=cameras, start=START, days=1, cadence_s=CADENCE_S))
    names = [camera.id for camera in street.cameras]
    for number, clip in enumerate(islice(street.clips(), cameras * clips)):
        path = folder / clip.camera / f"{int(clip.event_time.timestamp() * 1000)}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number // cameras == 2:
            shown = cv2.imread(str(sorted(path.parent.iterdir())[-1]))
            cv2.imwrite(str(path), shown, [cv2.IMWRITE_JPEG_QUALITY, 88])
            continue
        (frame,) = street.open(clip, 1).frames
        shown = cv2.cvtColor(np.array(frame.pixels, subok=False), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(path), shown, [cv2.IMWRITE_JPEG_QUALITY, 95])
        if number // cameras == clips - 2:
            content = path.read_bytes()
            path.write_bytes(content[:100] + bytes(200))
    return names
