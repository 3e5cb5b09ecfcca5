"""A city's clips are fetched, wait as bytes, are counted and forgotten: neither their bytes nor their pixels stay.

Clips with a recognisable pattern are published on the doubled feed; one of two cameras damages them, so that what is
said of a broken clip is searched too. After the run the store, the folder of views, the temporary and the working
folder, every log line and everything printed are searched for runs of the clips' bytes and of their pixels.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from feed_double.config import DoubleConfig, Fleet, SharedClock
from feed_double.double import FeedDouble
from feed_double.faults import Fault, FaultKind
from feed_double.media import Album

from busyness import wiring
from busyness.config import load_config
from busyness.wiring import install, open_clock
from core.records import CountObservation, Status
from tests.privacy.test_canary import ListeningBus, files_below, fingerprints, leaks, listen, street_with_canary

SPEEDUP = 100.0
START = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
PATIENCE_S = 30.0
CLIPS = 4
FRAMES = 5
RUN_BYTES = 24


def runs_of(content: bytes, count: int = 40) -> list[bytes]:
    """Runs of a clip's bytes, spread over it, that occur nowhere by chance."""
    starts = range(0, len(content) - RUN_BYTES, len(content) // count)
    return [run for run in (content[at : at + RUN_BYTES] for at in starts) if len(set(run)) > 16]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("published")
    paths = [folder / f"{number}.mp4" for number in range(CLIPS)]
    for number, path in enumerate(paths):
        street_with_canary(path, number)
    return paths


@pytest.fixture
def double(clips: list[Path]) -> Iterator[FeedDouble]:
    """Two cameras with a clip a minute, of which one publishes clips that are damaged."""
    faults = (Fault(FaultKind.CORRUPT, share=0.5),)
    fleet = Fleet("tfl", 2, cadence_s=60.0, jitter_s=3.0, clips=(Album(tuple(clip.read_bytes() for clip in clips)),))
    config = DoubleConfig((fleet,), faults, seed=5, clock=SharedClock(START, SPEEDUP, datetime.now(UTC)), limits={})
    with FeedDouble(config, config.open_clock()) as running:
        yield running


def test_no_clip_outlives_a_city(
    double: FeedDouble, clips: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    scratch, work, kept = tmp_path / "tmp", tmp_path / "work", tmp_path / "city"
    for folder in (scratch, work, kept):
        folder.mkdir()
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(work)
    monkeypatch.setattr(wiring, "MemoryBus", ListeningBus)
    monkeypatch.setattr(ListeningBus, "heard", [])
    listen(caplog)
    config_path = written(kept / "city.yaml", double)

    seen = run_until_counted(config_path)

    assert sum(one.status is Status.OK for one in seen) >= 3, "the canary must really be counted"
    runs = [run for clip in clips for run in (*fingerprints(clip, FRAMES), *runs_of(clip.read_bytes()))]
    assert len(runs) >= CLIPS * 50
    printed = capfd.readouterr()
    assert not leaks("\n".join((caplog.text, printed.out, printed.err)).encode(), runs)
    assert not any(leaks(message, runs) for message in ListeningBus.heard)
    found = [path for path in files_below(kept, scratch, work) if path != config_path]
    assert {path.suffix for path in found} >= {".duckdb", ".json"}, "the store and the views are among them"
    for path in found:
        assert not leaks(path.read_bytes(), runs), f"{path} holds a clip"


def test_the_search_would_find_a_clip(clips: list[Path]) -> None:
    """Whole, cut, and as text: the test above can fail."""
    content = clips[0].read_bytes()
    runs = runs_of(content)
    assert len(runs) >= 30
    assert leaks(b"before" + content, runs)
    assert leaks(content[: len(content) // 4], runs)
    assert leaks(content.hex().encode(), runs)
    assert not leaks(clips[1].read_bytes()[::-1], runs)


def written(path: Path, double: FeedDouble) -> Path:
    """The configuration of the city that the double publishes."""
    shared = double.config.clock
    assert shared is not None
    bucket = double.addresses["tfl_bucket"]
    path.write_text(
        f"""name: a city with canaries
sources:
  - kind: tfl_jamcam
    cadence_s: 60
    api: {double.addresses["tfl_api"]}
    api_requests_per_minute: 600
    bucket: {bucket}/jamcams.tfl.gov.uk/
    web:
      hosts: ["{bucket.removeprefix("http://")}"]
      private_networks: ["127.0.0.1/32"]
      requests_per_minute: 6000
clock: {{speedup: {SPEEDUP}, start: {START.isoformat()}, origin: {shared.origin.isoformat()}}}
ingest: {{list_every_s: 60, newest_every_s: 10, least_visit_s: 5}}
detect: {{workers: 1, frames_per_clip: {FRAMES}}}
store: {{path: city.duckdb}}
""",
        encoding="utf-8",
    )
    return path


def run_until_counted(path: Path) -> list[CountObservation]:
    """The whole pipeline, until three clips are counted and a damaged one is there; then it is stopped."""
    config = load_config(path)
    seen: list[CountObservation] = []

    def enough() -> bool:
        tally = Counter(one.camera for one in seen)
        return sum(one.status is Status.OK for one in seen) >= 3 and len(tally) == 2

    with closing(install(config, open_clock(config))) as installation:
        installation.pipeline.on_stored = seen.extend
        installation.pipeline.start()
        deadline = time.monotonic() + PATIENCE_S
        while not enough() and time.monotonic() < deadline:
            time.sleep(0.02)
    assert enough(), Counter((one.camera, one.status, one.reason) for one in seen)
    return seen
