"""The synthetic street as a source: order, clock, faults, addresses and configuration."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from core.records import Camera, ClipReady, Status
from ingest.rendering import RenderedStreet, samples
from ingest.source import UnusableClip
from ingest.street.faults import FaultKind
from ingest.synthetic import SyntheticConfig

LATER = datetime(2026, 3, 14, tzinfo=UTC)
START = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)


def street(**settings: object) -> RenderedStreet:
    return RenderedStreet(SyntheticConfig.model_validate({"cameras": 2, "start": START, **settings}))


def clip_at(source: RenderedStreet, camera: int, moment: datetime) -> ClipReady:
    identity = source.cameras[camera].id
    return ClipReady(camera=identity, event_time=moment, location=f"synthetic:{identity}/{moment.isoformat()}")


def faulty(kind: FaultKind) -> RenderedStreet:
    fault = {"camera": "synthetic-01", "kind": kind.value, "from": START, "to": START + timedelta(hours=1)}
    return street(faults=[fault])


def pixels(source: RenderedStreet, clip: ClipReady, frames: int = 2) -> list[np.ndarray]:
    return [np.array(frame.pixels, subok=False) for frame in source.open(clip, frames).frames]


FINGERPRINT = """
import hashlib
import numpy as np
from datetime import UTC, datetime
from core.records import ClipReady
from ingest.rendering import RenderedStreet
from ingest.synthetic import SyntheticConfig
source = RenderedStreet(SyntheticConfig(cameras=2))
clip = ClipReady(camera="synthetic-02", event_time=datetime(2026, 3, 12, 17, 30, tzinfo=UTC),
                 location="synthetic:synthetic-02/2026-03-12T17:30:00Z")
digest = hashlib.sha256()
for frame in source.open(clip, 2).frames:
    digest.update(np.array(frame.pixels, subok=False).tobytes())
digest.update(repr(source.truth(clip, 2)).encode())
found = digest.hexdigest()
"""


class TestDeterminism:
    def test_a_clip_has_the_same_pixels_and_truth_in_every_process(self) -> None:
        root = Path(__file__).resolve().parents[2]
        here: dict[str, str] = {}
        exec(FINGERPRINT, here)
        there = subprocess.run(
            [sys.executable, "-c", FINGERPRINT + "print(found)"], capture_output=True, text=True, check=True, cwd=root
        )
        assert there.stdout.strip() == here["found"]

    def test_another_seed_camera_or_time_is_another_picture(self) -> None:
        source = street()
        seen = [
            pixels(source, clip_at(source, 0, START), 1)[0],
            pixels(source, clip_at(source, 1, START), 1)[0],
            pixels(source, clip_at(source, 0, START + timedelta(minutes=10)), 1)[0],
            pixels(street(seed=9), clip_at(source, 0, START), 1)[0],
        ]
        assert len({picture.tobytes() for picture in seen}) == 4

    def test_frames_are_feed_sized_and_move(self) -> None:
        source = street()
        sampled = source.open(clip_at(source, 0, START), 4)
        assert [frame.offset_s for frame in sampled.frames] == [1.25, 3.75, 6.25, 8.75]
        assert {(frame.width_px, frame.height_px) for frame in sampled.frames} == {(352, 288)}
        assert sampled.duration_s == 10
        assert sampled.decoded_frames == 250
        first, last = (frame.pixels.astype(int) for frame in (sampled.frames[0], sampled.frames[-1]))
        assert np.mean(np.abs(first - last) > 40) > 0.005


class TestOrder:
    def test_clips_of_all_cameras_come_in_event_time_order_and_each_camera_keeps_its_cadence(self) -> None:
        source = street(cameras=5, days=0.25, cadence_s=600)
        clips = list(source.clips())
        assert [clip.event_time for clip in clips] == sorted(clip.event_time for clip in clips)
        assert len(clips) == 5 * 36
        assert len({(clip.camera, clip.event_time) for clip in clips}) == len(clips)
        for camera in source.cameras:
            times = [clip.event_time for clip in clips if clip.camera == camera.id]
            assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(minutes=10)}
        assert clips[0].event_time == START
        assert clips[-1].event_time < START + timedelta(hours=6)

    def test_without_days_it_goes_on_for_ever(self) -> None:
        later = list(islice(street(days=None, cadence_s=86_400).clips(), 2000))[-1]
        assert later.event_time > START + timedelta(days=990)


class ScriptedClock:
    """A clock whose time moves by what is slept, and jumps (seconds, at that reading) as scripted."""

    def __init__(self, start: datetime, jumps: dict[int, float]) -> None:
        self.time, self.jumps, self.readings, self.sleeps = start, jumps, 0, 0

    def now(self) -> datetime:
        self.readings += 1
        self.time += timedelta(seconds=self.jumps.get(self.readings, 0.0))
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.sleeps += 1
        self.time += timedelta(seconds=seconds)


class TestClock:
    def test_a_clip_comes_when_it_has_ended(self) -> None:
        clock = ScriptedClock(START, {})
        source = RenderedStreet(SyntheticConfig(cameras=2, start=START, cadence_s=600), clock)
        for clip in islice(source.clips(), 6):
            assert clock.time >= clip.event_time + timedelta(seconds=10)
            assert clock.time < clip.event_time + timedelta(seconds=11)

    def test_what_is_already_past_comes_at_once(self) -> None:
        clock = ScriptedClock(START + timedelta(days=1), {})
        source = RenderedStreet(SyntheticConfig(cameras=2, start=START, days=0.5), clock)
        assert len(list(source.clips())) == 2 * 72
        assert clock.sleeps == 0

    @settings(max_examples=25, deadline=None)
    @given(st.dictionaries(st.integers(1, 60), st.floats(-7200, 7200), max_size=12))
    def test_a_clock_that_jumps_never_repeats_a_clip_nor_spins(self, jumps: dict[int, float]) -> None:
        clock = ScriptedClock(START, jumps)
        clips = list(RenderedStreet(SyntheticConfig(cameras=2, start=START, days=0.125), clock).clips())
        assert len({(clip.camera, clip.event_time) for clip in clips}) == len(clips) == 36
        assert [clip.event_time for clip in clips] == sorted(clip.event_time for clip in clips)
        assert clock.sleeps <= len(clips) + len(jumps)


class TestFaults:
    def test_only_the_camera_and_the_half_open_time_it_is_asked_for(self) -> None:
        source, sound = faulty(FaultKind.OFFLINE), street()
        for camera, moment, differs in (
            (0, START, True),
            (0, START + timedelta(hours=1), False),
            (0, START - timedelta(minutes=10), False),
            (1, START, False),
        ):
            clip = clip_at(source, camera, moment)
            assert (pixels(source, clip, 1)[0].tobytes() != pixels(sound, clip, 1)[0].tobytes()) is differs

    def test_nobody_is_expected_to_be_counted_in_a_faulty_clip(self) -> None:
        source = faulty(FaultKind.BLURRED)
        assert all(not frame.objects for frame in source.truth(clip_at(source, 0, START), 3))

    def test_placeholder_is_a_flat_grey_card_whose_stamp_stays_live(self) -> None:
        source = faulty(FaultKind.PLACEHOLDER)
        early, late = (pixels(source, clip_at(source, 0, START + timedelta(minutes=m)), 1)[0] for m in (0, 10))
        assert np.mean(np.abs(early.astype(int) - 128) <= 3) > 0.8
        changed = np.argwhere(np.abs(early.astype(int) - late.astype(int)).max(axis=2) > 40)
        assert len(changed) > 5
        assert changed[:, 0].max() < 16

    def test_offline_is_a_drawn_card_without_a_stamp(self) -> None:
        source = faulty(FaultKind.OFFLINE)
        first, second = (pixels(source, clip_at(source, 0, START + timedelta(minutes=m)), 1)[0] for m in (0, 10))
        assert first.tobytes() == second.tobytes()
        assert np.mean(np.all(first == first[2, 2], axis=2)) > 0.4

    def test_smeared_drags_one_row_down_to_the_foot_in_every_frame(self) -> None:
        source = faulty(FaultKind.SMEARED)
        for picture in pixels(source, clip_at(source, 0, START)):
            below = picture[170:].astype(int)
            assert np.all(below == below[0])
            assert np.any(picture[20] != picture[36])

    def test_frozen_gives_identical_frames(self) -> None:
        source = faulty(FaultKind.FROZEN)
        first, *rest = pixels(source, clip_at(source, 0, START), 4)
        assert all(picture.tobytes() == first.tobytes() for picture in rest)

    def test_dark_and_blurred_take_the_light_and_the_detail(self) -> None:
        sound = pixels(street(), clip_at(street(), 0, START), 1)[0][20:270]
        dark = pixels(faulty(FaultKind.DARK), clip_at(street(), 0, START), 1)[0][50:270]
        soft = pixels(faulty(FaultKind.BLURRED), clip_at(street(), 0, START), 1)[0][50:270]
        assert np.percentile(dark, 95) < 45 < np.percentile(sound, 95)
        detail = [np.percentile(np.abs(np.diff(part[..., 1].astype(int), axis=0)), 90) for part in (sound, soft)]
        assert detail[1] < detail[0] / 2

    def test_moved_view_is_another_scene_at_the_same_place(self) -> None:
        sound, moved = street(), faulty(FaultKind.MOVED_VIEW)
        clip, later = clip_at(sound, 0, START), clip_at(sound, 0, START + timedelta(minutes=10))
        usual, again, turned = (
            pixels(*pair, 1)[0][50:270].astype(int) for pair in ((sound, clip), (sound, later), (moved, clip))
        )
        assert np.mean(np.abs(usual - turned)) > 2 * np.mean(np.abs(usual - again))


class TestBadInput:
    @pytest.mark.parametrize(
        "location",
        [
            "clip.mp4",
            "synthetic:elsewhere/2026-03-12T08:00:00Z",
            "synthetic:synthetic-01/noon",
            "synthetic:synthetic-01",
        ],
    )
    def test_a_foreign_address_is_unreachable_and_says_what_an_address_is(self, location: str) -> None:
        clip = ClipReady(camera="synthetic-01", event_time=START, location=location)
        with pytest.raises(UnusableClip) as caught:
            street().open(clip, 2)
        assert caught.value.status is Status.UNREACHABLE
        assert location in str(caught.value)
        assert caught.value.remedy

    def test_no_frames_cannot_be_asked_for(self) -> None:
        with pytest.raises(ValueError, match="at least 1"):
            street().open(clip_at(street(), 0, START), 0)

    @pytest.mark.parametrize(
        ("settings", "key"),
        [
            ({"camera": 3}, "camera"),
            ({"cameras": 65}, "cameras"),
            ({"cadence_s": 0}, "cadence_s"),
            ({"days": -1}, "days"),
            ({"clip_s": 20, "cadence_s": 10}, "clip_s"),
            ({"start": "2026-03-12T06:00:00"}, "start"),
            ({"faults": [{"camera": "synthetic-01", "kind": "melted", "from": START, "to": START}]}, "faults.0.kind"),
            ({"faults": [{"camera": "synthetic-01", "kind": "dark", "from": START, "to": START}]}, "from < to"),
            ({"faults": [{"camera": "synthetic-77", "kind": "dark", "from": START, "to": LATER}]}, "faults.0.camera"),
        ],
    )  # fmt: skip
    def test_a_wrong_setting_is_refused_by_name(self, settings: dict[str, object], key: str) -> None:
        with pytest.raises(ValidationError) as caught:
            SyntheticConfig.model_validate(settings)
        error = caught.value.errors()[0]
        assert key in ".".join(str(part) for part in error["loc"]) + " " + error["msg"]


class TestCameras:
    def test_sixty_four_cameras_are_in_london_are_named_as_synthetic_and_have_zones_inside_the_picture(self) -> None:
        cameras = street(cameras=64).cameras
        assert len({camera.id for camera in cameras}) == len({camera.name for camera in cameras}) == 64
        for camera in cameras:
            Camera.model_validate(camera.model_dump())  # refuses zones outside the picture
            assert camera.name.endswith("(synthetic)")
            assert 51.40 < camera.lat < 51.62
            assert -0.30 < camera.lon < 0.10
        assert any(camera.zones for camera in cameras)
        assert any(not camera.zones for camera in cameras)

    def test_samples_for_training_come_with_their_truth(self) -> None:
        found = list(islice(samples(3, frames_per_camera=4), 4))
        assert len({sample.event_time for sample in found}) == 4
        assert {sample.pixels.shape for sample in found} == {(288, 352, 3)}
        assert sum(len(sample.truth.objects) for sample in found) > 0
