"""A recognisable pattern goes through the whole pipeline; nothing that outlives it holds the pattern.

The pattern is a patch of coloured noise painted into street scenes. After a replay, the store's file, its write-ahead
log, every log line, everything printed, the temporary folder, the working folder and every message of the bus are
searched for runs of its pixels, raw, as hexadecimal and as base64.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from busyness import wiring
from busyness.config import Config, load_config
from busyness.replaying import replay
from core.bus import MemoryBus, RecordT, Topic
from core.records import Status
from ingest.decode import open_media
from ingest.decode_limits import DecodeLimits
from ingest.rendering import RenderedStreet
from ingest.synthetic import SyntheticConfig

RUN_PX = 8  # a run of eight coloured pixels is 24 bytes: it does not occur by chance
PATCH = (slice(180, 228), slice(60, 124))


def street_with_canary(path: Path, number: int = 0) -> None:
    """One of many clips of a synthetic street with the patch in it, encoded as a feed would."""
    street = RenderedStreet(SyntheticConfig(kind="synthetic", cameras=1), None)
    reference = next(islice(street.clips(), number, None))
    patch = np.random.default_rng(20170309).integers(0, 256, (6, 8, 3), np.uint8)
    patch = cv2.resize(patch, (64, 48), interpolation=cv2.INTER_NEAREST)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 5.0, (352, 288))
    try:
        for frame in street.open(reference, 10).frames:
            scene = np.array(frame.pixels, subok=False)
            scene[PATCH] = patch
            writer.write(cv2.cvtColor(scene, cv2.COLOR_RGB2BGR))
    finally:
        writer.release()


def fingerprints(path: Path, frames: int) -> list[bytes]:
    """Runs of the canary's pixels as the worker sees them, in every order and coding that a leak could have."""
    runs: list[bytes] = []
    for frame in open_media(path, frames, DecodeLimits()).frames:
        patch = np.array(frame.pixels, subok=False)[PATCH]
        grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY)
        for picture in (patch, patch[..., ::-1], patch[..., 0], patch[..., 1], patch[..., 2], grey):
            row = np.ascontiguousarray(picture[24])
            runs += [row[start : start + 3 * RUN_PX].tobytes()[: 3 * RUN_PX] for start in (0, 20)]
    return [run for run in runs if len(set(run)) > 6]


def leaks(content: bytes, runs: Iterable[bytes]) -> bool:
    for run in runs:
        forms = [run, run.hex().encode(), run.hex().upper().encode()]
        forms += [base64.b64encode(run[shift : shift + 18]) for shift in range(3)]
        if any(form in content for form in forms):
            return True
    return False


def files_below(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.is_file())


class ListeningBus(MemoryBus):
    """The real bus, with a copy of every message that crossed it."""

    heard: list[bytes] = []  # noqa: RUF012 - one test reads it

    def publish(self, topic: Topic[RecordT], record: RecordT) -> None:
        self.heard.append(record.model_dump_json().encode())
        super().publish(topic, record)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "canary.yaml"
    path.write_text(
        "name: canary\n"
        "sources: [{kind: folder, path: clips}]\n"
        'cameras: [{id: "00001", name: canary street, lat: 51.5, lon: -0.1}]\n'
        "store: {path: store/counts.duckdb}\n",
        encoding="utf-8",
    )
    return load_config(path)


def listen(caplog: pytest.LogCaptureFixture) -> None:
    """Hear every log line of every room: a logger that some test has switched off would make the search empty."""
    caplog.set_level(logging.DEBUG)
    off = [name for name, one in logging.root.manager.loggerDict.items() if getattr(one, "disabled", False)]
    assert [name for name in off if name.split(".")[0] in ("ingest", "detect", "aggregate", "api", "busyness")] == []


def test_no_pixel_outlives_the_pipeline(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    clip = tmp_path / "clips" / "00001" / "08_1489046400000.mp4"
    street_with_canary(clip)
    scratch, work = tmp_path / "tmp", tmp_path / "work"
    scratch.mkdir(), work.mkdir()
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(work)
    monkeypatch.setattr(wiring, "MemoryBus", ListeningBus)
    listen(caplog)

    replayed = replay(config, tmp_path / "clips", Console(stderr=True))

    assert set(replayed.tally.status_of.values()) == {Status.OK}, "the canary must really be counted"
    runs = fingerprints(clip, config.detect.frames_per_clip)
    assert len(runs) >= 20, "the canary must survive the video codec"
    assert len(ListeningBus.heard) == 3, "one clip, one observation, one word of how the camera is"
    printed = capfd.readouterr()
    assert not leaks("\n".join((caplog.text, printed.out, printed.err)).encode(), runs)
    assert not any(leaks(message, runs) for message in ListeningBus.heard)
    stored = list(files_below(tmp_path / "store"))
    assert stored
    for path in files_below(tmp_path / "store", scratch, work):
        assert not leaks(path.read_bytes(), runs), f"{path} holds the canary"


def test_the_search_would_find_it(tmp_path: Path) -> None:
    """The same search over files that do hold the pixels: the test above can fail."""
    clip = tmp_path / "clip.mp4"
    street_with_canary(clip)
    runs = fingerprints(clip, 5)
    pixels = np.array(open_media(clip, 5, DecodeLimits()).frames[0].pixels, subok=False)
    assert leaks(b"before" + pixels.tobytes() + b"after", runs)
    assert leaks(pixels.tobytes().hex().encode(), runs)
    assert leaks(base64.b64encode(pixels.tobytes()), runs)
    assert not leaks(np.zeros_like(pixels).tobytes(), runs)
