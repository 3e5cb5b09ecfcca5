"""The one picture that leaves a child: nobody is in it, it is in one record, and it lands on no disk.

A street is recorded in which somebody with a recognisable pattern on stands in a third of the clips, and the background
is made of it as the calibration page has it made: by a child in its jail.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from busyness.backgrounds import Backgrounds
from busyness.calibration_jobs import ANSWER, BackgroundJob, BackgroundSetup, ChildSetup, EmptyStreet, TooFew
from busyness.calibration_worker import BackgroundWorker
from busyness.past_clips import RecordedClips
from core.judgement import GatheringState
from core.records import Camera, ClipReady
from detect.background_limits import LEAST_CLIPS
from detect.result import CountResult
from detect.scene import ClipReport, Scene
from ingest.decode import open_media
from ingest.decode_limits import DecodeLimits
from ingest.folder import FolderConfig, FolderSource
from ingest.jail.limits import JailLimits
from ingest.jail.process import Jail
from ingest.rendering import RenderedStreet
from ingest.synthetic import SyntheticConfig, clip_location
from tests.privacy.test_canary import PATCH, files_below, fingerprints, leaks

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
CAMERA = Camera(id="00001", name="canary street", lat=51.5, lon=-0.1)
CLIPS, WITH_CANARY = LEAST_CLIPS, 4


def record(folder: Path) -> list[Path]:
    """Clips three minutes apart; in the first of them is the canary."""
    source = RenderedStreet(SyntheticConfig(cameras=4, seed=7))
    canary = np.random.default_rng(20170309).integers(0, 256, (6, 8, 3), np.uint8)
    canary = cv2.resize(canary, (64, 48), interpolation=cv2.INTER_NEAREST)
    paths = []
    for number in range(CLIPS):
        at = NOON + timedelta(minutes=3 * number)
        path = folder / CAMERA.id / f"08_{int(at.timestamp() * 1000)}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 5.0, (352, 288))
        reference = ClipReady(
            camera="synthetic-03", event_time=at, location=clip_location("synthetic-03", at)
        )  # fmt: skip
        for frame in source.open(reference, 5).frames:
            scene = np.array(frame.pixels, subok=False)
            if number < WITH_CANARY:
                scene[PATCH] = canary
            writer.write(cv2.cvtColor(scene, cv2.COLOR_RGB2BGR))
        writer.release()
        paths.append(path)
    return paths


def usual(paths: list[Path]) -> NDArray[np.float64]:
    """What the place of the canary looks like in most frames of these clips."""
    frames = [frame for path in paths for frame in open_media(path, 5, DecodeLimits()).frames]
    return np.asarray(np.median([np.array(frame.pixels, subok=False)[PATCH] for frame in frames], axis=0), np.float64)


def test_a_street_leaves_its_child_and_nobody_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    clips = record(tmp_path / "clips")
    before = set(files_below(tmp_path))
    scratch, work = tmp_path / "tmp", tmp_path / "work"
    scratch.mkdir(), work.mkdir()
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(scratch))
    monkeypatch.chdir(work)
    answers: list[bytes] = []
    ask = Jail.ask

    def listening(jail: Jail, said: bytes, media: bytes = b"") -> bytes:
        answers.append(ask(jail, said, media))
        return answers[-1]

    monkeypatch.setattr(Jail, "ask", listening)
    caplog.set_level("DEBUG")
    past = RecordedClips(FolderSource(FolderConfig(path=tmp_path / "clips"), (CAMERA,)), 1 << 24)
    setup = ChildSetup(jail=JailLimits(memory_mb=1024, cpu_s=60), background=BackgroundSetup(model="lowres-2"))
    gathering = Backgrounds(setup, lambda _: Scene(), past)
    try:
        deadline = time.monotonic() + 50
        while (told := gathering.ask(CAMERA)).state is GatheringState.GATHERING and time.monotonic() < deadline:
            time.sleep(0.02)
        assert (told.state, told.reason) == (GatheringState.READY, None)
        picture = gathering.take(CAMERA.id)
    finally:
        gathering.close()
    runs = fingerprints(clips[0], 5)
    assert len(runs) >= 20, "the canary must survive the video codec"
    seen = np.asarray(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)
    assert seen.shape == (288, 352, 3)
    assert not leaks(seen.tobytes() + seen[..., ::-1].tobytes(), runs)
    with_it, without = usual(clips[:WITH_CANARY]), usual(clips[WITH_CANARY:])
    assert np.abs(with_it - without).mean() > 30, "it was plain to see"
    assert np.abs(seen[PATCH] - without).mean() < 6, "where it stood is the road"
    (answer,) = answers
    assert EmptyStreet.model_validate_json(answer).png == picture
    assert set(files_below(tmp_path)) == before, "nothing was written anywhere"
    printed = capfd.readouterr()
    assert not leaks((printed.out + printed.err + caplog.text).encode(), runs)


def test_clips_that_come_again_make_no_picture(tmp_path: Path) -> None:
    """A feed that froze, or a folder with copies: of twelve times two clips the median would be these two, with
    whoever stands in them."""
    contents = [path.read_bytes() for path in record(tmp_path)[:2]] * (LEAST_CLIPS // 2)
    times = [NOON + timedelta(minutes=5 * number) for number in range(LEAST_CLIPS)]
    job = BackgroundJob(
        clips=tuple(ClipReady(camera=CAMERA.id, event_time=at, location="clip") for at in times),
        lengths=tuple(map(len, contents)),
        scene=Scene(),
    )
    made = BackgroundWorker(BackgroundSetup(model="lowres-2")).answer(job, b"".join(contents))
    assert made == TooFew(used=2, why=("the same clip again (10)",))


def test_one_answer_of_all_children_has_room_for_a_picture() -> None:
    """What it is called says what is in it; every other answer is figures and words."""
    kinds = [get_args(kind)[0] if get_args(kind) else kind for kind in get_args(get_args(ANSWER._type)[0])]
    assert EmptyStreet in kinds

    def binary(schema: Any) -> bool:
        match schema:
            case {"type": "string", "format": str(how)} if how.startswith(("binary", "base64")):
                return True
            case dict():
                return any(binary(value) for value in schema.values())
            case list():
                return any(binary(value) for value in schema)
            case _:
                return False

    assert [one for one in (*kinds, ClipReport, CountResult) if binary(one.model_json_schema())] == [EmptyStreet]
