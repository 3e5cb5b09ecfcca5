"""How fast recorded clips replay, beside decoding alone in the same run: `make bench-replay`.

The figures are clips per second on this machine's cores (quote the ratio, not the rates): the whole pipeline from
file to store, and the same clips only opened and decoded by as many threads.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console

from busyness.config import Config, DuckDBConfig, load_config
from busyness.replaying import replay
from ingest.decode import open_bytes
from ingest.file_reader import FileReader
from ingest.folder import FolderConfig, FolderSource

ROOT = Path(__file__).resolve().parent.parent
DAYS = ROOT.parent / "shared" / "data" / "jamcam" / "days"
NEEDS = "the real camera-days in ../shared/data/jamcam/days"
CLIPS_PER_CAMERA = 40
ROUNDS = 2


def main() -> None:
    if not DAYS.is_dir():
        print(f"bench-replay needs {NEEDS}, which are not on this machine", file=sys.stderr)
        print(json.dumps({"name": "replay", "figures": {}, "needs": NEEDS}))
        return
    config = load_config(ROOT / "configs" / "london.yaml")
    with tempfile.TemporaryDirectory() as scratch:
        folder = sample_of_days(Path(scratch) / "days")
        decode_s, replay_s, clips = [], [], 0
        for turn in range(ROUNDS):
            clips, seconds = decode_alone(config, folder)
            decode_s.append(seconds)
            replay_s.append(whole_replay(config, folder, Path(scratch) / f"{turn}.duckdb"))
    decoding, replaying = clips / min(decode_s), clips / min(replay_s)
    figures = {
        "clips": clips,
        "workers": config.detect.workers,
        "frames_per_clip": config.detect.frames_per_clip,
        "clips_per_s": round(replaying, 2),
        "decode_clips_per_s": round(decoding, 2),
        "ratio": round(replaying / decoding, 3),
    }
    print(json.dumps({"name": "replay", "figures": figures}))


def sample_of_days(folder: Path) -> Path:
    """Evenly spaced clips of each camera-day, day and night alike."""
    for day in sorted(DAYS.iterdir()):
        clips = sorted(day.glob("*.mp4"), key=lambda clip: clip.stem.split("_")[-1])
        (folder / day.name).mkdir(parents=True)
        for clip in clips[:: max(1, len(clips) // CLIPS_PER_CAMERA)][:CLIPS_PER_CAMERA]:
            shutil.copy(clip, folder / day.name)
    return folder


def decode_alone(config: Config, folder: Path) -> tuple[int, float]:
    """Open every clip as the pipeline does, and drop it: the number of clips and the seconds."""
    clips = list(FolderSource(FolderConfig(path=folder), config.cameras).clips())
    limits, frames = config.detect.limits, config.detect.frames_per_clip
    reader = FileReader(limits.max_bytes)
    began = time.perf_counter()
    with ThreadPoolExecutor(config.detect.workers) as pool:
        list(pool.map(lambda clip: len(open_bytes(reader.read(clip), clip.camera, frames, limits).frames), clips))
    return len(clips), time.perf_counter() - began


def whole_replay(config: Config, folder: Path, store: Path) -> float:
    """Seconds from the first file to the last reading on disk."""
    config = config.model_copy(update={"store": DuckDBConfig(path=store)})
    began = time.perf_counter()
    replay(config, folder, Console(stderr=True, quiet=True))
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
