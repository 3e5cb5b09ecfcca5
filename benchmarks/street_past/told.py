"""What the network we ship tells of who stands in each zone of the demo: the table of `ingest/street/told.py`.

python benchmarks/street_past/told.py: 64 clips of a day of each camera are rendered and counted, a quarter of an hour
and more apart; of each zone the count is fitted to who stands in it, as a share and a constant (least squares, neither
below zero). Minutes of one core.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from scipy.optimize import nnls

from busyness import DEFAULT_MODEL
from core.clock import SystemClock
from core.records import ClipReady
from detect.counter import ClipCounter
from detect.registry import open_model
from ingest.rendering import RenderedStreet, time_words
from ingest.street.layout import street
from ingest.street.past import present
from ingest.street.traffic import crowd
from ingest.synthetic import SyntheticConfig, clip_location

SEED, CAMERAS, CLIPS, FRAMES = 7, 8, 64, 5
DAY = datetime(2026, 3, 13, 0, 3, tzinfo=UTC)


def main() -> None:
    source = RenderedStreet(SyntheticConfig(cameras=CAMERAS, seed=SEED, start=DAY))
    counter = ClipCounter(open_model(DEFAULT_MODEL, threads=1), source, FRAMES, SystemClock())
    for index, camera in enumerate(source.cameras):
        place = street(SEED, index)
        there, told = [], []
        for number in range(CLIPS):
            at = DAY + number * timedelta(days=1) / CLIPS
            clip = ClipReady(camera=camera.id, event_time=at, location=clip_location(camera.id, at))
            people = crowd(place, at.astimezone(ZoneInfo(camera.timezone)), (SEED, index, *time_words(at)))
            counted = [one.present for one in counter.observe(camera, clip)]
            if None not in counted:
                there.append(present(place, camera.counted_zones, people))
                told.append([(one.people, one.vehicles) for one in counted if one is not None])
        stand, count = np.array(there), np.array(told)
        for row, zone in enumerate(camera.counted_zones):
            fits = []
            for column, classes in enumerate((slice(0, 2), slice(2, None))):
                x = stand[:, row, classes].sum(axis=1)
                fits += list(nnls(np.stack((x, np.ones_like(x)), axis=1), count[:, row, column])[0])
            print(f'    "{zone.id}": Told({", ".join(f"{one:.2f}" for one in fits)}),')


if __name__ == "__main__":
    main()
